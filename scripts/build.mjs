#!/usr/bin/env node
// @ts-check
// Usage: node scripts/build.mjs
// Bundles the program into dist/tsoverlayfs.cjs (one file, koffi and fuse-native stay outside) and
// writes the library (dist/src) with its types. Leaves nothing else behind.
import { build } from 'esbuild'
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
rmSync('dist', { recursive: true, force: true })
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
await build({
  entryPoints: ['bin/tsoverlayfs.ts'],
  outfile: 'dist/tsoverlayfs.cjs',
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  external: ['koffi', 'fuse-native'],
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  define: { TSOVERLAYFS_VERSION: JSON.stringify(version) },
  logOverride: { 'empty-import-meta': 'silent' },
  logLevel: 'warning',
})
if (!process.argv.includes('--bundle-only')) {
  execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
}
if (existsSync('bin/tsoverlayfs')) chmodSync('bin/tsoverlayfs', 0o755)
