/** find, du and rm -rf over lower, merged and new trees. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

function writeTree(root: string): void {
  for (let d = 0; d < 30; d++) {
    mkdirSync(`${root}/d${d}/sub/sub`, { recursive: true })
    for (let f = 0; f < 30; f++) {
      writeFileSync(`${root}/d${d}/sub/f${f}`, 'x'.repeat(d * f))
      if (f % 10 === 0) symlinkSync(`f${f}`, `${root}/d${d}/sub/s${f}`)
    }
  }
}

const sorted = (text: string): string[] => text.split('\n').sort()

async function look(tree: string): Promise<unknown> {
  const found = await runCommand('find', ['.', '-printf', '%y %m %U:%G %p %l\\n'], { cwd: tree })
  const big = await runCommand('find', ['.', '-type', 'f', '-size', '+200c'], { cwd: tree })
  const apparent = await runCommand('find', ['.', '-type', 'f', '-printf', '%s\\n'], { cwd: tree })
  const used = await runCommand('du', ['-s', '--inodes', '.'], { cwd: tree })
  return [sorted(found), sorted(big), sorted(apparent), used]
}

void t.test('find, du, rm -rf', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'find', 'du', 'rm', 'cp')) return
  await compareWithPlain(t, {
    buildLower: writeTree,
    async work(tree) {
      const seen = [await look(tree)]
      await runCommand('cp', ['-r', 'd1', 'copied'], { cwd: tree })
      await runCommand('cp', ['d2/sub/f3', 'd3/added'], { cwd: tree })
      await runCommand('mv', ['d4', 'moved'], { cwd: tree })
      seen.push(await look(tree))
      await runCommand('rm', ['-rf', 'd0', 'd3', 'copied', 'moved', 'd5/sub'], { cwd: tree })
      await runCommand('mkdir', ['-p', 'd0/again', 'd5/sub'], { cwd: tree })
      seen.push(await look(tree))
      return seen
    },
  })
})

void t.test('rm -rf of everything', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'find', 'du', 'rm', 'cp')) return
  await compareWithPlain(t, {
    buildLower: writeTree,
    async work(tree) {
      await runCommand('find', [tree, '-mindepth', '1', '-delete'])
      return look(tree)
    },
  })
})
