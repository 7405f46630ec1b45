/** Without privileges: through fusermount3, and as root of a user namespace. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { readXattr } from '../../src/sys/xattr.js'
import { close, openPath } from '../../src/sys/open.js'
import { O_DIRECTORY, O_PATH } from '../../src/sys/constants.js'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'

const PROGRAM = fileURLToPath(new URL('../../bin/tsoverlayfs', import.meta.url))
const NOBODY = 65534

const STORY = `
${PROGRAM} mount -o lowerdir=lower,upperdir=upper,workdir=work merged || exit 1
echo more >>merged/file && cat merged/file
rm -r merged/dir && mkdir merged/dir && echo new >merged/dir/new && ls merged/dir
`

function place(t: Test): string {
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const mode = statSync('/dev/fuse').mode & 0o777
  chmodSync('/dev/fuse', 0o666)
  t.teardown(() => chmodSync('/dev/fuse', mode))
  chmodSync(scratch.path, 0o755)
  const path = `${scratch.path}/own`
  for (const name of ['', '/lower', '/lower/dir', '/upper', '/work', '/merged']) {
    mkdirSync(path + name)
    chownSync(path + name, NOBODY, NOBODY)
  }
  for (const [name, text] of [
    ['file', 'text\n'],
    ['dir/old', 'x'],
  ] as const) {
    writeFileSync(`${path}/lower/${name}`, text)
    chownSync(`${path}/lower/${name}`, NOBODY, NOBODY)
  }
  return path
}

function check(t: Test, path: string, script: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(
    'setpriv',
    ['--reuid=65534', '--regid=65534', '--clear-groups', ...script],
    {
      cwd: path,
      encoding: 'utf8',
      timeout: 30_000,
    },
  )
  t.equal(status, 0, stderr)
  t.equal(stdout, 'text\nmore\nnew\n')
  t.equal(readFileSync(`${path}/upper/file`, 'utf8'), 'text\nmore\n', 'copied up')
  t.equal(readFileSync(`${path}/lower/file`, 'utf8'), 'text\n', 'lower is as it was')
  const fd = openPath(`${path}/upper/dir`, O_PATH | O_DIRECTORY)
  t.equal(readXattr(fd, '', 'user.overlay.opaque'), 'y', 'opaque in the user namespace of names')
  close(fd)
}

await t.test('an ordinary user, through fusermount3', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  check(t, path, ['sh', '-c', `${STORY} fusermount3 -u merged`])
})

await t.test('root of a user namespace', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  check(t, path, ['unshare', '-Urm', 'sh', '-c', `${STORY} umount merged`])
})
