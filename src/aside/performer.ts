/**
 * The other side: runs on the main thread, which has nothing else to do while a mount lives, and lets
 * the threads of Node's pool do the waiting. So there is no second interpreter to start, and none that
 * takes memory while nothing long is to be done.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { SyncKind } from '../overlay/aside.js'
import { EIO, FsError } from '../sys/errno.js'
import { openEvent, signalEvent } from '../sys/event.js'
import { close } from '../sys/open.js'
import { fdatasyncThreaded, fsyncThreaded, syncfsThreaded } from '../sys/threaded-io.js'
import { openLog } from '../util/debug.js'
import { copyAside } from './copy.js'
import type { AsideJob, AsideLine } from './messages.js'

const log = openLog('aside')

const syncs: Readonly<Record<SyncKind, (fd: number) => Promise<number>>> = {
  fsync: fsyncThreaded,
  fdatasync: fdatasyncThreaded,
  syncfs: syncfsThreaded,
}

/** Serves one loop. */
export class AsidePerformer {
  /** To be handed to the loop's thread. */
  readonly line: AsideLine
  readonly #port: MessagePort
  readonly #event: number
  #running = 0
  #isOver = false

  /** @throws FsError EMFILE, ENFILE when there is no descriptor to be had */
  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    this.#event = openEvent()
    if (this.#event < 0) throw new FsError(-this.#event, 'eventfd')
    this.line = { port: port2, event: this.#event }
    port1.on('message', (job: AsideJob) => {
      void this.#serve(job)
    })
    // A mount keeps the process alive, not the line to it.
    port1.unref()
  }

  async #serve(job: AsideJob): Promise<void> {
    this.#running += 1
    const result = await this.#perform(job)
    this.#running -= 1
    if (this.#isOver) {
      this.#release()
      return
    }
    this.#port.postMessage({ id: job.id, result })
    signalEvent(this.#event)
  }

  async #perform(job: AsideJob): Promise<number> {
    const fds = job.kind === 'copy' ? [job.source, job.target] : [job.fd]
    try {
      return job.kind === 'copy'
        ? await copyAside(job, () => !this.#isOver)
        : await syncs[job.how](job.fd)
    } catch (error) {
      log('%s: %s', job.kind, error instanceof Error ? error.stack : error)
      return -EIO
    } finally {
      for (const fd of fds) close(fd)
    }
  }

  /** The loop is gone: stop as soon as may be. */
  close(): void {
    this.#isOver = true
    this.#release()
  }

  #release(): void {
    if (this.#running > 0) return
    this.#port.close()
    close(this.#event)
  }
}
