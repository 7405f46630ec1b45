#!/usr/bin/env node
// @ts-check
// Usage: node scripts/fuzz.mjs [DIRECTORY]
// Compares tsoverlayfs with kernel overlayfs on random scenarios until stopped (Ctrl-C); stores what
// differs in DIRECTORY (default test/regress/scripts). Needs root. Environment: TSOVERLAYFS_SECONDS,
// TSOVERLAYFS_SEED, TSOVERLAYFS_WORKERS, TSOVERLAYFS_CANDIDATE (see test/helpers/subject.ts).
import { buildSync } from 'esbuild'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const directory = 'node_modules/.cache/tsoverlayfs-test'
mkdirSync(directory, { recursive: true })
const outfile = `${process.cwd()}/${directory}/fuzz-${process.pid}.mjs`
buildSync({
  entryPoints: ['test/fuzz/main.ts'],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  sourcemap: 'inline',
  logLevel: 'error',
})
try {
  await import(outfile)
} finally {
  rmSync(outfile)
}
