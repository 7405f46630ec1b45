/** What the loop's thread and the one beside it say to each other. */
import type { MessagePort } from 'node:worker_threads'
import type { CopyOrder, SyncKind } from '../overlay/aside.js'

/** Work to be done. */
export type AsideJob =
  | ({ readonly kind: 'copy'; readonly id: number } & CopyOrder)
  | { readonly kind: 'sync'; readonly id: number; readonly fd: number; readonly how: SyncKind }

/** Its end: 0 or -errno. */
export interface AsideResult {
  readonly id: number
  readonly result: number
}

/** The loop's end of the line. */
export interface AsideLine {
  readonly port: MessagePort
  /** Descriptor that can be read when a result has come. */
  readonly event: number
}
