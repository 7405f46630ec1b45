/** Open files, by the number libfuse is given for them: a number from 1 on, used again after close. */
import type { References } from './references.js'

/** An open file. It refers to its node. */
export interface Handle {
  readonly nodeid: number
  /** The file system's handle. */
  readonly fh: number
  /** O_* of open(2). */
  readonly flags: number
}

/** All of them. */
export class HandleTable {
  readonly #references: References
  readonly #handles = new Map<number, Handle>()
  readonly #opens = new Map<number, number>()
  readonly #free: number[] = []
  #next = 1

  constructor(references: References) {
    this.#references = references
  }

  /** Open files. */
  get size(): number {
    return this.#handles.size
  }

  get(number: number): Handle | undefined {
    return this.#handles.get(number)
  }

  /** Whether a node is open. */
  isOpen(nodeid: number): boolean {
    return this.#opens.has(nodeid)
  }

  /** Note an open file; returns its number. @precondition its node is referred to */
  add(handle: Handle): number {
    const number = this.#free.pop() ?? this.#next++
    this.#handles.set(number, handle)
    this.#opens.set(handle.nodeid, (this.#opens.get(handle.nodeid) ?? 0) + 1)
    this.#references.hold(handle.nodeid)
    return number
  }

  /** A file was closed. Returns whether its node is not open any more. */
  remove(number: number): boolean {
    const handle = this.#handles.get(number)
    if (handle === undefined) return false
    this.#handles.delete(number)
    this.#free.push(number)
    const left = (this.#opens.get(handle.nodeid) ?? 0) - 1
    if (left > 0) this.#opens.set(handle.nodeid, left)
    else this.#opens.delete(handle.nodeid)
    this.#references.release(handle.nodeid)
    return left <= 0
  }

  /** Forget all of them. */
  clear(): void {
    for (const number of [...this.#handles.keys()]) this.remove(number)
  }
}
