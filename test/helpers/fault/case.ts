/**
 * What the fault suite does on a mount: one system call that takes the overlay several, with what it
 * finds in the layers before. The trees are small, since each is built and looked at hundreds of
 * times.
 */
import type { WhiteoutForm } from '../../../src/overlay/workdir.js'
import type { Operation } from '../operation.js'

/** One system call, and the state it starts from. */
export interface FaultCase {
  readonly title: string
  /** Mount options beside the directories. */
  readonly options?: string
  /** Options of ours beside those. */
  readonly ours?: string
  /**
   * Mounted as container engines do, with whiteouts of a form: layers that kernel overlayfs does not
   * understand, so that only ours is asked.
   */
  readonly engine?: WhiteoutForm
  /** Lower layers, topmost first. */
  readonly lowers: readonly (readonly Operation[])[]
  /** Brings upper about, through kernel overlayfs. */
  readonly setup?: readonly Operation[]
  /** Done on the mount before anything goes wrong: opens handles. */
  readonly open?: readonly Operation[]
  /** The system call under test. */
  readonly call: Operation
  /** It only looks, at what was not looked at before: all that can go wrong is what it says. */
  readonly looks?: true
  /** Done on the same mount once the call has succeeded. */
  readonly after?: readonly Operation[]
  /** Why a call that fails may leave something in work until the file is closed. */
  readonly keeps?: string
  /**
   * States between the old and the new one that users may see since no file system could do better,
   * each brought about through kernel overlayfs, with the reason.
   */
  readonly between?: readonly { readonly why: string; readonly script: readonly Operation[] }[]
}
