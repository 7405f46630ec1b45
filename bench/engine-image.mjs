// @ts-check
// The image that the engines build: a base of programs and sources, and one step for each thing that
// builds do to an overlay.
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallFiles, sourceArchive, sourceTree } from './fixtures.mjs'
import { run } from './processes.mjs'

const APPLETS = 'sh cat chmod dd echo find mkdir mv rm tar true'

/**
 * @typedef {object} Step
 * @property {string} title
 * @property {string} line of the Containerfile
 */

/** The steps after FROM. @param {boolean} quick @returns {Step[]} */
export function stepsOf(quick) {
  const sh = (/** @type {string} */ script) => `RUN ${JSON.stringify(['/bin/sh', '-ec', script])}`
  return [
    { title: 'RUN nothing', line: sh('true') },
    { title: 'COPY small files', line: 'COPY files /files' },
    { title: 'COPY an archive', line: 'COPY tree.tar /tree.tar' },
    { title: 'RUN untar, rm the archive', line: sh('tar -xf /tree.tar -C /; rm /tree.tar') },
    { title: 'RUN chmod of every base file', line: sh('chmod -R go-w /src') },
    {
      title: 'RUN append to a tenth of them',
      line: sh(`find /src -name '*0.c' | while read -r f; do echo more >>"$f"; done`),
    },
    {
      title: 'RUN delete and replace directories',
      line: sh(
        'rm -r /src/part1 /src/part2 /files/d00; mkdir /src/part1; echo new >/src/part1/new',
      ),
    },
    { title: 'RUN move a directory', line: sh('mv /src/part3 /moved') },
    {
      title: 'RUN write a big file',
      line: sh(`dd if=/dev/zero of=/big bs=1M count=${quick ? 32 : 256} 2>/dev/null`),
    },
  ]
}

/**
 * Make the base's archive and the build context below a directory.
 * @param {string} dir @param {boolean} quick
 */
export async function makeImageSources(dir, quick) {
  const root = join(dir, 'root')
  const context = join(dir, 'context')
  for (const name of ['bin', 'dev', 'etc', 'proc', 'src', 'sys', 'tmp']) {
    mkdirSync(join(root, name), { recursive: true })
  }
  mkdirSync(join(context, 'files'), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  for (const applet of APPLETS.split(' ')) symlinkSync('busybox', join(root, 'bin', applet))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  await sourceTree(quick ? 1000 : 5000).build(join(root, 'src'))
  await smallFiles(quick ? 5 : 20).build(join(context, 'files'))
  await sourceArchive(quick ? 1000 : 8000).build(context)
  const archive = join(dir, 'base.tar')
  await run('tar', ['--numeric-owner', '-C', root, '-cf', archive, '.'])
  await run('rm', ['-rf', root])
  return { archive, context }
}

/** @param {string} context @param {string} base @param {readonly Step[]} steps */
export function writeContainerfile(context, base, steps) {
  const lines = [`FROM ${base}`, ...steps.map(({ line }) => line), '']
  writeFileSync(join(context, 'Dockerfile'), lines.join('\n'))
}
