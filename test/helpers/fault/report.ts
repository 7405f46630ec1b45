/** What became of a case: messages between a suite and the process that injects the faults. */
import type { FaultCase } from './case.js'

/** How faults are injected: see kill.ts and errors.ts. */
export type FaultPart = 'kill' | 'errors'

/** Result of one part on one case. */
export interface FaultReport {
  /** Faults that were injected. */
  readonly faults: number
  /** What went wrong, each with its place. */
  readonly problems: readonly string[]
}

/** To the runner. */
export interface FaultRequest {
  readonly part: FaultPart
  readonly faultCase: FaultCase
}

/** From the runner. */
export interface FaultReply {
  readonly report?: FaultReport
  readonly error?: string
}
