/** Mounts of ours in a process of their own, in which system calls fail or are the last on demand. */
import { closeSync, openSync, readFileSync, readSync, truncateSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import { splitOptions } from '../../../src/config/option-words.js'
import { parseOptions } from '../../../src/config/parse-options.js'
import { errnoName } from '../../../src/sys/errno.js'
import { NativeMemory } from '../../../src/sys/memory.js'
import { native, orErrno } from '../../../src/sys/native.js'
import { type WorkerReport, runWorker } from '../../../src/worker.js'
import { type MountRequest, MountRefused, optionText } from '../subject.js'
import { unmount } from '../syscalls.js'
import { followPlans } from './calls.js'
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

/** What the child does: serve one mount, and tell through the pipe when it is live, or why not. */
function serve(request: MountRequest, to: number): number {
  followPlans()
  const options = parseOptions({
    dialect: 'kernel',
    words: splitOptions(optionText(request)),
    mountpoint: request.target,
    source: 'tsoverlayfs',
    subtype: 'tsoverlayfs',
    foreground: true,
    debug: false,
    isRoot: true,
  })
  const reports: WorkerReport['kind'][] = []
  runWorker({ options, line: null }, (report) => {
    reports.push(report.kind)
    writeSync(to, report.kind === 'failed' ? report.message : `${report.kind}\n`, null, 'latin1')
  })
  return reports.includes('failed') ? 1 : 0
}

/** One daemon at a time. */
export class FaultyDaemon {
  readonly #planFile: number
  readonly #logFile: string
  #serial = 0
  #pid = 0
  #from = -1

  /** @param directory with the files `plan` and `log` */
  constructor(directory: string) {
    this.#planFile = openSync(`${directory}/plan`, 'r+')
    this.#logFile = `${directory}/log`
    this.plan({ mode: 'off' })
  }

  /** Mount without faults. Throws a {@link MountRefused}. */
  mount(request: MountRequest): void {
    this.plan({ mode: 'off' })
    const { from, to } = makePipe()
    this.#from = from
    this.#pid = forkProcess(() => serve(request, to))
    native.close(to)
    const word = this.#hear()
    if (word === 'mounted\n') return
    const end = this.end()
    throw new MountRefused(word === '' ? `the daemon ended: ${JSON.stringify(end)}` : word)
  }

  #hear(): string {
    const length = readSync(this.#from, message, 0, message.length, null)
    return message.toString('latin1', 0, length)
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

  /** Unmount, or detach what a dead daemon left behind, and wait for the daemon's end. */
  unmount(target: string): ProcessEnd {
    const result = unmount(target)
    const detached = result < 0 ? unmount(target, 'lazy') : 0
    if (detached < 0) throw new Error(`unmount ${target}: ${errnoName(detached)}`)
    return this.end()
  }

  /** Wait for the daemon's end. */
  end(): ProcessEnd {
    const end = awaitProcess(this.#pid)
    closeSync(this.#from)
    this.#pid = 0
    this.#from = -1
    return end
  }
}
