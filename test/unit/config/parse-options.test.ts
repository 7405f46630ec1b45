/** Option text to data: escapes, layers, dialects, and every refusal with its message. */
import fc from 'fast-check'
import t from 'tap'
import type { Dialect, MountOptions } from '../../../src/config/mount-options.js'
import { OptionError } from '../../../src/config/option-error.js'
import { escapeLayerPath, splitOptions } from '../../../src/config/option-words.js'
import { parseOptions } from '../../../src/config/parse-options.js'
import { showOptions } from '../../../src/config/show-options.js'

function parse(text: string, dialect: Dialect = 'kernel'): MountOptions {
  return parseOptions({
    dialect,
    words: splitOptions(text),
    mountpoint: '/mnt',
    source: 'tsoverlayfs',
    subtype: 'tsoverlayfs',
    foreground: false,
    debug: false,
    isRoot: true,
  })
}

function refusal(text: string, dialect: Dialect = 'kernel'): string {
  try {
    parse(text, dialect)
    return 'accepted'
  } catch (error) {
    return error instanceof OptionError ? error.option : String(error)
  }
}

await t.test('layers', (t) => {
  t.strictSame(parse('lowerdir=/a:/b,upperdir=/u,workdir=/w').overlay.lowerDirs, ['/a', '/b'])
  t.strictSame(parse('lowerdir=/a\\:x:/b\\,y,upperdir=/u,workdir=/w').overlay.lowerDirs, [
    '/a:x',
    '/b,y',
  ])
  t.strictSame(parse('lowerdir+=/a:b,lowerdir+=/c,upperdir=/u,workdir=/w').overlay.lowerDirs, [
    '/a:b',
    '/c',
  ])
  t.strictSame(
    parse('lowerdir=l/X/../diff1:/b').overlay.lowerDirs,
    ['l/X/../diff1', '/b'],
    'paths are never normalised',
  )
  t.strictSame(parse('lowerdir=/a::/d1::/d2').overlay.dataDirs, ['/d1', '/d2'])
  t.equal(parse('lowerdir=/a:/b').overlay.readOnly, true, 'no upper: read-only')
  t.end()
})

await t.test('what the kernel refuses is refused, by the name of the option', (t) => {
  for (const [text, option] of [
    ['', 'lowerdir'],
    ['lowerdir=,upperdir=/u,workdir=/w', 'lowerdir'],
    ['lowerdir=/a,upperdir=/u', 'workdir'],
    ['lowerdir=:/a,upperdir=/u,workdir=/w', 'lowerdir'],
    ['lowerdir=/a:,upperdir=/u,workdir=/w', 'lowerdir'],
    ['lowerdir=/a:::/b,upperdir=/u,workdir=/w', 'lowerdir'],
    ['lowerdir=/a,upperdir=/u,workdir=/w,foo', 'foo'],
    ['lowerdir=/a,upperdir=/u,workdir=/w,redirect_dir=maybe', 'redirect_dir'],
    ['lowerdir=/a,upperdir=/u,workdir=/w,metacopy=on,redirect_dir=off', 'metacopy'],
    [`lowerdir=${Array.from({ length: 501 }, (_, i) => `/l${i}`).join(':')}`, 'lowerdir'],
  ] as const) {
    t.equal(refusal(text), option, text.slice(0, 60))
  }
  t.end()
})

await t.test('engines get warnings where people get errors', (t) => {
  const options = parse(
    'lowerdir=/a,upperdir=/u,workdir=/w,,volatile,foo,private,context="u:r:t:s0:c1,c2"',
    'fuse-overlayfs',
  )
  t.match(options.warnings.join('\n'), /foo/)
  t.equal(options.overlay.fsync, 'volatile')
  t.equal(options.overlay.volatileMarker, false, 'no mark that would stop the next mount')
  const mapped = parse('lowerdir=/a,uidmapping=:0:100000:65536', 'fuse-overlayfs')
  t.strictSame(mapped.overlay.uidMap, [{ host: 0, shown: 100000, count: 65536 }])
  t.end()
})

await t.test('any path survives escaping', (t) => {
  const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code))
  const path = fc.array(byte, { minLength: 1, maxLength: 30 }).map((bytes) => `/${bytes.join('')}`)
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: 5 }), (paths) => {
      const text = `lowerdir=${paths.map(escapeLayerPath).join(':')},upperdir=/u,workdir=/w`
      t.strictSame(parse(text).overlay.lowerDirs, paths)
    }),
    { numRuns: 200 },
  )
  t.end()
})

await t.test('the transport', (t) => {
  const layers = 'lowerdir=/a,upperdir=/u,workdir=/w'
  t.match(parse(layers).mount, { transport: 'auto', allowOther: true })
  t.match(parse(`${layers},transport=kernel`).mount, { transport: 'kernel', allowOther: true })
  t.match(parse(`${layers},transport=libfuse`).mount, { transport: 'libfuse', allowOther: false })
  const asked = parse(`${layers},transport=libfuse,allow_other`)
  t.equal(asked.mount.allowOther, true, 'what was asked for is refused when mounting, not dropped')
  t.equal(refusal(`${layers},transport=nfs`), 'transport')
  t.equal(refusal(`${layers},transport`), 'transport')
  t.match(showOptions(parse(`${layers},transport=libfuse`)), ',transport=libfuse,')
  t.notMatch(showOptions(parse(layers)), 'transport')
  t.end()
})
