/** Comparisons with the kernel for the suites: one runner process, watched, replaced when it hangs. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { carriedPart } from '../differential/deviations-libfuse.js'
import { bundle } from './bundle.js'
import type { Outcome } from './comparison.js'
import type { RunnerReply, RunnerRequest, RunnerSetup } from './harness-protocol.js'
import { demolish, makeOwnDirectory } from './scratch.js'
import type { Scenario } from './scenario.js'

/** The root of this checkout. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const SCENARIO_DEADLINE_MS = 30_000

/** A comparison that did not come to an end, or broke down; in itself a failure of the candidate. */
export class ComparisonFailed extends Error {
  override readonly name = 'ComparisonFailed'
}

interface Runner {
  readonly child: ChildProcess
  readonly directory: string
}

/** Runs one scenario at a time. Call {@link Harness.close} when done. */
export class Harness {
  readonly #candidate: string
  readonly #checkout: string
  #runner: Runner | null = null
  #nextId = 1

  /**
   * @param candidate what is compared with the kernel; see subjectByName
   * @param root the checkout, where this program is not in its place there
   */
  constructor(candidate: string, root = checkout) {
    this.#candidate = candidate
    this.#checkout = root
    process.once('exit', this.#removeNow)
  }

  /** Run a scenario, as far as the candidate's transport carries it, on the kernel and on the candidate. */
  async compare(whole: Scenario): Promise<Outcome> {
    const scenario = this.#candidate === 'libfuse' ? carriedPart(whole) : whole
    const { child } = (this.#runner ??= this.#start())
    const id = this.#nextId++
    child.send({ id, scenario } satisfies RunnerRequest)
    const reply = await this.#reply(child, id)
    if (reply.error !== undefined) {
      await this.close()
      throw new ComparisonFailed(reply.error)
    }
    return { differences: reply.differences ?? [], results: reply.results ?? [] }
  }

  async #reply(child: ChildProcess, id: number): Promise<RunnerReply> {
    return new Promise<RunnerReply>((resolve) => {
      const finish = (reply: RunnerReply): void => {
        clearTimeout(timer)
        child.removeListener('message', hear)
        child.removeListener('exit', lost)
        resolve(reply)
      }
      const hear = (message: unknown): void => finish(message as RunnerReply)
      const lost = (code: number | null, signal: string | null): void =>
        finish({ id, error: `the runner ended (${code ?? signal ?? ''})` })
      const timer = setTimeout(() => {
        finish({ id, error: `no result within ${SCENARIO_DEADLINE_MS} ms` })
      }, SCENARIO_DEADLINE_MS)
      child.on('message', hear)
      child.on('exit', lost)
    })
  }

  #start(): Runner {
    const directory = makeOwnDirectory()
    const setup: RunnerSetup = { checkout: this.#checkout, directory, candidate: this.#candidate }
    const entry = bundle(this.#checkout, 'test/helpers/harness-runner.ts')
    const child = fork(entry, [JSON.stringify(setup)], { execArgv: ['--enable-source-maps'] })
    return { child, directory }
  }

  /** End the runner and remove everything it made. */
  async close(): Promise<void> {
    const runner = this.#runner
    if (runner === null) return
    this.#runner = null
    const { child, directory } = runner
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.disconnect()
      const stuck = setTimeout(() => child.kill('SIGKILL'), 5000)
      // A runner that waits for a daemon that hangs ends when the connection is aborted.
      const abort = setTimeout(() => demolish(directory), 2000)
      await exited
      clearTimeout(stuck)
      clearTimeout(abort)
    }
    demolish(directory)
  }

  readonly #removeNow = (): void => {
    const runner = this.#runner
    if (runner === null) return
    runner.child.kill('SIGKILL')
    demolish(runner.directory)
  }
}
