/**
 * A small file system in memory behind the RawFilesystem interface: what the session's tests mount
 * for real. Directories, files, symlinks, hard links, xattrs; lookups are counted, so that a test
 * can see that forgets balance them.
 */
import {
  EEXIST,
  EINVAL,
  EISDIR,
  ENODATA,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ENOTTY,
  ENXIO,
  EOPNOTSUPP,
  ERANGE,
} from '../../../src/sys/errno.js'
import {
  FATTR_GID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_SIZE,
  FATTR_UID,
} from '../../../src/fuse/protocol/flags/fattr.js'
import { FOPEN_KEEP_CACHE, FOPEN_NOFLUSH } from '../../../src/fuse/protocol/flags/fopen.js'
import type {
  AttrReply,
  Attributes,
  Connection,
  DirentPlusSink,
  DirentSink,
  Entry,
  OpenReply,
  RawFilesystem,
  RequestContext,
  SetAttributes,
  StatfsReply,
} from '../../../src/fuse/raw-filesystem.js'
import type { NativeMemory } from '../../../src/sys/memory.js'

const S_IFDIR = 0o040000
const S_IFREG = 0o100000
const S_IFLNK = 0o120000
const S_IFMT = 0o170000
const FOREVER = Infinity

interface MemoryNode {
  readonly nodeid: number
  mode: number
  uid: number
  gid: number
  nlink: number
  mtimeSec: number
  mtimeNsec: number
  data: Buffer
  readonly children: Map<string, MemoryNode>
  readonly xattrs: Map<string, Buffer>
  nlookup: number
}

/** See the file's header. */
export class MemoryFilesystem implements RawFilesystem {
  readonly nodes = new Map<number, MemoryNode>()
  connection: Connection | null = null
  destroyed = 0
  lost = 0
  readonly interrupted: string[] = []
  #nextNodeid = 1

  constructor() {
    this.#make(S_IFDIR | 0o755, 0, 0)
  }

  /** Lookups the kernel has not given back, without the root's. */
  get outstanding(): number {
    let sum = 0
    for (const node of this.nodes.values()) sum += node.nlookup
    return sum
  }

  #make(mode: number, uid: number, gid: number): MemoryNode {
    const node: MemoryNode = {
      nodeid: this.#nextNodeid++,
      mode,
      uid,
      gid,
      nlink: (mode & S_IFMT) === S_IFDIR ? 2 : 1,
      mtimeSec: 1_700_000_000,
      mtimeNsec: 123_456_789,
      data: Buffer.alloc(0),
      children: new Map(),
      xattrs: new Map(),
      nlookup: 0,
    }
    this.nodes.set(node.nodeid, node)
    return node
  }

  #show(node: MemoryNode, out: Attributes): void {
    out.inoLo = node.nodeid
    out.inoHi = 0
    out.sizeBytes = node.data.length
    out.blocks = Math.ceil(node.data.length / 512)
    out.atimeSec = out.mtimeSec = out.ctimeSec = out.btimeSec = node.mtimeSec
    out.atimeNsec = out.mtimeNsec = out.ctimeNsec = out.btimeNsec = node.mtimeNsec
    out.mode = node.mode
    out.nlink = node.nlink
    out.uid = node.uid
    out.gid = node.gid
    out.rdevMajor = 0
    out.rdevMinor = 0
    out.blksize = 4096
  }

  #enter(node: MemoryNode, out: Entry): number {
    node.nlookup++
    out.nodeid = node.nodeid
    out.entryTtlSec = FOREVER
    out.attrTtlSec = FOREVER
    this.#show(node, out.attributes)
    return 0
  }

  #create(ctx: RequestContext, parent: number, name: string, mode: number): MemoryNode | number {
    const directory = this.nodes.get(parent)
    if (directory === undefined) return -ENOENT
    if (directory.children.has(name)) return -EEXIST
    const node = this.#make(mode, ctx.uid, ctx.gid)
    directory.children.set(name, node)
    return node
  }

  #created(made: MemoryNode | number, out: Entry): number {
    return typeof made === 'number' ? made : this.#enter(made, out)
  }

  init(connection: Connection): void {
    this.connection = connection
  }

  destroy(): void {
    this.destroyed++
  }

  lookup(_: RequestContext, parent: number, name: string, out: Entry): number {
    const node = this.nodes.get(parent)?.children.get(name)
    if (node !== undefined) return this.#enter(node, out)
    out.nodeid = 0
    out.entryTtlSec = FOREVER
    return 0
  }

  forget(nodeid: number, nlookup: number): void {
    const node = this.nodes.get(nodeid)
    if (node !== undefined) node.nlookup -= nlookup
  }

  getattr(_: RequestContext, nodeid: number, _fh: number, out: AttrReply): number {
    const node = this.nodes.get(nodeid)
    if (node === undefined) return -ENOENT
    out.attrTtlSec = FOREVER
    this.#show(node, out.attributes)
    return 0
  }

  setattr(ctx: RequestContext, nodeid: number, set: SetAttributes, out: AttrReply): number {
    const node = this.nodes.get(nodeid)
    if (node === undefined) return -ENOENT
    if ((set.valid & FATTR_MODE) !== 0) node.mode = (node.mode & S_IFMT) | (set.mode & 0o7777)
    if ((set.valid & FATTR_UID) !== 0) node.uid = set.uid
    if ((set.valid & FATTR_GID) !== 0) node.gid = set.gid
    if ((set.valid & FATTR_MTIME) !== 0) {
      node.mtimeSec = set.mtimeSec
      node.mtimeNsec = set.mtimeNsec
    }
    if ((set.valid & FATTR_SIZE) !== 0) this.#resize(node, set.sizeBytes)
    return this.getattr(ctx, nodeid, -1, out)
  }

  #resize(node: MemoryNode, size: number): void {
    const data = Buffer.alloc(size)
    node.data.copy(data)
    node.data = data
  }

  readlink(_: RequestContext, nodeid: number, out: NativeMemory, offset: number): number {
    const data = this.nodes.get(nodeid)?.data
    return data === undefined ? -EINVAL : data.copy(out.bytes, offset)
  }

  symlink(ctx: RequestContext, parent: number, name: string, target: string, out: Entry): number {
    const made = this.#create(ctx, parent, name, S_IFLNK | 0o777)
    if (typeof made !== 'number') made.data = Buffer.from(target, 'latin1')
    return this.#created(made, out)
  }

  mknod(
    ctx: RequestContext,
    parent: number,
    name: string,
    mode: number,
    _rdev: number,
    umask: number,
    out: Entry,
  ): number {
    return this.#created(this.#create(ctx, parent, name, mode & ~umask), out)
  }

  mkdir(
    ctx: RequestContext,
    parent: number,
    name: string,
    mode: number,
    umask: number,
    out: Entry,
  ): number {
    return this.#created(this.#create(ctx, parent, name, S_IFDIR | (mode & ~umask)), out)
  }

  unlink(_: RequestContext, parent: number, name: string): number {
    const directory = this.nodes.get(parent)
    const node = directory?.children.get(name)
    if (directory === undefined || node === undefined) return -ENOENT
    if ((node.mode & S_IFMT) === S_IFDIR) return -EISDIR
    directory.children.delete(name)
    node.nlink--
    return 0
  }

  rmdir(_: RequestContext, parent: number, name: string): number {
    const directory = this.nodes.get(parent)
    const node = directory?.children.get(name)
    if (directory === undefined || node === undefined) return -ENOENT
    if ((node.mode & S_IFMT) !== S_IFDIR) return -ENOTDIR
    if (node.children.size > 0) return -ENOTEMPTY
    directory.children.delete(name)
    node.nlink = 0
    return 0
  }

  rename(
    _: RequestContext,
    parent: number,
    name: string,
    newParent: number,
    newName: string,
    flags: number,
  ): number {
    const from = this.nodes.get(parent)
    const to = this.nodes.get(newParent)
    const node = from?.children.get(name)
    if (from === undefined || to === undefined || node === undefined) return -ENOENT
    if (flags === 1 && to.children.has(newName)) return -EEXIST
    if ((flags & ~1) !== 0) return -EINVAL
    from.children.delete(name)
    to.children.set(newName, node)
    return 0
  }

  link(_: RequestContext, nodeid: number, parent: number, name: string, out: Entry): number {
    const node = this.nodes.get(nodeid)
    const directory = this.nodes.get(parent)
    if (node === undefined || directory === undefined) return -ENOENT
    directory.children.set(name, node)
    node.nlink++
    return this.#enter(node, out)
  }

  open(_: RequestContext, nodeid: number, flags: number, _open: number, out: OpenReply): number {
    const node = this.nodes.get(nodeid)
    if (node === undefined) return -ENOENT
    if ((flags & 0o1000) !== 0) node.data = Buffer.alloc(0)
    out.fh = nodeid
    out.openFlags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH
    return 0
  }

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
  ): number {
    const made = this.#create(ctx, parent, name, S_IFREG | (mode & 0o7777 & ~umask))
    if (typeof made === 'number') return made
    this.open(ctx, made.nodeid, flags, openFlags, out)
    return this.#enter(made, entry)
  }

  tmpfile(): number {
    return -EOPNOTSUPP
  }

  read(
    _: RequestContext,
    nodeid: number,
    _fh: number,
    offset: number,
    size: number,
    out: NativeMemory,
    outOffset: number,
  ): number {
    const data = this.nodes.get(nodeid)?.data
    if (data === undefined) return -ENOENT
    return data.copy(out.bytes, outOffset, offset, Math.min(offset + size, data.length))
  }

  write(
    _: RequestContext,
    nodeid: number,
    _fh: number,
    offset: number,
    size: number,
    data: NativeMemory,
    dataOffset: number,
  ): number {
    const node = this.nodes.get(nodeid)
    if (node === undefined) return -ENOENT
    if (node.data.length < offset + size) this.#resize(node, offset + size)
    return data.bytes.copy(node.data, offset, dataOffset, dataOffset + size)
  }

  release(): number {
    return 0
  }

  flush(): number {
    return 0
  }

  fsync(): number {
    return 0
  }

  fsyncdir(): number {
    return 0
  }

  syncfs(): number {
    return 0
  }

  fallocate(): number {
    return -EOPNOTSUPP
  }

  lseek(_: RequestContext, nodeid: number, _fh: number, offset: number, whence: number): number {
    const length = this.nodes.get(nodeid)?.data.length ?? 0
    if (offset >= length) return -ENXIO
    return whence === 3 ? offset : length
  }

  copyFileRange(): number {
    return -EOPNOTSUPP
  }

  ioctl(): number {
    return -ENOTTY
  }

  statfs(_: RequestContext, _nodeid: number, out: StatfsReply): number {
    Object.assign(out, { blocks: 1000, bfree: 600, bavail: 500, files: 100 })
    Object.assign(out, { ffree: this.outstanding, bsize: 4096, namelen: 255, frsize: 4096 })
    return 0
  }

  getxattr(
    _: RequestContext,
    nodeid: number,
    name: string,
    size: number,
    out: NativeMemory,
    outOffset: number,
  ): number {
    const value = this.nodes.get(nodeid)?.xattrs.get(name)
    if (value === undefined) return -ENODATA
    if (size === 0) return value.length
    return value.length > size ? -ERANGE : value.copy(out.bytes, outOffset)
  }

  listxattr(
    _: RequestContext,
    nodeid: number,
    size: number,
    out: NativeMemory,
    outOffset: number,
  ): number {
    const names = [...(this.nodes.get(nodeid)?.xattrs.keys() ?? [])]
    const list = Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1')
    if (size === 0) return list.length
    return list.length > size ? -ERANGE : list.copy(out.bytes, outOffset)
  }

  setxattr(
    _: RequestContext,
    nodeid: number,
    name: string,
    value: NativeMemory,
    valueOffset: number,
    size: number,
  ): number {
    const node = this.nodes.get(nodeid)
    if (node === undefined) return -ENOENT
    node.xattrs.set(name, Buffer.from(value.bytes.subarray(valueOffset, valueOffset + size)))
    return 0
  }

  removexattr(_: RequestContext, nodeid: number, name: string): number {
    return this.nodes.get(nodeid)?.xattrs.delete(name) === true ? 0 : -ENODATA
  }

  readdir(_: RequestContext, nodeid: number, _fh: number, offset: number, out: DirentSink): number {
    const names = [...(this.nodes.get(nodeid)?.children ?? [])]
    for (const [index, [name, node]] of names.entries()) {
      if (index < offset) continue
      if (!out.hasRoom(name.length)) break
      out.add(name, node.nodeid, 0, (node.mode & S_IFMT) >> 12, index + 1)
    }
    return 0
  }

  readonly #plusEntry: Entry = {
    nodeid: 0,
    attributes: { ...emptyAttributes },
    entryTtlSec: FOREVER,
    attrTtlSec: FOREVER,
  }

  readdirplus(
    _: RequestContext,
    nodeid: number,
    _fh: number,
    offset: number,
    out: DirentPlusSink,
  ): number {
    const names = [...(this.nodes.get(nodeid)?.children ?? [])]
    for (const [index, [name, node]] of names.entries()) {
      if (index < offset) continue
      if (!out.hasRoom(name.length)) break
      this.#enter(node, this.#plusEntry)
      out.add(name, this.#plusEntry, index + 1)
    }
    return 0
  }

  interrupt(uniqueLo: number, uniqueHi: number): void {
    this.interrupted.push(`${String(uniqueHi)}:${String(uniqueLo)}`)
  }

  replyLost(entry: Entry | null): void {
    this.lost++
    if (entry !== null) this.forget(entry.nodeid, 1)
  }
}

const emptyAttributes: Attributes = {
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
