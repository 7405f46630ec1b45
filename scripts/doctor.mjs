#!/usr/bin/env node
// @ts-check
// Usage: npm run doctor [-- DIRECTORY]   (or: node scripts/doctor.mjs [DIRECTORY])
// Tells what this machine allows: mounting, passthrough, private attributes and whiteouts in
// DIRECTORY (default: the directory for temporary files), and which test suites can run.
// Exit status 1 only if no overlay can be mounted at all. Leaves nothing behind.
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { checks, suites, whyNoMount } from './doctor/checks.mjs'

/** @type {import('./doctor/checks.mjs').Facts} */
const facts = { directory: resolve(process.argv[2] ?? tmpdir()), has: {} }
const width = 2 + Math.max(...[...checks, ...suites].map((row) => label(row).length))
const signs = { ok: 'ok', limited: '--', missing: 'NO' }

for (const check of checks) {
  const { status, found, remedy } = check.look(facts)
  console.log(`${signs[status]}  ${check.title.padEnd(width)}${found}`)
  if (remedy !== undefined) console.log(`    ${''.padEnd(width)}-> ${remedy}`)
}

console.log('\nWhat can run here')
for (const { command, needs } of suites) {
  const missing = needs.filter((need) => !facts.has[need])
  const verdict =
    missing.length === 0 ? 'in full' : `not in full, for want of: ${missing.join(', ')}`
  console.log(`${missing.length === 0 ? 'ok' : '--'}  ${command.padEnd(width)}${verdict}`)
}

const reason = whyNoMount(facts)
console.log(
  reason === null
    ? '\nAn overlay can be mounted here.'
    : `\nNo overlay can be mounted here: ${reason}.`,
)
process.exitCode = reason === null ? 0 : 1

/** @param {{ title: string } | { command: string }} row */
function label(row) {
  return 'title' in row ? row.title : row.command
}
