#!/usr/bin/env node
// @ts-check
// Usage: node scripts/build.mjs [--bundle-only]
// Bundles the program into dist/program-HASH.cjs (one file, koffi and fuse-native stay outside) with
// V8's code cache beside it, its loader into dist/tsoverlayfs.cjs, and writes the library (dist/src)
// with its types. Leaves nothing else behind.
import { build } from 'esbuild'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
rmSync('dist', { recursive: true, force: true })
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['koffi', 'fuse-native'],
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logOverride: { 'empty-import-meta': 'silent' },
  logLevel: 'warning',
}

/** All functions compiled, not only those that run while the file is loaded. @param {string} path */
function writeCodeCache(path) {
  setFlagsFromString('--no-lazy')
  const script = new Script(readFileSync(`${path}.cjs`, 'latin1'), { filename: `${path}.cjs` })
  // The cache is for processes with the flags as they are by default.
  setFlagsFromString('--lazy')
  writeFileSync(`${path}.cache`, script.createCachedData())
}

const bundle = await build({
  ...common,
  entryPoints: ['bin/tsoverlayfs.ts'],
  outfile: 'dist/program.cjs',
  define: { TSOVERLAYFS_VERSION: JSON.stringify(version) },
  // A function in parentheses: what the script comes to.
  banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
  footer: { js: '})' },
  write: false,
})
const [file] = bundle.outputFiles
if (file === undefined) throw new Error('esbuild wrote no bundle')
const hash = createHash('sha256').update(file.contents).digest('hex').slice(0, 16)
await build({
  ...common,
  entryPoints: ['bin/loader.ts'],
  outfile: 'dist/tsoverlayfs.cjs',
  define: { TSOVERLAYFS_PROGRAM: JSON.stringify(`program-${hash}`) },
})
writeFileSync(`dist/program-${hash}.cjs`, file.contents)
writeCodeCache(`dist/program-${hash}`)
if (!process.argv.includes('--bundle-only')) {
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
}
if (existsSync('bin/tsoverlayfs')) chmodSync('bin/tsoverlayfs', 0o755)
