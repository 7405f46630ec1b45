/**
 * The session: one synchronous loop that reads a request, has it served, and writes the answer,
 * until the connection ends. All state is in the instance: several sessions may live in one process,
 * one thread each.
 */
import {
  EACCES,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EINVAL,
  EIO,
  ENODEV,
  ENOENT,
  FsError,
} from '../../sys/errno.js'
import { NativeMemory } from '../../sys/memory.js'
import { type Log, openLog } from '../../util/debug.js'
import { OUT_HEADER_SIZE } from '../protocol/abi.js'
import { FUSE_INIT, type Opcode, opcodeOf } from '../protocol/opcodes.js'
import { putHeader } from '../protocol/writer.js'
import { type Connection, DEFERRED, PARKED, type RawFilesystem } from '../raw-filesystem.js'
import { READY_OTHER, READY_REQUEST, type Transport } from '../transport/transport.js'
import { SessionConnection } from './connection.js'
import { dispatch, withdrawRecords } from './dispatch.js'
import { BODY, Exchange, NO_REPLY } from './exchange.js'
import {
  type InitAnswer,
  type InitParameters,
  ProtocolVersionError,
  defaultInitParameters,
  negotiate,
  putInitAnswer,
  putInitVersion,
  readInitOffer,
  requestBufferSize,
  showInitFlags,
} from './init.js'
import { traceReply, traceRequest } from './trace.js'

/** Why {@link Session.run} returned. */
export type SessionEnd = 'unmounted' | 'aborted'

/** Where the session tells what it does. */
export interface SessionLogs {
  /** One line per request. */
  readonly in: Log
  /** One line per reply. */
  readonly out: Log
  /** Negotiation, and the end. */
  readonly session: Log
  /** What should not happen. */
  readonly bug: Log
}

/** What a session is made of. */
export interface SessionOptions {
  readonly transport: Transport
  readonly filesystem: RawFilesystem
  /** Over {@link defaultInitParameters}. */
  readonly init?: Partial<InitParameters>
  /** Refuse every user but this one and root (`allow_root`): EACCES. */
  readonly onlyUid?: number
  /** Default: `tsoverlayfs:fuse:in`, `:fuse:out`, `:session`, `:bug`. */
  readonly log?: SessionLogs
}

const PAGE_ALIGNED = 4096

function defaultLogs(): SessionLogs {
  return {
    in: openLog('fuse:in'),
    out: openLog('fuse:out'),
    session: openLog('session'),
    bug: openLog('bug'),
  }
}

/** See the file's header. */
export class Session {
  /**
   * While this is a descriptor (>= 0), the loop waits for it beside the next request and calls
   * {@link onPoll} when it can be read: how deferred work reports back to the thread of the loop.
   */
  pollFd = -1
  onPoll: () => void = () => undefined

  readonly #transport: Transport
  readonly #filesystem: RawFilesystem
  readonly #parameters: InitParameters
  readonly #onlyUid: number
  readonly #log: SessionLogs
  readonly #request: NativeMemory
  readonly #exchange: Exchange
  #connection: Connection | null = null
  /** Requests that wait for something long, in their order. */
  #parked: Buffer[] = []

  constructor(options: SessionOptions) {
    this.#transport = options.transport
    this.#filesystem = options.filesystem
    this.#parameters = { ...defaultInitParameters, ...options.init }
    this.#onlyUid = options.onlyUid ?? -1
    this.#log = options.log ?? defaultLogs()
    const size = requestBufferSize(this.#parameters)
    this.#request = new NativeMemory(size, PAGE_ALIGNED)
    const reply = new NativeMemory(size, PAGE_ALIGNED)
    this.#exchange = new Exchange(options.filesystem, this.#request, reply)
  }

  /** The negotiated connection; null before INIT. */
  get connection(): Connection | null {
    return this.#connection
  }

  /**
   * Serve requests until the connection ends, then have the file system release everything. Blocks
   * the thread all the while. The transport stays open.
   * @throws ProtocolVersionError the kernel's FUSE is too old
   * @throws FsError the device failed in a way that waiting does not cure
   */
  run(): SessionEnd {
    try {
      for (;;) {
        const received = this.#next()
        if (received >= 0) this.#serve(received)
        else if (received === -ENODEV) return this.#end('unmounted')
        else if (received === -ECONNABORTED) return this.#end('aborted')
        else if (received === -EAGAIN) this.#transport.wait(this.pollFd)
        else if (received !== -EINTR && received !== -ENOENT) {
          throw new FsError(-received, 'read', 'the FUSE device')
        }
      }
    } finally {
      this.#filesystem.destroy()
    }
  }

  #end(how: SessionEnd): SessionEnd {
    this.#log.session('connection %s', how)
    return how
  }

  /** The next request: its length, or -errno. */
  #next(): number {
    while (this.pollFd >= 0) {
      const ready = this.#transport.wait(this.pollFd)
      if (ready < 0) return ready
      if ((ready & READY_OTHER) !== 0) this.#poll()
      if ((ready & READY_REQUEST) !== 0) break
    }
    return this.#transport.readRequest(this.#request)
  }

  #poll(): void {
    try {
      this.onPoll()
    } catch (error) {
      this.#log.bug('onPoll: %s', error instanceof Error ? error.stack : error)
    }
  }

  #retryParked(): void {
    const waiting = this.#parked
    this.#parked = []
    for (const request of waiting) {
      request.copy(this.#request.bytes)
      this.#serve(request.length)
    }
  }

  #serve(received: number): void {
    const x = this.#exchange
    const verdict = x.request.begin(received)
    if (verdict === 'runt') {
      this.#log.bug('request of %d bytes', received)
      return
    }
    const row = opcodeOf(x.request.context.opcode)
    if (verdict === 'length') {
      this.#log.bug('%s: %d bytes do not match its header', row?.name, received)
      if (row?.reply !== 'none') this.#sendError(x, -EIO)
      return
    }
    const log = this.#log
    if (log.in.enabled) traceRequest(log.in, x, row)
    const started = log.out.enabled ? performance.now() : 0
    if (row?.code === FUSE_INIT) this.#initialise(x)
    else {
      const result = this.#answer(x, row)
      if (log.out.enabled) traceReply(log.out, x, row, result, (performance.now() - started) * 1000)
      if (result === PARKED)
        this.#parked.push(Buffer.from(this.#request.bytes.subarray(0, received)))
      else if (result !== NO_REPLY && result !== DEFERRED) this.#send(x, row, result)
    }
  }

  #answer(x: Exchange, row: Opcode | undefined): number {
    if (x.connection === null && row?.name !== 'DESTROY')
      return row?.reply === 'none' ? NO_REPLY : -EIO
    if (this.#onlyUid >= 0 && this.#isRefused(x, row)) return -EACCES
    return dispatch(x, row, this.#log.bug)
  }

  /** Users are refused where they name something; what they hold open was granted before. */
  #isRefused(x: Exchange, row: Opcode | undefined): boolean {
    const { uid } = x.request.context
    if (uid === 0 || uid === this.#onlyUid) return false
    switch (row?.name) {
      case 'FORGET':
      case 'BATCH_FORGET':
      case 'INTERRUPT':
      case 'DESTROY':
      case 'READ':
      case 'WRITE':
      case 'FLUSH':
      case 'FSYNC':
      case 'FSYNCDIR':
      case 'RELEASE':
      case 'RELEASEDIR':
      case 'READDIR':
      case 'READDIRPLUS':
        return false
      default:
        return true
    }
  }

  #send(x: Exchange, row: Opcode | undefined, result: number): void {
    if (result < 0) {
      this.#sendError(x, result)
      return
    }
    const { uniqueLo, uniqueHi } = x.request.context
    putHeader(x.reply, OUT_HEADER_SIZE + result, 0, uniqueLo, uniqueHi)
    const sent = this.#transport.write(x.reply, OUT_HEADER_SIZE + result)
    if (sent !== 0) this.#replyLost(x, row, sent)
  }

  #sendError(x: Exchange, result: number): void {
    const { uniqueLo, uniqueHi } = x.request.context
    putHeader(x.reply, OUT_HEADER_SIZE, -result, uniqueLo, uniqueHi)
    const sent = this.#transport.write(x.reply, OUT_HEADER_SIZE)
    if (sent !== 0 && sent !== -ENOENT && sent !== -ENODEV) {
      this.#log.bug('error reply: %s', new FsError(-sent, 'write').message)
    }
  }

  /**
   * A reply did not reach the caller: it was interrupted or killed (ENOENT), or the kernel did not
   * accept our bytes. What the reply promised is taken back.
   */
  #replyLost(x: Exchange, row: Opcode | undefined, sent: number): void {
    if (row === undefined) return
    this.#log.out('%s: the reply was lost: %s', row.name, new FsError(-sent, 'write').message)
    try {
      this.#takeBack(x, row)
    } catch (error) {
      this.#log.bug('replyLost: %s', error instanceof Error ? error.stack : error)
    }
    if (sent === -ENOENT || sent === -ENODEV) return
    this.#log.bug('reply to %s: %s', row.name, new FsError(-sent, 'write').message)
    // If the kernel did not get as far as finding the request, its caller still waits.
    this.#sendError(x, sent === -EINVAL ? -EIO : sent)
  }

  #takeBack(x: Exchange, row: Opcode): void {
    const entry = x.entry.nodeid === 0 ? null : x.entry
    if (row.reply === 'entry' && entry !== null) this.#filesystem.replyLost(entry, null)
    else if (row.reply === 'open') this.#filesystem.replyLost(null, x.open)
    else if (row.reply === 'create') this.#filesystem.replyLost(entry, x.open)
    else if (row.reply === 'direntplus') withdrawRecords(x)
  }

  /** Serve INIT. The file system hears of it once the answer is out. */
  #initialise(x: Exchange): void {
    if (x.connection !== null) {
      this.#log.bug('second INIT')
      this.#sendError(x, -EIO)
      return
    }
    if (x.request.bodySize < 8) {
      this.#sendError(x, -EINVAL)
      return
    }
    const offer = readInitOffer(x.request)
    const outcome = negotiate(offer, this.#parameters, this.#transport.pageSizeBytes)
    this.#log.session(
      'kernel offers FUSE %d.%d: %s',
      offer.major,
      offer.minor,
      showInitFlags(offer.flags, offer.flags2),
    )
    if (outcome.kind === 'refused') {
      this.#sendError(x, -EIO)
      throw new ProtocolVersionError(outcome.message)
    }
    if (outcome.kind === 'renegotiate') {
      this.#sendInit(x, putInitVersion(x.reply, BODY))
      return
    }
    this.#sendInit(x, putInitAnswer(x.reply, BODY, outcome.answer))
    this.#establish(x, outcome.answer)
  }

  #sendInit(x: Exchange, length: number): void {
    const { uniqueLo, uniqueHi } = x.request.context
    putHeader(x.reply, OUT_HEADER_SIZE + length, 0, uniqueLo, uniqueHi)
    const sent = this.#transport.write(x.reply, OUT_HEADER_SIZE + length)
    // A mount that is given up at once (ENODEV) ends the loop at the next read.
    if (sent < 0 && sent !== -ENODEV && sent !== -ENOENT) {
      throw new FsError(-sent, 'write', 'the reply to INIT')
    }
  }

  #establish(x: Exchange, answer: InitAnswer): void {
    this.#log.session(
      'agreed on 7.%d, %d bytes per WRITE: %s',
      answer.minor,
      answer.maxWriteBytes,
      showInitFlags(answer.flags, answer.flags2),
    )
    const connection = new SessionConnection(this.#transport, answer, () => {
      this.#retryParked()
    })
    this.#connection = connection
    x.connection = connection
    this.#filesystem.init(connection)
  }
}
