/** Mounts of ours in a process of their own, in which system calls fail or are the last on demand. */
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import type { MountOptions } from '../../../src/config/mount-options.js'
import { splitOptions } from '../../../src/config/option-words.js'
import { parseOptions } from '../../../src/config/parse-options.js'
import { errnoName } from '../../../src/sys/errno.js'
import { NativeMemory } from '../../../src/sys/memory.js'
import { native, orErrno } from '../../../src/sys/native.js'
import { type WorkerReport, runWorker } from '../../../src/worker.js'
import { type MountRequest, MountRefused, optionText } from '../subject.js'
import { unmount } from '../syscalls.js'
import { followPlans } from './calls.js'
import type { FaultCase } from './case.js'
import { type ProcessEnd, awaitProcess, forkProcess } from './fork.js'
import { type FaultPlan, encodePlan } from './plan.js'

const pipe2 = koffi.load(null).func('int pipe2(void *ends, int flags)') as unknown as (
  ends: number,
  flags: number,
) => number
const O_CLOEXEC = 0o2000000
const ends = new NativeMemory(8)
const message = Buffer.alloc(4096)

function makePipe(): { readonly from: number; readonly to: number } {
  const result = orErrno(pipe2(ends.address, O_CLOEXEC))
  if (result < 0) throw new Error(`pipe: ${errnoName(result)}`)
  return { from: ends.i32[0] ?? -1, to: ends.i32[1] ?? -1 }
}

/** A mount, and how engines would have it. */
export interface FaultyMount extends MountRequest {
  readonly engine: FaultCase['engine']
}

function mountOptions(request: FaultyMount): MountOptions {
  const { engine } = request
  const options = parseOptions({
    dialect: engine === undefined ? 'kernel' : 'fuse-overlayfs',
    words: splitOptions(optionText(request)),
    mountpoint: request.target,
    source: 'tsoverlayfs',
    subtype: 'tsoverlayfs',
    foreground: true,
    debug: false,
    isRoot: true,
  })
  if (engine !== 'wh-file') return options
  return { ...options, overlay: { ...options.overlay, whiteouts: engine } }
}

/** What the child does: serve one mount, and tell through the pipe when it is live, or why not. */
function serve(request: FaultyMount, to: number): number {
  followPlans()
  const reports: WorkerReport['kind'][] = []
  runWorker({ options: mountOptions(request), line: null }, (report) => {
    reports.push(report.kind)
    writeSync(to, report.kind === 'failed' ? report.message : `${report.kind}\n`, null, 'latin1')
  })
  return reports.includes('failed') ? 1 : 0
}

interface Child {
  readonly pid: number
  /** Where it tells what becomes of the mount. */
  readonly from: number
}

/** Daemons; the latest is the one that things are done to. */
export class FaultyDaemons {
  readonly #planFile: number
  readonly #logFile: string
  #serial = 0
  readonly #children: Child[] = []

  /** @param directory with the files `plan` and `log` */
  constructor(directory: string) {
    this.#planFile = openSync(`${directory}/plan`, 'r+')
    this.#logFile = `${directory}/log`
    this.plan({ mode: 'off' })
  }

  /** Mount without faults. Throws a {@link MountRefused}. */
  mount(request: FaultyMount): void {
    this.plan({ mode: 'off' })
    const { from, to } = makePipe()
    this.#children.push({ pid: forkProcess(() => serve(request, to)), from })
    native.close(to)
    const length = readSync(from, message, 0, message.length, null)
    const word = message.toString('latin1', 0, length)
    if (word === 'mounted\n') return
    const end = this.#end()
    throw new MountRefused(word === '' ? `the daemon ended: ${JSON.stringify(end)}` : word)
  }

  /** Let this happen from now on. */
  plan(plan: FaultPlan): void {
    this.#serial += 1
    writeSync(this.#planFile, encodePlan(plan, this.#serial), 0, 'latin1')
  }

  /** Let nothing happen any more; what was noted since the last time, a line a call. */
  settle(): string[] {
    this.plan({ mode: 'off' })
    const lines = readFileSync(this.#logFile, 'latin1').split('\n').slice(0, -1)
    if (lines.length > 0) truncateSync(this.#logFile)
    return lines
  }

  /** Unmount the latest, or detach what a dead daemon left behind, and wait for its end. */
  unmount(target: string): ProcessEnd {
    const result = unmount(target)
    const detached = result < 0 ? unmount(target, 'lazy') : 0
    if (detached < 0) throw new Error(`unmount ${target}: ${errnoName(detached)}`)
    return this.#end()
  }

  #end(): ProcessEnd {
    const child = this.#children.pop()
    if (child === undefined) throw new Error('there is no daemon')
    const end = awaitProcess(child.pid)
    closeSync(child.from)
    return end
  }
}
