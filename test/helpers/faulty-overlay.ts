/** Mounts of ours in a process of their own, in which system calls fail or are the last on demand. */
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import { FAULT_DIRECTORY, type FaultPlan, encodePlan } from './fault-plan.js'
import { MountHost } from './mount-host-client.js'
import { type MountRequest, MountRefused, optionText } from './subject.js'
import { errnoName } from '../../src/sys/errno.js'
import { unmount } from './syscalls.js'

/** How a session came to its end. */
export type SessionOutcome = 'unmounted' | 'killed'

/** One mount at a time, in a host that is started anew after it was killed. */
export class FaultyOverlay {
  readonly #directory: string
  readonly #host: MountHost
  readonly #planFile: number
  #serial = 0

  /** @param directory for plan and log; made here */
  constructor(checkout: string, directory: string) {
    this.#directory = directory
    mkdirSync(directory)
    closeSync(openSync(`${directory}/log`, 'w'))
    this.#planFile = openSync(`${directory}/plan`, 'w')
    this.plan({ mode: 'off' })
    this.#host = new MountHost(checkout, {
      worker: 'test/helpers/fault-host-worker.ts',
      env: { [FAULT_DIRECTORY]: directory },
    })
  }

  /** Process id of the daemon; starts it if need be. */
  start(): number | undefined {
    return this.#host.start()
  }

  /** Mount without faults. Throws a {@link MountRefused}. */
  async mount(request: MountRequest): Promise<void> {
    this.plan({ mode: 'off' })
    const refusal = await this.#host.mount(request.target, optionText(request))
    if (refusal !== null) throw new MountRefused(refusal)
  }

  /** Let this happen from now on. */
  plan(plan: FaultPlan): void {
    this.#serial += 1
    writeSync(this.#planFile, encodePlan(plan, this.#serial), 0, 'latin1')
  }

  /** Let nothing happen any more; what was noted since the last time, a line a call. */
  settle(): string[] {
    this.plan({ mode: 'off' })
    const log = `${this.#directory}/log`
    const lines = readFileSync(log, 'latin1').split('\n').slice(0, -1)
    truncateSync(log)
    return lines
  }

  /** Unmount, or detach what a dead daemon left behind, and wait for the session's end. */
  async unmount(target: string): Promise<SessionOutcome> {
    const result = unmount(target)
    const detached = result < 0 ? unmount(target, 'lazy') : 0
    if (detached < 0) throw new Error(`unmount ${target}: ${errnoName(detached)}`)
    try {
      await this.#host.ended(target)
      return 'unmounted'
    } catch (error) {
      if (error instanceof Error && error.message.includes('SIGKILL')) return 'killed'
      throw error
    }
  }

  async close(): Promise<void> {
    closeSync(this.#planFile)
    await this.#host.close()
  }
}
