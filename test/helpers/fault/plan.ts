/**
 * What shall go wrong in a daemon, and where: written into a file by the suite, read by the daemon at
 * each system call, so that neither has to wait for the other.
 */

/** Kinds of system calls that a fault can be aimed at. */
export type CallKind =
  /** Changes something on disk. */
  | 'change'
  /** Needs room on disk: blocks or an inode. */
  | 'allocate'
  /** Makes a device. */
  | 'device'
  /** Writes an extended attribute. */
  | 'mark'
  /** Gives a new descriptor. */
  | 'descriptor'
  /** Any of these, and those that only read. */
  | 'any'

/** One fault: the call number `at` (from 0) of a kind, counted from when the plan is written. */
export type FaultPlan =
  | { readonly mode: 'off' }
  /** Only note the calls, as is done in the other modes, too. */
  | { readonly mode: 'record' }
  /** End the process by SIGKILL, before or after the call. */
  | {
      readonly mode: 'kill'
      readonly calls: CallKind
      readonly at: number
      readonly when: 'before' | 'after'
    }
  /** Let the call fail without doing it. */
  | {
      readonly mode: 'fail'
      readonly calls: CallKind
      readonly at: number
      readonly errno: number
    }

/** Environment variable with the directory of the files `plan` and `log`. */
export const FAULT_DIRECTORY = 'TSOVERLAYFS_TEST_FAULTS'

/** The line in the log after the call that the plan is about. */
export const HIT = '^'

/** A plan is padded to this many bytes, so that one write replaces one read. */
export const PLAN_BYTES = 256

/** A plan as it is written; the serial number tells it from an equal one before it. */
export function encodePlan(plan: FaultPlan, serial: number): string {
  return JSON.stringify({ ...plan, serial }).padEnd(PLAN_BYTES)
}

/** The plan in a text made by {@link encodePlan}. */
export function decodePlan(text: string): FaultPlan {
  return JSON.parse(text) as FaultPlan
}
