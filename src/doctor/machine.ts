/** The machine that is looked at: its files, who asks, and the programs that are asked. */
import type { Host } from '../install/host.js'

/** How a program ended. */
export interface RunResult {
  /** null: it could not be started, or took too long. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A host whose programs can be run. */
export interface Machine extends Host {
  /** Absolute path of our own launcher; null when it is not where it should be. */
  readonly launcher: string | null
  /** Run a program (path of the host, or a name for PATH) to its end, at most `timeoutMs`. */
  run(program: string, words: readonly string[], timeoutMs: number): RunResult
}

/** What is known so far; later checks, the verdict and the repository's own doctor ask for it by name. */
export type Facts = Record<string, boolean>

/** What the checks share. */
export interface Visit {
  readonly machine: Machine
  /** Directory where layers would lie. */
  readonly directory: string
  readonly facts: Facts
}
