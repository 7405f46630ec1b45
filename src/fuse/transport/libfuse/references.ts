/**
 * Who refers to which node. The file system counts one lookup for every entry it gives; here it is
 * told to forget all but one, and that one when nothing refers to the node any more.
 */
import type { RawFilesystem } from '../../raw-filesystem.js'

/** The root is there without a lookup, and is never forgotten. */
export const ROOT_ID = 1

/** Reference counts by nodeid. */
export class References {
  readonly #filesystem: RawFilesystem
  readonly #counts = new Map<number, number>()

  constructor(filesystem: RawFilesystem) {
    this.#filesystem = filesystem
  }

  /** Nodes that something refers to, the root left out. */
  get size(): number {
    return this.#counts.size
  }

  /** Refer to a node that the file system has just given an entry of. */
  take(nodeid: number): void {
    const count = this.#counts.get(nodeid) ?? 0
    this.#counts.set(nodeid, count + 1)
    if (count > 0) this.#filesystem.forget(nodeid, 1)
  }

  /** Refer once more to a node that is referred to. */
  hold(nodeid: number): void {
    if (nodeid === ROOT_ID) return
    this.#counts.set(nodeid, (this.#counts.get(nodeid) ?? 0) + 1)
  }

  /** Refer to a node once less. */
  release(nodeid: number): void {
    if (nodeid === ROOT_ID) return
    const count = this.#counts.get(nodeid) ?? 0
    if (count > 1) {
      this.#counts.set(nodeid, count - 1)
      return
    }
    if (this.#counts.delete(nodeid)) this.#filesystem.forget(nodeid, 1)
  }
}
