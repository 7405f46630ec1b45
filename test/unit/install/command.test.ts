/** `tsoverlayfs install` from end to end, on a machine below a temporary directory. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fakeHost, harvest, plant } from '../../helpers/fake-host.js'

const PROGRAM = fileURLToPath(new URL('../../../bin/tsoverlayfs', import.meta.url))
const isRoot = process.geteuid?.() === 0
const CONF = isRoot ? '/etc/containers/storage.conf' : '/h/.config/containers/storage.conf'
const LINK = isRoot ? '/usr/local/bin/fuse-overlayfs' : '/h/.local/bin/fuse-overlayfs'

function install(root: string, ...words: readonly string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(PROGRAM, ['install', '--root', root, ...words], {
    encoding: 'utf8',
    timeout: 20_000,
    env: { PATH: process.env['PATH'], HOME: '/h' },
  })
  return { code: status, text: stdout + stderr }
}

await t.test('install, dry run, uninstall', async (t) => {
  const { root } = fakeHost(t, {
    [CONF]: '[storage] # \xc3\xbc\ndriver = ""\n',
    [LINK.replace('fuse-overlayfs', 'other')]: 'program',
    '/usr/bin/podman': 'program',
    '/usr/sbin/dockerd': 'program',
  })
  const before = harvest(root)

  const dry = install(root, '--dry-run')
  t.equal(dry.code, 0)
  t.match(dry.text, `would change ${CONF}`)
  t.match(dry.text, `would link ${LINK} -> ${PROGRAM}`)
  t.strictSame(harvest(root), before, 'a dry run changes nothing')

  const done = install(root)
  t.equal(done.code, 0)
  t.match(done.text, `changed ${CONF}\n      - driver = ""\n      + driver = "overlay"`)
  t.match(done.text, '"storage-driver": "fuse-overlayfs"')
  const between = harvest(root)
  t.match(between[CONF], `mount_program = "${PROGRAM}"`)
  t.equal(between[LINK], `-> ${PROGRAM}`)

  t.match(install(root, 'podman', 'docker').text, /nothing to change[^]*nothing to change/)
  t.strictSame(harvest(root), between)
  t.equal(install(root, '--uninstall').code, 0)
  t.strictSame(harvest(root), before, 'everything is as it was')
})

await t.test('refusals and mistakes', async (t) => {
  const store = isRoot ? '/var/lib/containers/storage' : '/h/.local/share/containers/storage'
  const { root } = fakeHost(t, { [`${store}/vfs/dir/a`]: '/' })
  const refused = install(root, 'podman', 'docker')
  t.equal(refused.code, 1)
  t.match(refused.text, /refused: the store .* filled by another driver: vfs \(1 layer in/)
  t.ok(harvest(root)[LINK], 'the other engine is served')
  t.equal(install(root, '--uninstall', 'docker').code, 0)
  plant(root, { '/nothing': '/' })

  const none = install(`${root}/nothing`)
  t.equal(none.code, 1)
  t.match(none.text, /no engine is found in PATH: name one/)
  t.equal(install(root, 'lxc').code, 2)
  t.equal(install(root, '--nonsense').code, 2)
  t.equal(install(root, '--help').code, 0)
  t.equal(harvest(root)[CONF], undefined)
})
