/** The lower layer that requests are counted on, and a mount of it for one test. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import type { Test } from 'tap'
import { requires } from './requires.js'
import { TracedMount } from './request-trace.js'
import { makeScratch } from './scratch.js'

export const ENTRIES = 200
const PASSTHROUGH_SINCE = [6, 9] as const

/** Requests that each write(2) costs: none where the kernel passes data through for root. */
export function requestsPerWrite(): number {
  const [major = 0, minor = 0] = release().split('.').map(Number)
  const [sinceMajor, sinceMinor] = PASSTHROUGH_SINCE
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor) ? 0 : 1
}

/** Mount the candidate over a small tree with its requests counted; gone again after the test. */
export async function mountTraced(t: Test): Promise<TracedMount | null> {
  if (!requires(t, 'root', 'fuse')) return null
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const lower = `${scratch.path}/lower`
  mkdirSync(`${lower}/a/b/c`, { recursive: true })
  mkdirSync(`${lower}/many`)
  for (let n = 0; n < ENTRIES; n++) writeFileSync(`${lower}/many/entry${n}`, `${n}\n`)
  for (let n = 0; n < 30; n++) writeFileSync(`${lower}/file${n}`, `content ${n}\n`)
  writeFileSync(`${lower}/a/b/c/deep`, 'deep\n')
  symlinkSync('file1', `${lower}/symlink`)
  mkdirSync(`${scratch.path}/mount`)
  const mount = await TracedMount.start(`${scratch.path}/mount`, lower)
  t.teardown(() => mount.abandon())
  return mount
}
