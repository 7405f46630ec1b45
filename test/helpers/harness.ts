/** Comparisons with the kernel for the suites, in a process of their own. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { carriedPart } from './deviations-libfuse.js'
import { bundle } from './bundle.js'
import type { Outcome } from './comparison.js'
import type { RunnerReply, RunnerRequest, RunnerSetup } from './harness-protocol.js'
import type { Scenario } from './scenario.js'
import { WatchedRunner } from './watched-runner.js'

/** The root of this checkout. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

const SCENARIO_DEADLINE_MS = 30_000

/** Runs one scenario at a time. Call {@link Harness.close} when done. */
export class Harness {
  readonly #runner: WatchedRunner<RunnerRequest, RunnerReply>
  readonly #candidate: string
  #nextId = 1

  /**
   * @param candidate what is compared with the kernel; see subjectByName
   * @param root the checkout, where this program is not in its place there
   */
  constructor(candidate: string, root = checkout) {
    this.#candidate = candidate
    this.#runner = new WatchedRunner((directory) => {
      const setup: RunnerSetup = { checkout: root, directory, candidate }
      const entry = bundle(root, 'test/helpers/harness-runner.ts')
      return fork(entry, [JSON.stringify(setup)], { execArgv: ['--enable-source-maps'] })
    }, SCENARIO_DEADLINE_MS)
  }

  /**
   * Run a scenario, as far as the candidate's transport carries it, on the kernel and on the
   * candidate. Throws a RunnerFailed.
   */
  async compare(whole: Scenario): Promise<Outcome> {
    const scenario = this.#candidate === 'libfuse' ? carriedPart(whole) : whole
    const { differences = [], results = [] } = await this.#runner.ask({
      id: this.#nextId++,
      scenario,
    })
    return { differences, results }
  }

  /** End the runner and remove everything it made. */
  async close(): Promise<void> {
    await this.#runner.close()
  }
}
