/** `struct stat` and `struct statvfs` of x64, from attributes and back to bytes. */
import type { NativeMemory } from '../../../sys/memory.js'
import type { Attributes, StatfsReply } from '../../raw-filesystem.js'

/** Bytes of a `struct stat`. */
export const STAT_BYTES = 144
/** Bytes of a `struct statvfs`. */
export const STATVFS_BYTES = 112

const STAT = {
  st_ino: 8,
  st_nlink: 16,
  st_mode: 24,
  st_uid: 28,
  st_gid: 32,
  st_rdev: 40,
  st_size: 48,
  st_blksize: 56,
  st_blocks: 64,
  st_atim: 72,
  st_mtim: 88,
  st_ctim: 104,
} as const

const HIGH = 2 ** 32

function put64(memory: NativeMemory, at: number, value: number): void {
  memory.u32[at >> 2] = value % HIGH
  memory.i32[(at >> 2) + 1] = Math.floor(value / HIGH)
}

function putTime(memory: NativeMemory, at: number, sec: number, nsec: number): void {
  put64(memory, at, sec)
  put64(memory, at + 8, nsec)
}

/** A device number as glibc has it. @mirrors makedev(3) */
function putDevice(memory: NativeMemory, at: number, major: number, minor: number): void {
  memory.u32[at >> 2] = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)
  memory.u32[(at >> 2) + 1] = major & 0xfffff000
}

/** Write a `struct stat` at the start of `memory`. */
export function putStat(memory: NativeMemory, from: Attributes): void {
  memory.u32.fill(0, 0, STAT_BYTES >> 2)
  memory.u32[STAT.st_ino >> 2] = from.inoLo
  memory.u32[(STAT.st_ino >> 2) + 1] = from.inoHi
  put64(memory, STAT.st_nlink, from.nlink)
  memory.u32[STAT.st_mode >> 2] = from.mode
  memory.u32[STAT.st_uid >> 2] = from.uid
  memory.u32[STAT.st_gid >> 2] = from.gid
  putDevice(memory, STAT.st_rdev, from.rdevMajor, from.rdevMinor)
  put64(memory, STAT.st_size, from.sizeBytes)
  put64(memory, STAT.st_blksize, from.blksize)
  put64(memory, STAT.st_blocks, from.blocks)
  putTime(memory, STAT.st_atim, from.atimeSec, from.atimeNsec)
  putTime(memory, STAT.st_mtim, from.mtimeSec, from.mtimeNsec)
  putTime(memory, STAT.st_ctim, from.ctimeSec, from.ctimeNsec)
}

/** Write the parts of a `struct stat` that a directory entry has. @param type DT_* */
export function putEntryStat(
  memory: NativeMemory,
  inoLo: number,
  inoHi: number,
  type: number,
): void {
  memory.u32[STAT.st_ino >> 2] = inoLo
  memory.u32[(STAT.st_ino >> 2) + 1] = inoHi
  memory.u32[STAT.st_mode >> 2] = type << 12
}

/** Write a `struct statvfs` at the start of `memory`. */
export function putStatvfs(memory: NativeMemory, from: StatfsReply): void {
  memory.u32.fill(0, 0, STATVFS_BYTES >> 2)
  const words = [
    from.bsize,
    from.frsize,
    from.blocks,
    from.bfree,
    from.bavail,
    from.files,
    from.ffree,
    from.ffree,
    0,
    0,
    from.namelen,
  ]
  words.forEach((word, index) => put64(memory, index * 8, word))
}
