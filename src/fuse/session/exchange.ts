/**
 * One request and the reply being built for it: the records a handler works with. A single instance
 * serves all requests of a session, so nothing in it may be kept.
 */
import type { NativeMemory } from '../../sys/memory.js'
import { OUT_HEADER_SIZE } from '../protocol/abi.js'
import { DirentPlusWriter, DirentWriter } from '../protocol/dirent.js'
import { RequestReader } from '../protocol/reader.js'
import {
  type AttrReply,
  type Connection,
  type Entry,
  type IoctlReply,
  type OpenReply,
  type RawFilesystem,
  type SetAttributes,
  type StatfsReply,
  makeAttributes,
} from '../raw-filesystem.js'

/** Result of a handler whose request gets no reply at all. */
export const NO_REPLY = -200_000

/** Where the body of a reply starts in the reply buffer. */
export const BODY = OUT_HEADER_SIZE

/** See the file's header. */
export class Exchange {
  readonly filesystem: RawFilesystem
  readonly request: RequestReader
  /** Reply buffer: header, then body at {@link BODY}. */
  readonly reply: NativeMemory
  /** Set once INIT is answered. */
  connection: Connection | null = null

  readonly entry: Entry = {
    nodeid: 0,
    attributes: makeAttributes(),
    entryTtlSec: 0,
    attrTtlSec: 0,
  }
  readonly attr: AttrReply = { attributes: makeAttributes(), attrTtlSec: 0 }
  readonly open: OpenReply = { fh: 0, openFlags: 0, backingId: 0 }
  readonly set: SetAttributes = {
    valid: 0,
    fh: -1,
    sizeBytes: 0,
    atimeSec: 0,
    atimeNsec: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    mode: 0,
    uid: 0,
    gid: 0,
  }
  readonly statfs: StatfsReply = {
    blocks: 0,
    bfree: 0,
    bavail: 0,
    files: 0,
    ffree: 0,
    bsize: 0,
    namelen: 0,
    frsize: 0,
  }
  readonly ioctl: IoctlReply
  readonly dirents: DirentWriter
  readonly direntsPlus: DirentPlusWriter

  constructor(filesystem: RawFilesystem, request: NativeMemory, reply: NativeMemory) {
    this.filesystem = filesystem
    this.request = new RequestReader(request)
    this.reply = reply
    this.ioctl = { result: 0, data: reply, offset: 0, outSize: 0 }
    this.dirents = new DirentWriter(reply)
    this.direntsPlus = new DirentPlusWriter(reply)
  }

  /** Bytes a reply body may have. */
  get room(): number {
    return this.reply.bytes.length - BODY
  }

  /** Zero what an open answers with: a handler fills it only as far as it must. */
  clearOpen(): OpenReply {
    this.open.fh = 0
    this.open.openFlags = 0
    this.open.backingId = 0
    return this.open
  }
}

/**
 * Serves one operation: returns the length of the reply's body, `-errno`, DEFERRED, PARKED, or
 * NO_REPLY.
 * @precondition the body is at least as long as the operation's row in the table says
 */
export type Handler = (x: Exchange) => number
