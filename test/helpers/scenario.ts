/** A comparison as data: layers, options, and what is done in each round of mounting. */
import type { Operation } from './operation.js'
import type { ScratchKind } from './scratch.js'

/** What happens with the upper directory when a round is over. */
export type Transition = 'remount' | 'rotate'

/** One mount: a script, then unmounting and possibly another round. */
export interface Round {
  readonly script: readonly Operation[]
  /**
   * How the next round starts: `remount` over the same layers; `rotate` with upper as the top lower
   * layer and a fresh upper. The last round's is not used.
   */
  readonly then: Transition
}

/** Everything that a comparison depends on. */
export interface Scenario {
  readonly scratch: ScratchKind
  /** How each lower layer is made, top-most first; failing steps are ignored. */
  readonly lowers: readonly (readonly Operation[])[]
  /** What is in upper before the first mount. */
  readonly upper: readonly Operation[]
  /** Mount options beside the directories. */
  readonly options: string
  /** More options, which only ours understands. */
  readonly candidateOptions?: string
  /** What is in the work directory before the first mount. */
  readonly work?: readonly Operation[]
  /** Mount the lower layers alone. */
  readonly withoutUpper?: boolean
  /** Added to the names of lower directories, to be escaped in the mount options. */
  readonly lowerSuffix?: string
  /** How lower layers are named to the mount; `lowerdir=A:B` unless given. */
  readonly lowerForm?: 'lowerdir+'
  /** How many of the lower layers, from the last, hold data only. */
  readonly dataLayers?: number
  /** Whether upper is on another file system than the lower layers. */
  readonly upperElsewhere?: boolean
  readonly rounds: readonly Round[]
}

/** Number of operations in all scripts. */
export function scenarioLength(scenario: Scenario): number {
  return scenario.rounds.reduce((sum, round) => sum + round.script.length, 0)
}
