/** statx(2) into a reusable record, and statfs. */
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from './constants.js'
import { EACCES, ENAMETOOLONG, ENOENT, ENOTDIR } from './errno.js'
import { NativeMemory, cstring } from './memory.js'
import { native, orErrno } from './native.js'

/** Everything statx tells that an overlay uses. Inode numbers are halves, times seconds and ns. */
export class FileStat {
  mode = 0
  nlink = 0
  uid = 0
  gid = 0
  inoLo = 0
  inoHi = 0
  sizeBytes = 0
  /** 512-byte units. */
  blocks = 0
  blksize = 0
  atimeSec = 0
  atimeNsec = 0
  btimeSec = 0
  btimeNsec = 0
  ctimeSec = 0
  ctimeNsec = 0
  mtimeSec = 0
  mtimeNsec = 0
  rdevMajor = 0
  rdevMinor = 0
  devMajor = 0
  devMinor = 0
  /** STATX_ATTR_* bits, low half. */
  attributes = 0
  /** Low half of the mount id, where asked for. */
  mountId = 0
}

const STATX_BASIC_STATS = 0x7ff
const STATX_BTIME = 0x800
const STATX_MNT_ID = 0x1000
const MASK = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID

const out = new NativeMemory(256)
const TWO_32 = 4294967296

function word(offset: number): number {
  return out.u32[offset >> 2] ?? 0
}

/** A signed 64-bit time in seconds; exact within 2^53. */
function seconds(offset: number): number {
  return (out.i32[(offset >> 2) + 1] ?? 0) * TWO_32 + word(offset)
}

function decode(into: FileStat): void {
  into.blksize = word(4)
  into.attributes = word(8)
  into.nlink = word(16)
  into.uid = word(20)
  into.gid = word(24)
  into.mode = word(28) & 0xffff
  into.inoLo = word(32)
  into.inoHi = word(36)
  into.sizeBytes = word(44) * TWO_32 + word(40)
  into.blocks = word(52) * TWO_32 + word(48)
  into.atimeSec = seconds(64)
  into.atimeNsec = word(72)
  into.btimeSec = seconds(80)
  into.btimeNsec = word(88)
  into.ctimeSec = seconds(96)
  into.ctimeNsec = word(104)
  into.mtimeSec = seconds(112)
  into.mtimeNsec = word(120)
  into.rdevMajor = word(128)
  into.rdevMinor = word(132)
  into.devMajor = word(136)
  into.devMinor = word(140)
  into.mountId = word(144)
}

/**
 * Stat `name` below `dirfd`, not following symlinks; `''` is the descriptor's own object.
 * @returns 0 or -errno
 * @mirrors statx(2)
 */
export function statAt(dirfd: number, name: string, into: FileStat): number {
  const flags = name === '' ? AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW : AT_SYMLINK_NOFOLLOW
  const result = orErrno(native.statx(dirfd, cstring(name), flags, MASK, out.address))
  if (result === 0) decode(into)
  return result
}

/**
 * Whether there is such a name, as far as we may look.
 * @param into filled if there is
 * @returns 1, 0, or -errno when it cannot be told
 */
export function isThere(dirfd: number, name: string, into: FileStat): number {
  const result = statAt(dirfd, name, into)
  if (result === 0) return 1
  const isAbsent =
    result === -ENOENT || result === -ENOTDIR || result === -ENAMETOOLONG || result === -EACCES
  return isAbsent ? 0 : result
}

/** Figures of statvfs(3); block numbers in units of `frsize` bytes. */
export interface FsUsage {
  blocks: number
  bfree: number
  bavail: number
  files: number
  ffree: number
  bsize: number
  namelen: number
  frsize: number
}

const usage = new NativeMemory(256)

function wide(offset: number): number {
  return (usage.u32[(offset >> 2) + 1] ?? 0) * TWO_32 + (usage.u32[offset >> 2] ?? 0)
}

/**
 * Read a file system's figures through any descriptor on it. Returns 0 or -errno.
 * @mirrors fstatfs(2)
 */
export function fsUsage(fd: number, into: FsUsage): number {
  const result = orErrno(native.fstatfs(fd, usage.address))
  if (result < 0) return result
  into.bsize = wide(8)
  into.blocks = wide(16)
  into.bfree = wide(24)
  into.bavail = wide(32)
  into.files = wide(40)
  into.ffree = wide(48)
  into.namelen = wide(64)
  into.frsize = wide(72)
  return 0
}

/** The magic number of the file system behind `fd` (statfs.f_type), or -errno. */
export function fsType(fd: number): number {
  const result = orErrno(native.fstatfs(fd, usage.address))
  return result < 0 ? result : wide(0)
}

/** Whether the file system behind `fd` is mounted read-only (superblock or mount). */
export function isReadOnlyFs(fd: number): boolean {
  const ST_RDONLY = 1
  return orErrno(native.fstatfs(fd, usage.address)) === 0 && (wide(80) & ST_RDONLY) !== 0
}
