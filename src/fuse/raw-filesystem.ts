/**
 * The one interface between the FUSE session and a file system: node ids in, records out.
 *
 * Conventions. Every operation answers synchronously with a number: 0 or a count on success,
 * `-errno` on failure, DEFERRED when the reply will be written later through
 * {@link Connection.reply}, or PARKED when the session shall ask again. Results go into the record passed as the last argument; session-owned
 * records and the RequestContext are reused from request to request, so nothing may keep them. Names
 * are latin1 strings: one char, one byte. Attributes and entries are plain mutable records, so that
 * the request path allocates nothing.
 */
import type { NativeMemory } from '../sys/memory.js'

/** Result of an operation whose reply is written later by someone else. */
export const DEFERRED = -100_000

/**
 * Result of an operation that cannot go on before something long is done elsewhere. The session keeps
 * the request and serves it anew, from the start, at the next {@link Connection.retryParked}.
 */
export const PARKED = -100_001

/** Header of the request being served. */
export interface RequestContext {
  opcode: number
  /** Low and high half of `unique`; opaque. */
  uniqueLo: number
  uniqueHi: number
  /** Caller's fsuid, fsgid (as the mount's user namespace sees them) and pid. */
  uid: number
  gid: number
  pid: number
  /** The kernel sent this request before, to a daemon that died (bit 63 of unique). */
  resent: boolean
}

/** What stat shows. 64-bit inode numbers travel as halves, times as seconds and nanoseconds. */
export interface Attributes {
  inoLo: number
  inoHi: number
  sizeBytes: number
  /** In units of 512 bytes. */
  blocks: number
  atimeSec: number
  atimeNsec: number
  mtimeSec: number
  mtimeNsec: number
  ctimeSec: number
  ctimeNsec: number
  btimeSec: number
  btimeNsec: number
  /** Type and permission bits. */
  mode: number
  nlink: number
  uid: number
  gid: number
  rdevMajor: number
  rdevMinor: number
  blksize: number
}

/** A zeroed Attributes record, with the shape every other one has. */
export function makeAttributes(): Attributes {
  return {
    inoLo: 0,
    inoHi: 0,
    sizeBytes: 0,
    blocks: 0,
    atimeSec: 0,
    atimeNsec: 0,
    mtimeSec: 0,
    mtimeNsec: 0,
    ctimeSec: 0,
    ctimeNsec: 0,
    btimeSec: 0,
    btimeNsec: 0,
    mode: 0,
    nlink: 0,
    uid: 0,
    gid: 0,
    rdevMajor: 0,
    rdevMinor: 0,
    blksize: 0,
  }
}

/** Reply to LOOKUP and the create family. */
export interface Entry {
  /** 0 with result 0: a negative entry, which the kernel may cache. */
  nodeid: number
  attributes: Attributes
  /** Lifetimes in seconds; a number of 2^31 or more means for ever. */
  entryTtlSec: number
  attrTtlSec: number
}

/** Reply to GETATTR and SETATTR. */
export interface AttrReply {
  attributes: Attributes
  attrTtlSec: number
}

/** Reply to OPEN and CREATE. */
export interface OpenReply {
  /** File handle, an unsigned number below 2^53. */
  fh: number
  /** FOPEN_* bits. */
  openFlags: number
  /** Backing id with FOPEN_PASSTHROUGH, else 0. */
  backingId: number
}

/** Body of SETATTR; only the fields named in `valid` (FATTR_*) count. */
export interface SetAttributes {
  /** FATTR_* bits. */
  valid: number
  /** Open handle of the caller, or -1. */
  fh: number
  sizeBytes: number
  atimeSec: number
  atimeNsec: number
  mtimeSec: number
  mtimeNsec: number
  mode: number
  uid: number
  gid: number
}

/** Reply to STATFS. */
export interface StatfsReply {
  blocks: number
  bfree: number
  bavail: number
  files: number
  ffree: number
  bsize: number
  namelen: number
  frsize: number
}

/** Reply to IOCTL; output bytes are written into `data` at `offset`. */
export interface IoctlReply {
  result: number
  data: NativeMemory
  offset: number
  /** Bytes of output written, at most the request's out_size. */
  outSize: number
}

/** Records of READDIR. */
export interface DirentSink {
  /** Whether one more record with a name of that many bytes fits. */
  hasRoom(nameLength: number): boolean
  /**
   * Append a record. `cookie` is the offset of the NEXT entry, never 0; `type` is DT_*.
   * @precondition hasRoom(name.length)
   */
  add(name: string, inoLo: number, inoHi: number, type: number, cookie: number): void
}

/** Records of READDIRPLUS. */
export interface DirentPlusSink {
  hasRoom(nameLength: number): boolean
  /**
   * Append a record with its entry. An entry with nodeid 0 is "name only": the kernel counts no
   * lookup for it, and attributes.inoLo/inoHi/mode still give d_ino and d_type.
   */
  add(name: string, entry: Entry, cookie: number): void
}

/** What INIT settled, and what the file system may ask of the connection. */
export interface Connection {
  readonly minor: number
  /** Negotiated FUSE_INIT flags: bits 0..31 and 32..63. */
  readonly flags: number
  readonly flags2: number
  readonly maxWriteBytes: number
  /** Register `fd` as a backing file; returns its id (> 0) or -errno. */
  openBacking(fd: number): number
  /** Drop a backing id; returns 0 or -errno. */
  closeBacking(id: number): number
  /** Drop cached attributes and ACLs of a node (FUSE_NOTIFY_INVAL_INODE, off < 0); never blocks. */
  invalidateAttributes(nodeid: number): number
  /** Make every cached dentry stale (FUSE_NOTIFY_INC_EPOCH); -ENOSYS where the kernel has it not. */
  bumpEpoch(): number
  /** Write the reply of a DEFERRED request: 0 or -errno, with an optional body. */
  reply(uniqueLo: number, uniqueHi: number, error: number, body?: Buffer): number
  /** Serve all PARKED requests anew, in their order. Not to be called from within an operation. */
  retryParked(): void
}

/** Every operation a FUSE overlay serves. See fs/fuse/ and FUSE_* in linux/fuse.h. */
export interface RawFilesystem {
  /** INIT was answered. Called once, before any other operation. */
  init(connection: Connection): void
  /** The connection is gone; release everything. */
  destroy(): void

  lookup(ctx: RequestContext, parent: number, name: string, out: Entry): number
  forget(nodeid: number, nlookup: number): void
  getattr(ctx: RequestContext, nodeid: number, fh: number, out: AttrReply): number
  setattr(ctx: RequestContext, nodeid: number, set: SetAttributes, out: AttrReply): number
  /** Writes the target into `out.bytes` at `offset`; returns its length. */
  readlink(ctx: RequestContext, nodeid: number, out: NativeMemory, offset: number): number
  symlink(ctx: RequestContext, parent: number, name: string, target: string, out: Entry): number
  mknod(
    ctx: RequestContext,
    parent: number,
    name: string,
    mode: number,
    /** 32-bit packed device number as the kernel sends it (new_encode_dev). */
    rdev: number,
    umask: number,
    out: Entry,
  ): number
  mkdir(
    ctx: RequestContext,
    parent: number,
    name: string,
    mode: number,
    umask: number,
    out: Entry,
  ): number
  unlink(ctx: RequestContext, parent: number, name: string): number
  rmdir(ctx: RequestContext, parent: number, name: string): number
  /** @param flags RENAME_NOREPLACE 1, RENAME_EXCHANGE 2, RENAME_WHITEOUT 4 */
  rename(
    ctx: RequestContext,
    parent: number,
    name: string,
    newParent: number,
    newName: string,
    flags: number,
  ): number
  link(ctx: RequestContext, nodeid: number, parent: number, name: string, out: Entry): number

  /**
   * @param flags O_*
   * @param openFlags FUSE_OPEN_KILL_SUIDGID = 1
   */
  open(
    ctx: RequestContext,
    nodeid: number,
    flags: number,
    openFlags: number,
    out: OpenReply,
  ): number
  create(
    ctx: RequestContext,
    parent: number,
    name: string,
    flags: number,
    mode: number,
    umask: number,
    openFlags: number,
    entry: Entry,
    out: OpenReply,
  ): number
  tmpfile(
    ctx: RequestContext,
    parent: number,
    flags: number,
    mode: number,
    umask: number,
    openFlags: number,
    entry: Entry,
    out: OpenReply,
  ): number
  /** Reads into `out` at `outOffset`; returns bytes read. */
  read(
    ctx: RequestContext,
    nodeid: number,
    fh: number,
    offsetBytes: number,
    sizeBytes: number,
    out: NativeMemory,
    outOffset: number,
  ): number
  /**
   * Writes from `data` at `dataOffset`; returns bytes written.
   * @param writeFlags FUSE_WRITE_CACHE 1, LOCKOWNER 2, KILL_SUIDGID 4
   * @param openFlags the handle's current O_* flags
   */
  write(
    ctx: RequestContext,
    nodeid: number,
    fh: number,
    offsetBytes: number,
    sizeBytes: number,
    data: NativeMemory,
    dataOffset: number,
    writeFlags: number,
    openFlags: number,
  ): number
  release(ctx: RequestContext, nodeid: number, fh: number, flags: number): number
  flush(ctx: RequestContext, nodeid: number, fh: number): number
  fsync(ctx: RequestContext, nodeid: number, fh: number, datasync: boolean): number
  fsyncdir(ctx: RequestContext, nodeid: number, fh: number, datasync: boolean): number
  syncfs(ctx: RequestContext, nodeid: number): number
  fallocate(
    ctx: RequestContext,
    nodeid: number,
    fh: number,
    offsetBytes: number,
    lengthBytes: number,
    mode: number,
  ): number
  /** SEEK_DATA and SEEK_HOLE only; returns the offset. */
  lseek(
    ctx: RequestContext,
    nodeid: number,
    fh: number,
    offsetBytes: number,
    whence: number,
  ): number
  /** Returns bytes copied. */
  copyFileRange(
    ctx: RequestContext,
    nodeidIn: number,
    fhIn: number,
    offsetIn: number,
    nodeidOut: number,
    fhOut: number,
    offsetOut: number,
    lengthBytes: number,
    flags: number,
  ): number
  /** `input` holds in_size bytes at `inputOffset`. */
  ioctl(
    ctx: RequestContext,
    nodeid: number,
    fh: number,
    flags: number,
    cmd: number,
    input: NativeMemory,
    inputOffset: number,
    inSize: number,
    maxOutSize: number,
    out: IoctlReply,
  ): number

  statfs(ctx: RequestContext, nodeid: number, out: StatfsReply): number
  /**
   * Value length; with `sizeBytes` 0 nothing is written, else up to that many bytes go into `out` at
   * `outOffset`. -ERANGE when they do not fit, -ENODATA when there is no such name.
   */
  getxattr(
    ctx: RequestContext,
    nodeid: number,
    name: string,
    sizeBytes: number,
    out: NativeMemory,
    outOffset: number,
  ): number
  /** As getxattr, for the NUL-separated list of names. */
  listxattr(
    ctx: RequestContext,
    nodeid: number,
    sizeBytes: number,
    out: NativeMemory,
    outOffset: number,
  ): number
  /**
   * @param flags XATTR_CREATE 1, XATTR_REPLACE 2
   * @param extFlags FUSE_SETXATTR_ACL_KILL_SGID = 1
   */
  setxattr(
    ctx: RequestContext,
    nodeid: number,
    name: string,
    value: NativeMemory,
    valueOffset: number,
    sizeBytes: number,
    flags: number,
    extFlags: number,
  ): number
  removexattr(ctx: RequestContext, nodeid: number, name: string): number

  /** @param offset cookie to go on from; 0 = start. Nothing added = end of directory. */
  readdir(ctx: RequestContext, nodeid: number, fh: number, offset: number, out: DirentSink): number
  readdirplus(
    ctx: RequestContext,
    nodeid: number,
    fh: number,
    offset: number,
    out: DirentPlusSink,
  ): number
  /** The kernel gave up waiting for a DEFERRED request. */
  interrupt(uniqueLo: number, uniqueHi: number): void
  /**
   * The reply to an operation that had succeeded could not be delivered (ENOENT on write): undo what
   * it promised, the lookup of `entry` and the handle of `open`.
   */
  replyLost(entry: Entry | null, open: OpenReply | null): void
}
