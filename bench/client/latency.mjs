// @ts-check
// How long single operations take while something else may be going on.
import { join } from 'node:path'
import * as libc from '../libc.mjs'

const PAUSE = new Int32Array(new SharedArrayBuffer(4))

/**
 * First look-ups of files that exist, and creations, one of each about every millisecond, until
 * standard input closes or the names run out. Latencies in microseconds.
 * @param {string} dir
 * @param {{ names: string[], prefix: string, createIn: string, samples: number }} options
 */
export function sampleLatency(dir, { names, prefix, createIn, samples }) {
  const count = Math.min(samples, names.length)
  /** @type {number[]} */
  const stat = []
  /** @type {number[]} */
  const create = []
  const flags = libc.O_WRONLY | libc.O_CREAT | libc.O_EXCL
  for (let n = 0; n < count; n++) {
    const path = libc.cPath(join(dir, names[n] ?? ''))
    const fresh = libc.cPath(join(dir, createIn, `${prefix}${n}`))
    const begin = process.hrtime.bigint()
    libc.stat(path)
    const middle = process.hrtime.bigint()
    libc.close(libc.open(fresh, flags, 0o644))
    const end = process.hrtime.bigint()
    stat.push(Number(middle - begin) / 1000)
    create.push(Number(end - middle) / 1000)
    Atomics.wait(PAUSE, 0, 0, 1)
  }
  return { stat, create }
}
