/** docs/migration.md tells the truth: every option in its table is known, and warns only if it says so. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { splitOptions } from '../../../src/config/option-words.js'
import { parseOptions } from '../../../src/config/parse-options.js'
import { defaultOverlayOptions } from '../../../src/overlay/options.js'
import { supportedOptions } from '../../../src/overlay/supported.js'

const PAGE = fileURLToPath(new URL('../../../docs/migration.md', import.meta.url))
const LAYERS = 'lowerdir=/a,upperdir=/u,workdir=/w'

/** A value for options that the page names without one. */
const VALUES: Readonly<Record<string, string>> = {
  uidmapping: '0:1000:1',
  gidmapping: ':0:1000:1',
  plugins: '/p',
  fsname: 'x',
  subtype: 'x',
  context: '"u:r:t:s0:c1,c2"',
  writeback: '0',
  threaded: '1',
  fast_ino: '1',
  fast_ino_check: '1',
  max_write: '4096',
  max_read: '4096',
  max_readahead: '4096',
  upperdir: '/u',
  workdir: '/w',
  timeout: '0',
  squash_to_uid: '5',
  squash_to_gid: '5',
}

/** The options of a table cell: code spans, with a sample value, alternatives spelt out. */
function optionsIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].flatMap(([, code = '']) => {
    if (code.startsWith('-') || code.endsWith('…')) return []
    const [key = '', value = null] = code.replaceAll('\\', '').split('=')
    if (key === 'splice_*') return ['splice_read', 'splice_write', 'splice_move']
    if (value === null) return [key]
    const sample = VALUES[key]
    if (sample !== undefined) return [`${key}=${sample}`]
    return value.split('|').map((each) => `${key}=${each}`)
  })
}

function warningsOf(option: string): readonly string[] {
  const options = parseOptions({
    dialect: 'fuse-overlayfs',
    words: splitOptions(
      option.startsWith('lowerdir') ? `upperdir=/u,workdir=/w,${option}` : `${LAYERS},${option}`,
    ),
    mountpoint: '/m',
    source: 'x',
    subtype: 'x',
    foreground: false,
    debug: false,
    isRoot: true,
  })
  const warnings = [...options.warnings]
  supportedOptions({ ...defaultOverlayOptions, ...options.overlay }, warnings)
  return warnings
}

await t.test('the table of options', (t) => {
  const section = readFileSync(PAGE, 'utf8').split('\n## Options\n')[1]?.split('\n## ')[0] ?? ''
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| `') && !line.includes('FUSE_OVERLAYFS'))
    .map((line) => line.split(/(?<!\\)\|/).slice(1, 3))
  t.ok(rows.length > 20)
  const seen = rows.flatMap(([left = '', right = '']) =>
    optionsIn(left).map((option) => {
      const warnings = warningsOf(option)
      const isWarned = right.trim().startsWith('a warning')
      t.equal(warnings.length > 0, isWarned, `${option}: ${warnings.join('; ')}`)
      t.notMatch(warnings.join(), /unknown/)
      return option
    }),
  )
  for (const option of ['noacl', 'timeout=0', 'xattr_permissions=2', 'metacopy=on', 'volatile']) {
    t.ok(seen.includes(option), option)
  }
  t.not(warningsOf('nonsense').length, 0, 'an unknown option is told apart')
  t.end()
})
