/**
 * The listings of directories that were read, within a budget of names: the ones read longest ago go
 * first. A listing also answers, without a system call, that a name is absent.
 */
import type { DirListing } from './dir-listing.js'
import type { DirNode } from './node.js'

/** Listings held within a budget. */
export class ListingCache {
  readonly #budget: number
  /** Directories with a listing, the one used longest ago first, and what each counts for. */
  readonly #held = new Map<DirNode, number>()
  #names = 0

  /** @param budget names that may be held in all listings together */
  constructor(budget: number) {
    this.#budget = budget
  }

  put(dir: DirNode, listing: DirListing): void {
    this.drop(dir)
    dir.listing = listing
    this.#held.set(dir, listing.places + 1)
    this.#names += listing.places + 1
    for (const oldest of this.#held.keys()) {
      if (this.#names <= this.#budget || oldest === dir) return
      this.drop(oldest)
    }
  }

  /** Mark as used last. */
  touch(dir: DirNode): void {
    const count = this.#held.get(dir)
    if (count === undefined) return
    this.#held.delete(dir)
    this.#held.set(dir, count)
  }

  drop(dir: DirNode): void {
    const count = this.#held.get(dir)
    dir.listing = null
    if (count === undefined) return
    this.#held.delete(dir)
    this.#names -= count
  }
}
