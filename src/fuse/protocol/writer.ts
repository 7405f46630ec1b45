/**
 * Writes reply structures into the reply buffer: records in, bytes out, at a byte offset that is a
 * multiple of 8. Every field is written, so nothing of an earlier reply shows through. The sign of
 * errno on the wire is made here only.
 */
import type { AttrReply, Attributes, Entry, OpenReply, StatfsReply } from '../raw-filesystem.js'
import type { NativeMemory } from '../../sys/memory.js'
import {
  ATTR,
  ATTR_OUT,
  ATTR_OUT_SIZE,
  ATTR_SIZE,
  ENTRY_OUT,
  ENTRY_OUT_SIZE,
  OPEN_OUT,
  OPEN_OUT_SIZE,
  OUT_HEADER,
  STATFS_OUT,
  STATFS_OUT_SIZE,
  STATX,
  STATX_BASIC_STATS,
  STATX_BTIME,
  STATX_OUT,
  STATX_OUT_SIZE,
} from './abi.js'

const TWO_32 = 4294967296
const FOREVER_SEC = 0x80000000

/** Write struct fuse_out_header at the start of `memory`; `errno` is 0 or positive. */
export function putHeader(
  memory: NativeMemory,
  lengthBytes: number,
  errno: number,
  uniqueLo: number,
  uniqueHi: number,
): void {
  const { u32, i32 } = memory
  u32[OUT_HEADER.len >> 2] = lengthBytes
  i32[OUT_HEADER.error >> 2] = -errno
  u32[OUT_HEADER.unique >> 2] = uniqueLo
  u32[(OUT_HEADER.unique >> 2) + 1] = uniqueHi
}

/** Write a 64-bit number, negative ones in two's complement; exact within 2^53. */
export function put64(memory: NativeMemory, at: number, value: number): void {
  const { u32 } = memory
  // A store into a Uint32Array keeps the value modulo 2^32, also of negative numbers.
  u32[at >> 2] = value
  u32[(at >> 2) + 1] = Math.floor(value / TWO_32)
}

/** Pack a device number into 32 bits. @mirrors linux/kdev_t.h:new_encode_dev() */
export function encodeDev(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}

function putLifetime(memory: NativeMemory, atSec: number, atNsec: number, seconds: number): void {
  const { u32 } = memory
  const whole = seconds >= FOREVER_SEC ? 0xffffffff : Math.floor(seconds)
  u32[atSec >> 2] = whole
  u32[(atSec >> 2) + 1] = 0
  u32[atNsec >> 2] = seconds >= FOREVER_SEC ? 0 : Math.floor((seconds - whole) * 1e9)
}

/** Write struct fuse_attr. */
export function putAttributes(memory: NativeMemory, at: number, attributes: Attributes): void {
  const { u32 } = memory
  u32[(at + ATTR.ino) >> 2] = attributes.inoLo
  u32[((at + ATTR.ino) >> 2) + 1] = attributes.inoHi
  put64(memory, at + ATTR.size, attributes.sizeBytes)
  put64(memory, at + ATTR.blocks, attributes.blocks)
  put64(memory, at + ATTR.atime, attributes.atimeSec)
  put64(memory, at + ATTR.mtime, attributes.mtimeSec)
  put64(memory, at + ATTR.ctime, attributes.ctimeSec)
  u32[(at + ATTR.atimensec) >> 2] = attributes.atimeNsec
  u32[(at + ATTR.mtimensec) >> 2] = attributes.mtimeNsec
  u32[(at + ATTR.ctimensec) >> 2] = attributes.ctimeNsec
  u32[(at + ATTR.mode) >> 2] = attributes.mode
  u32[(at + ATTR.nlink) >> 2] = attributes.nlink
  u32[(at + ATTR.uid) >> 2] = attributes.uid
  u32[(at + ATTR.gid) >> 2] = attributes.gid
  u32[(at + ATTR.rdev) >> 2] = encodeDev(attributes.rdevMajor, attributes.rdevMinor)
  u32[(at + ATTR.blksize) >> 2] = attributes.blksize
  u32[(at + ATTR.flags) >> 2] = 0
}

/** Write struct fuse_entry_out; a negative entry has zeroed attributes. Returns its size. */
export function putEntry(memory: NativeMemory, at: number, entry: Entry): number {
  put64(memory, at + ENTRY_OUT.nodeid, entry.nodeid)
  put64(memory, at + ENTRY_OUT.generation, 0)
  putLifetime(
    memory,
    at + ENTRY_OUT.entry_valid,
    at + ENTRY_OUT.entry_valid_nsec,
    entry.entryTtlSec,
  )
  putLifetime(memory, at + ENTRY_OUT.attr_valid, at + ENTRY_OUT.attr_valid_nsec, entry.attrTtlSec)
  if (entry.nodeid === 0) {
    memory.u32.fill(0, (at + ENTRY_OUT.attr) >> 2, (at + ENTRY_OUT.attr + ATTR_SIZE) >> 2)
    return ENTRY_OUT_SIZE
  }
  putAttributes(memory, at + ENTRY_OUT.attr, entry.attributes)
  return ENTRY_OUT_SIZE
}

/** Write struct fuse_attr_out. Returns its size. */
export function putAttr(memory: NativeMemory, at: number, reply: AttrReply): number {
  putLifetime(memory, at + ATTR_OUT.attr_valid, at + ATTR_OUT.attr_valid_nsec, reply.attrTtlSec)
  memory.u32[(at + ATTR_OUT.attr_valid_nsec + 4) >> 2] = 0
  putAttributes(memory, at + ATTR_OUT.attr, reply.attributes)
  return ATTR_OUT_SIZE
}

/** Write struct fuse_open_out. Returns its size. */
export function putOpen(memory: NativeMemory, at: number, reply: OpenReply): number {
  put64(memory, at + OPEN_OUT.fh, reply.fh)
  memory.u32[(at + OPEN_OUT.open_flags) >> 2] = reply.openFlags
  memory.i32[(at + OPEN_OUT.backing_id) >> 2] = reply.backingId
  return OPEN_OUT_SIZE
}

/** Write struct fuse_statfs_out. Returns its size. */
export function putStatfs(memory: NativeMemory, at: number, reply: StatfsReply): number {
  memory.u32.fill(0, at >> 2, (at + STATFS_OUT_SIZE) >> 2)
  put64(memory, at + STATFS_OUT.blocks, reply.blocks)
  put64(memory, at + STATFS_OUT.bfree, reply.bfree)
  put64(memory, at + STATFS_OUT.bavail, reply.bavail)
  put64(memory, at + STATFS_OUT.files, reply.files)
  put64(memory, at + STATFS_OUT.ffree, reply.ffree)
  memory.u32[(at + STATFS_OUT.bsize) >> 2] = reply.bsize
  memory.u32[(at + STATFS_OUT.namelen) >> 2] = reply.namelen
  memory.u32[(at + STATFS_OUT.frsize) >> 2] = reply.frsize
  return STATFS_OUT_SIZE
}

function putStatxTime(memory: NativeMemory, at: number, seconds: number, nsec: number): void {
  put64(memory, at, seconds)
  memory.u32[(at + 8) >> 2] = nsec
}

/**
 * Write struct fuse_statx_out. A birth time of zero counts as unknown and is left out of the mask.
 * Returns its size.
 */
export function putStatx(memory: NativeMemory, at: number, reply: AttrReply): number {
  const { u32 } = memory
  const { attributes } = reply
  u32.fill(0, at >> 2, (at + STATX_OUT_SIZE) >> 2)
  putLifetime(memory, at + STATX_OUT.attr_valid, at + STATX_OUT.attr_valid_nsec, reply.attrTtlSec)
  const hasBirthTime = attributes.btimeSec !== 0 || attributes.btimeNsec !== 0
  const stat = at + STATX_OUT.stat
  u32[(stat + STATX.mask) >> 2] = STATX_BASIC_STATS | (hasBirthTime ? STATX_BTIME : 0)
  u32[(stat + STATX.blksize) >> 2] = attributes.blksize
  u32[(stat + STATX.nlink) >> 2] = attributes.nlink
  u32[(stat + STATX.uid) >> 2] = attributes.uid
  u32[(stat + STATX.gid) >> 2] = attributes.gid
  memory.view.setUint16(stat + STATX.mode, attributes.mode, true)
  u32[(stat + STATX.ino) >> 2] = attributes.inoLo
  u32[((stat + STATX.ino) >> 2) + 1] = attributes.inoHi
  put64(memory, stat + STATX.size, attributes.sizeBytes)
  put64(memory, stat + STATX.blocks, attributes.blocks)
  putStatxTime(memory, stat + STATX.atime, attributes.atimeSec, attributes.atimeNsec)
  putStatxTime(memory, stat + STATX.btime, attributes.btimeSec, attributes.btimeNsec)
  putStatxTime(memory, stat + STATX.ctime, attributes.ctimeSec, attributes.ctimeNsec)
  putStatxTime(memory, stat + STATX.mtime, attributes.mtimeSec, attributes.mtimeNsec)
  u32[(stat + STATX.rdev_major) >> 2] = attributes.rdevMajor
  u32[(stat + STATX.rdev_minor) >> 2] = attributes.rdevMinor
  return STATX_OUT_SIZE
}
