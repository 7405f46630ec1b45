/** What the file system may ask of a negotiated connection, from the thread that serves it. */
import { ENOSYS } from '../../sys/errno.js'
import type { Connection } from '../raw-filesystem.js'
import type { Transport } from '../transport/transport.js'
import type { InitAnswer } from './init.js'
import { KernelNotifier } from './notify.js'

/** Protocol minor of Linux 6.16, the first with FUSE_NOTIFY_INC_EPOCH. */
const EPOCH_MINOR = 44

/** See the file's header. */
export class SessionConnection implements Connection {
  readonly minor: number
  readonly flags: number
  readonly flags2: number
  readonly maxWriteBytes: number
  readonly #transport: Transport
  readonly #notifier: KernelNotifier
  /** Serves all parked requests anew. */
  readonly retryParked: () => void

  constructor(transport: Transport, answer: InitAnswer, retryParked: () => void) {
    this.retryParked = retryParked
    this.minor = answer.minor
    this.flags = answer.flags
    this.flags2 = answer.flags2
    this.maxWriteBytes = answer.maxWriteBytes
    this.#transport = transport
    this.#notifier = new KernelNotifier(transport)
  }

  openBacking(fd: number): number {
    return this.#transport.openBacking(fd)
  }

  closeBacking(id: number): number {
    return this.#transport.closeBacking(id)
  }

  invalidateAttributes(nodeid: number): number {
    return this.#notifier.invalidateAttributes(nodeid)
  }

  bumpEpoch(): number {
    return this.minor < EPOCH_MINOR ? -ENOSYS : this.#notifier.bumpEpoch()
  }

  reply(uniqueLo: number, uniqueHi: number, error: number, body?: Buffer): number {
    return this.#notifier.reply(uniqueLo, uniqueHi, error, body)
  }
}
