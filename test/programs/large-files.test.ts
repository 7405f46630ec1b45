/**
 * Large lower files: their copy-up is done aside, so these are the calls that may have to wait for it,
 * alone and many at once, and what may happen to a file meanwhile.
 */
import { appendFileSync, closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

const SIZE = 24 << 20

function writeLarge(root: string): void {
  const block = Buffer.alloc(1 << 20)
  for (const name of [
    'appended',
    'linked',
    'renamed',
    'moded',
    'cut',
    'crowd',
    'removed',
    'deep',
  ]) {
    const fd = openSync(`${root}/${name}`, 'w')
    for (let n = 0; n < SIZE >> 20; n++) writeSync(fd, block.fill(name.charCodeAt(0) + n))
    closeSync(fd)
  }
  const sparse = openSync(`${root}/sparse`, 'w')
  ftruncateSync(sparse, SIZE)
  writeSync(sparse, 'an island', SIZE / 2)
  closeSync(sparse)
}

void t.test('every way to need a copy of a large file', { timeout: 120_000 }, async (t) => {
  if (!requiresPrograms(t, 'sh', 'cp', 'sha256sum', 'truncate')) return
  await compareWithPlain(t, {
    buildLower: writeLarge,
    async work(tree) {
      const sh = (script: string): Promise<string> =>
        runCommand('sh', ['-c', script], { cwd: tree })
      appendFileSync(`${tree}/appended`, 'one more line\n')
      await sh('ln linked link && echo x >>link && mv renamed moved && chmod 640 moded')
      await sh(
        'truncate -s 9000001 cut; printf y | dd of=sparse bs=1 seek=5 conv=notrunc status=none',
      )
      await Promise.all([
        ...Array.from({ length: 8 }, (_, n) =>
          sh(`echo line >>crowd; cat appended >/dev/null; : ${n}`),
        ),
        sh('chmod 600 crowd && mkdir made && echo quick >made/file'),
        sh('exec 3>>removed; rm removed; echo lost >&3').catch(() => 'gone before it was open'),
        sh('mkdir -p in/side && mv deep in/side/deep && echo z >>in/side/deep'),
      ])
      return sh(
        'sha256sum appended link linked moved moded cut sparse crowd in/side/deep; ls -a . in',
      )
    },
  })
})
