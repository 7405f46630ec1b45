/** git: a repository's life, from init to gc, and one that lies in the lower layer. */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

/** No settings of this machine, and the same commit ids in every run. */
const env = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.org',
  GIT_AUTHOR_DATE: '2024-01-01T00:00:00Z',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.org',
  GIT_COMMITTER_DATE: '2024-01-01T00:00:00Z',
}
/** These hold inode numbers and times, or depend on the order of packing. */
const without = [/^\/\.git\/index$/, /^\/\.git\/objects\/pack\//, /^\/\.git\/gc\.pid$/]

const git = (tree: string, ...words: string[]): Promise<string> =>
  runCommand('git', ['-C', tree, '-c', 'gc.auto=0', '-c', 'safe.directory=*', ...words], { env })

function writeFiles(root: string): void {
  for (let d = 0; d < 20; d++) {
    mkdirSync(`${root}/dir${d}`, { recursive: true })
    for (let f = 0; f < 25; f++) {
      writeFileSync(`${root}/dir${d}/file${f}`, `line ${d * f}\n`.repeat(f + 1))
    }
  }
}

async function branchAndMerge(tree: string): Promise<string[]> {
  await git(tree, 'checkout', '-q', '-b', 'side')
  for (let d = 0; d < 20; d += 2) appendFileSync(`${tree}/dir${d}/file1`, 'changed\n')
  await git(tree, 'rm', '-q', '-r', 'dir3')
  // A file: a directory of the lower layer gives EXDEV, as on kernel overlayfs, and git does not copy.
  await git(tree, 'mv', 'dir5/file2', 'dir5/moved')
  await git(tree, 'add', '-A')
  await git(tree, 'commit', '-q', '-m', 'side')
  await git(tree, 'checkout', '-q', 'main')
  const onMain = await git(tree, 'status', '--porcelain')
  await git(tree, 'checkout', '-q', 'side')
  await git(tree, 'gc', '-q', '--prune=now')
  await git(tree, 'fsck', '--strict')
  const log = await git(tree, 'log', '--format=%H %T %s')
  return [onMain, await git(tree, 'status', '--porcelain'), log]
}

void t.test('init, add, commit, checkout, gc', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'git', 'cp')) return
  await compareWithPlain(t, {
    buildLower: writeFiles,
    async work(tree) {
      await git(tree, 'init', '-q', '-b', 'main')
      await git(tree, 'add', '-A')
      await git(tree, 'commit', '-q', '-m', 'first')
      return branchAndMerge(tree)
    },
    without,
  })
})

void t.test('a repository in the lower layer', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'git', 'cp')) return
  await compareWithPlain(t, {
    async buildLower(lower) {
      writeFiles(lower)
      await git(lower, 'init', '-q', '-b', 'main')
      await git(lower, 'add', '-A')
      await git(lower, 'commit', '-q', '-m', 'first')
    },
    async work(tree) {
      const before = await git(tree, 'status', '--porcelain')
      return [before, ...(await branchAndMerge(tree))]
    },
    without,
  })
})
