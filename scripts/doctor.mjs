#!/usr/bin/env node
// @ts-check
// Usage: npm run doctor [-- DIRECTORY]   (or: node scripts/doctor.mjs [DIRECTORY])
// What `tsoverlayfs doctor` tells of this machine, and which test suites of the repository can run.
// Needs the bundle (npm ci builds it). Exit status 1 if no overlay can be mounted at all, or the
// machine cannot be examined. Leaves nothing behind.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { repositoryChecks, suites } from './doctor/checks.mjs'

const bundle = fileURLToPath(new URL('../dist/tsoverlayfs.cjs', import.meta.url))

/**
 * The report of `tsoverlayfs doctor --json`.
 * @typedef {import('./doctor/checks.mjs').Line} Line
 * @returns {{ healthy: boolean, checks: Line[], facts: Record<string, boolean> }}
 */
function examine() {
  const words = [bundle, 'doctor', '--json', resolve(process.argv[2] ?? tmpdir())]
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (!stdout.startsWith('{'))
    fail(stderr.trim() === '' ? 'the doctor said nothing' : stderr.trim())
  return JSON.parse(stdout)
}

/** Why not even the program of this checkout can start, and what to do; null when it can. */
function whyNoProgram() {
  const major = Number.parseInt(process.versions.node, 10)
  if (process.platform !== 'linux' || major < 20) {
    return `Node 20 or later on Linux is needed; this is ${process.version} on ${process.platform}`
  }
  try {
    createRequire(import.meta.url)('koffi').load(null)
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return `koffi does not load (${reason}): run "npm ci" on this machine, it has a prebuilt binary per platform`
  }
  return existsSync(bundle) ? null : `${bundle} is missing: run "npm ci", or "npm run build"`
}

/** @param {string} reason @returns {never} */
function fail(reason) {
  console.log(`NO  ${reason}`)
  process.exit(1)
}

const reason = whyNoProgram()
if (reason !== null) fail(reason)
const { healthy, checks, facts } = examine()
const lines = [...checks, ...repositoryChecks.map((check) => ({ ...check, ...check.look(facts) }))]
const width =
  2 +
  Math.max(...lines.map(({ title }) => title.length), ...suites.map((row) => row.command.length))
const signs = { ok: 'ok', limited: '--', missing: 'NO' }

for (const { status, title, found, remedy } of lines) {
  console.log(`${signs[status]}  ${title.padEnd(width)}${found}`)
  if (remedy !== null) console.log(`    ${''.padEnd(width)}-> ${remedy}`)
}

console.log('\nWhat can run here')
for (const { command, needs } of suites) {
  const missing = needs.filter((need) => facts[need] !== true)
  const verdict =
    missing.length === 0 ? 'in full' : `not in full, for want of: ${missing.join(', ')}`
  console.log(`${missing.length === 0 ? 'ok' : '--'}  ${command.padEnd(width)}${verdict}`)
}

const mounts = facts['mount'] === true
console.log(mounts ? '\nAn overlay can be mounted here.' : '\nNo overlay can be mounted here.')
if (!healthy) console.log('See the lines that begin with NO.')
process.exitCode = mounts ? 0 : 1
