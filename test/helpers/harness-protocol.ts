/** Messages between a suite and the process that runs comparisons for it. */
import type { Difference } from './difference.js'
import type { Scenario } from './scenario.js'

/** First message to the runner: what is compared. */
export interface RunnerSetup {
  readonly checkout: string
  /** Directory of the suite; whatever is mounted, is mounted below it. */
  readonly directory: string
  readonly candidate: string
}

/** One comparison. */
export interface RunnerRequest {
  readonly id: number
  readonly scenario: Scenario
}

/** What it found, or why it could not be done. */
export interface RunnerReply {
  readonly id: number
  readonly differences?: readonly Difference[]
  readonly results?: readonly (readonly string[])[]
  readonly error?: string
}
