/**
 * Requests that are answered later: a thread of libfuse waits for each. One that is deferred is
 * answered when its work is done; one that is parked is served anew, from the start.
 */
import { ENOENT } from '../../../sys/errno.js'
import type { RequestContext } from '../../raw-filesystem.js'

/** See the file's header. */
export class LateReplies {
  readonly #deferred = new Map<number, (result: number) => void>()
  #parked: (() => void)[] = []
  #next = 1

  /** Requests that wait. */
  get size(): number {
    return this.#deferred.size + this.#parked.length
  }

  /** Give the request that is served now a number of its own, and return it. */
  begin(request: RequestContext): number {
    request.uniqueLo = this.#next
    this.#next = (this.#next + 1) >>> 0
    return request.uniqueLo
  }

  /** The request with that number will be answered by {@link reply}. */
  defer(unique: number, answer: (result: number) => void): void {
    this.#deferred.set(unique, answer)
  }

  /** Serve a request anew when {@link retryParked} is called. */
  park(serve: () => void): void {
    this.#parked.push(serve)
  }

  /** Answer a deferred request with 0 or -errno. @errno ENOENT it is none */
  reply(unique: number, result: number): number {
    const answer = this.#deferred.get(unique)
    if (answer === undefined) return -ENOENT
    this.#deferred.delete(unique)
    answer(result)
    return 0
  }

  /** Serve what is parked anew, in its order. */
  retryParked(): void {
    const parked = this.#parked
    this.#parked = []
    for (const serve of parked) serve()
  }
}
