/** The loop's side: hands work over, and hears of its end between two requests. */
import { receiveMessageOnPort } from 'node:worker_threads'
import type { Aside, CopyOrder, SyncKind } from '../overlay/aside.js'
import { clearEvent } from '../sys/event.js'
import type { AsideJob, AsideLine, AsideResult } from './messages.js'

/** See the file's header. */
export class AsideRequester implements Aside {
  readonly #line: AsideLine
  readonly #watch: (fd: number) => void
  readonly #waiting = new Map<number, (result: number) => void>()
  #next = 1

  /** @param watch told the descriptor to wait for while work is under way, and -1 when none is */
  constructor(line: AsideLine, watch: (fd: number) => void) {
    this.#line = line
    this.#watch = watch
  }

  copy(order: CopyOrder, done: (result: number) => void): void {
    this.#post({ kind: 'copy', id: this.#next, ...order }, done)
  }

  sync(fd: number, how: SyncKind, done: (result: number) => void): void {
    this.#post({ kind: 'sync', id: this.#next, fd, how }, done)
  }

  #post(job: AsideJob, done: (result: number) => void): void {
    this.#next += 1
    this.#waiting.set(job.id, done)
    this.#line.port.postMessage(job)
    this.#watch(this.#line.event)
  }

  /** Tell whoever waits for what has ended meanwhile. Called when the descriptor can be read. */
  collect(): void {
    clearEvent(this.#line.event)
    for (;;) {
      const received = receiveMessageOnPort(this.#line.port) as
        { readonly message: AsideResult } | undefined
      if (received === undefined) break
      const { id, result } = received.message
      const done = this.#waiting.get(id)
      this.#waiting.delete(id)
      done?.(result)
    }
    if (this.#waiting.size === 0) this.#watch(-1)
  }
}
