/**
 * For an engine on a thread that is free between two requests, as libfuse's is: it hears of the end of
 * its work by itself.
 */
import type { Aside, CopyOrder, SyncKind } from '../overlay/aside.js'
import type { AsideJob } from './messages.js'
import { perform } from './work.js'

/** See the file's header. */
export class SameThreadAside implements Aside {
  #isOver = false

  copy(order: CopyOrder, done: (result: number) => void): void {
    void this.#serve({ kind: 'copy', id: 0, ...order }, done)
  }

  sync(fd: number, how: SyncKind, done: (result: number) => void): void {
    void this.#serve({ kind: 'sync', id: 0, fd, how }, done)
  }

  async #serve(job: AsideJob, done: (result: number) => void): Promise<void> {
    const result = await perform(job, () => !this.#isOver)
    if (!this.#isOver) done(result)
  }

  /** Nobody wants to hear of anything any more: stop as soon as may be. */
  close(): void {
    this.#isOver = true
  }
}
