/**
 * Work that takes long, done beside the loop by another thread, so that other requests are served
 * meanwhile. Where nobody offers it, the engine does such work itself and everyone waits.
 */

/** How data is made safe after a copy. */
export type FlushKind = 'none' | 'writeout' | 'fsync'

/** What is made safe on request. */
export type SyncKind = 'fsync' | 'fdatasync' | 'syncfs'

/** One copy of a regular file's data. Both descriptors are handed over, and closed at the end. */
export interface CopyOrder {
  readonly source: number
  /** Empty and writable. */
  readonly target: number
  readonly sizeBytes: number
  /** In units of 512 bytes: with fewer than the size needs, holes are looked for. */
  readonly blocks: number
  readonly flush: FlushKind
}

/** Whoever does the work. `done` is called later, on the loop's thread, with 0 or -errno. */
export interface Aside {
  copy(order: CopyOrder, done: (result: number) => void): void
  /** @param fd is handed over, and closed at the end */
  sync(fd: number, kind: SyncKind, done: (result: number) => void): void
}

/** A copy of a lower file's data under way or ended. */
export interface LongCopy {
  /** Its name in the work directory; '' for the data of a metadata-only upper file. */
  readonly temp: string
  readonly sizeBytes: number
  readonly mtimeSec: number
  readonly mtimeNsec: number
  /** null while it runs, then 0 or -errno. */
  result: number | null
}
