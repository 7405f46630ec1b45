/** tar: extraction of a few thousand files, and an archive made from the mounted tree. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url))
/** Together some 3,000 files, with symlinks, deep directories and executables. */
const subset = ['typescript', '@types', 'eslint', 'prettier', 'commander', 'debug', '.bin'].filter(
  (name) => existsSync(`${modules}/${name}`),
)

/** Sorted, so that the archive does not depend on the order that readdir gives. */
const archiveWords = ['--sort=name', '--format=gnu', '--numeric-owner']

void t.test('extract and create', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'tar', 'cp')) return
  await compareWithPlain(t, {
    async buildLower(lower) {
      await runCommand('tar', ['-C', modules, '-cf', `${lower}/modules.tar`, ...subset])
    },
    async work(tree, { outside }) {
      await runCommand('tar', ['-C', tree, '-xf', `${tree}/modules.tar`])
      const archive = `${outside}/again.tar`
      await runCommand('tar', ['-C', tree, ...archiveWords, '-cf', archive, ...subset])
      await runCommand('tar', ['-C', tree, '--compare', '-f', `${tree}/modules.tar`])
      return createHash('sha1').update(readFileSync(archive)).digest('hex')
    },
  })
})

void t.test('archive of a lower tree, and extraction over it', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'tar', 'cp')) return
  await compareWithPlain(t, {
    async buildLower(lower) {
      await runCommand('cp', ['-a', ...subset.map((name) => `${modules}/${name}`), lower])
    },
    async work(tree, { outside }) {
      const archive = `${outside}/lower.tar`
      await runCommand('tar', ['-C', tree, ...archiveWords, '-cf', archive, ...subset])
      const replace = ['--recursive-unlink', '-xf', archive, 'commander', 'debug']
      await runCommand('tar', ['-C', tree, ...replace])
      await runCommand('tar', ['-C', tree, '--overwrite', '-xf', archive, '@types'])
      return createHash('sha1').update(readFileSync(archive)).digest('hex')
    },
  })
})
