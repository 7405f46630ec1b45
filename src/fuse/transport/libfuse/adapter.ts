/**
 * A file system of nodes, served by paths: what the operations share. The caller is always the user
 * who mounted: libfuse tells the addon nobody else, and the mount lets nobody else in.
 */
import { effectiveIds } from '../../../sys/mount.js'
import { NativeMemory } from '../../../sys/memory.js'
import {
  type AttrReply,
  type Entry,
  type OpenReply,
  type RawFilesystem,
  type RequestContext,
  type SetAttributes,
  type StatfsReply,
  makeAttributes,
} from '../../raw-filesystem.js'
import { HandleTable } from './handles.js'
import { PathTable } from './path-table.js'
import { References } from './references.js'

/** The most that libfuse 2 moves in one request: 32 pages, and a page for xattrs and names. */
const TRANSFER_BYTES = 33 * 4096

/** See the file's header. The records are reused from request to request. */
export class Adapter {
  readonly filesystem: RawFilesystem
  readonly request: RequestContext
  readonly references: References
  readonly paths: PathTable
  readonly handles: HandleTable
  /** Data on its way: what is read, written, or the value of an xattr. */
  readonly memory = new NativeMemory(TRANSFER_BYTES)
  readonly entry: Entry = {
    nodeid: 0,
    attributes: makeAttributes(),
    entryTtlSec: 0,
    attrTtlSec: 0,
  }
  readonly attr: AttrReply = { attributes: makeAttributes(), attrTtlSec: 0 }
  readonly opened: OpenReply = { fh: 0, openFlags: 0, backingId: 0 }
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

  constructor(filesystem: RawFilesystem, ids = effectiveIds()) {
    this.filesystem = filesystem
    this.request = {
      opcode: 0,
      uniqueLo: 0,
      uniqueHi: 0,
      uid: ids.uid,
      gid: ids.gid,
      pid: 0,
      resent: false,
    }
    this.references = new References(filesystem)
    this.paths = new PathTable(filesystem, this.request, this.references)
    this.handles = new HandleTable(this.references)
  }

  /** The mount is gone: give every reference back, and let the file system release everything. */
  close(): void {
    this.handles.clear()
    this.paths.clear()
    this.filesystem.destroy()
  }
}
