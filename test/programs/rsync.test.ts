/** rsync -aHAX: hard links, ACLs, xattrs, owners and times, out of a lower tree and into one. */
import { chownSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { mknodAt } from '../../src/sys/node.js'
import { close, openPath } from '../../src/sys/open.js'
import { writeXattr } from '../../src/sys/xattr.js'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

const O_DIRECTORY = 0o200000
const S_IFIFO = 0o010000

function writeSource(root: string): void {
  mkdirSync(`${root}/source/deep/er`, { recursive: true })
  for (let f = 0; f < 200; f++) {
    const name = `${root}/source/deep/f${f}`
    writeFileSync(name, `content ${f}\n`, { mode: f % 2 === 0 ? 0o640 : 0o755 })
    chownSync(name, f % 5, f % 3)
    utimesSync(name, 1_600_000_000 + f, 1_600_000_000.123 + f)
  }
  for (let f = 0; f < 20; f++) linkSync(`${root}/source/deep/f${f}`, `${root}/source/deep/er/l${f}`)
  symlinkSync('deep/f1', `${root}/source/symlink`)
  symlinkSync('nowhere', `${root}/source/dangling`)
  writeFileSync(`${root}/source/sparse`, '')
  const fd = openPath(`${root}/source`, O_DIRECTORY)
  try {
    const results = [
      mknodAt(fd, 'fifo', S_IFIFO | 0o600, 0, 0),
      writeXattr(fd, 'deep/f3', 'user.note', 'kept'),
    ]
    if (results.some((result) => result < 0)) throw new Error(`source: ${results.join(' ')}`)
  } finally {
    close(fd)
  }
}

void t.test('copy, then nothing left to do', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'rsync', 'cp')) return
  await compareWithPlain(t, {
    buildLower: writeSource,
    async work(tree, { outside }) {
      const sync = (from: string, to: string): Promise<string> =>
        runCommand('rsync', ['-aHAX', '--delete', '--itemize-changes', `${from}/`, `${to}/`]).then(
          (text) => text.replaceAll(tree, '').replaceAll(outside, ''),
        )
      const inside = await sync(`${tree}/source`, `${tree}/copy`)
      const outward = await sync(`${tree}/source`, `${outside}/copy`)
      const again = await sync(`${tree}/source`, `${tree}/copy`)
      writeFileSync(`${outside}/copy/deep/f7`, 'changed outside\n')
      utimesSync(`${outside}/copy/deep/f7`, 1_700_000_000, 1_700_000_000)
      const inward = await sync(`${outside}/copy`, `${tree}/source`)
      const settled = await sync(`${outside}/copy`, `${tree}/source`)
      return { inside, outward, again, inward, settled }
    },
  })
})
