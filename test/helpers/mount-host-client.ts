/** Talks to the process that hosts sessions of ours. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TransportName } from '../../src/server.js'
import { bundle } from './bundle.js'
import type { HostEvent, HostRequest } from './mount-host-protocol.js'

interface Waiting {
  readonly mounted: (refusal: string | null) => void
  readonly ended: (error: string | null) => void
}

/** What the host's threads run, where it is not the program as it is. */
export interface HostProgram {
  /** Relative to the checkout. */
  readonly worker: string
  readonly env: Readonly<Record<string, string>>
  readonly transport: TransportName
}

/** The program as it is. */
export const plainProgram: HostProgram = {
  worker: 'test/helpers/mount-host-worker.ts',
  env: {},
  transport: 'kernel',
}

/** One host process, started with the first mount, and anew after it was lost. */
export class MountHost {
  readonly #checkout: string
  readonly #program: HostProgram
  #child: ChildProcess | null = null
  #nextId = 1
  readonly #waiting = new Map<number, Waiting>()
  readonly #endOf = new Map<string, Promise<string | null>>()

  constructor(checkout: string, program = plainProgram) {
    this.#checkout = checkout
    this.#program = program
  }

  /** Process id of the host; starts it if need be. */
  start(): number | undefined {
    return this.#start().pid
  }

  /** Mount; returns null once live, or why not. */
  async mount(target: string, options: string): Promise<string | null> {
    const child = this.#start()
    const id = this.#nextId++
    const outcome = new Promise<string | null>((mounted) => {
      const end = new Promise<string | null>((ended) => {
        this.#waiting.set(id, { mounted, ended })
      })
      this.#endOf.set(target, end)
    })
    child.send({ id, mount: { target, options } } satisfies HostRequest)
    return outcome
  }

  /** Wait for the session of a mount to be over. */
  async ended(target: string): Promise<void> {
    const error = await this.#endOf.get(target)
    this.#endOf.delete(target)
    if (error !== null && error !== undefined) throw new Error(`session of ${target}: ${error}`)
  }

  /** End the host. */
  async close(): Promise<void> {
    const child = this.#child
    if (child === null) return
    this.#child = null
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  }

  #start(): ChildProcess {
    if (this.#child !== null) return this.#child
    const entry = bundle(this.#checkout, 'test/helpers/mount-host.ts')
    const worker = bundle(this.#checkout, this.#program.worker)
    const child = fork(entry, [worker, this.#program.transport], {
      execArgv: [],
      env: { ...process.env, ...this.#program.env },
    })
    child.on('message', (message) => this.#hear(message as HostEvent))
    child.on('exit', (code, signal) => this.#lost(`the mount host ended (${code ?? signal ?? ''})`))
    this.#child = child
    return child
  }

  #hear(event: HostEvent): void {
    const waiting = this.#waiting.get(event.id)
    if (waiting === undefined) return
    if (event.kind === 'mounted') {
      waiting.mounted(event.error)
      if (event.error === null) return
    }
    this.#waiting.delete(event.id)
    waiting.mounted(event.error)
    waiting.ended(event.error)
  }

  #lost(reason: string): void {
    this.#child = null
    for (const { mounted, ended } of this.#waiting.values()) {
      mounted(reason)
      ended(reason)
    }
    this.#waiting.clear()
  }
}
