/** Messages between a suite and the processes that work on one mount for it. */

/** What a member of a crew is told at the start; `go` follows when all are ready. */
export interface CrewOrder {
  readonly task: string
  readonly root: string
  readonly seed: number
  /** Number of this member. */
  readonly member: number
  readonly limitMs: number
}

/** What it did and saw. */
export interface CrewReport {
  /** Operations done. */
  readonly operations: number
  /** Results that no race explains, and broken promises; the first of each kind. */
  readonly complaints: readonly string[]
  /** Things to be added up over the crew. */
  readonly counts: Readonly<Record<string, number>>
}
