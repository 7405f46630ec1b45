/** Directory streams as they are: with `.`, `..`, numbers, types and offsets. */
import { NativeMemory } from '../../src/sys/memory.js'
import { native, orErrno } from '../../src/sys/native.js'

/** One entry of getdents64. */
export interface Dirent {
  readonly name: string
  /** Inode number as hexadecimal halves, comparable with {@link inodeKey}. */
  readonly ino: string
  /** DT_*. */
  readonly type: number
  /** Where the next entry starts. */
  readonly offset: bigint
}

const buffer = new NativeMemory(64 * 1024)

/** A 64-bit inode number, given as halves, as a text that is the same for the same number. */
export function inodeKey(hi: number, lo: number): string {
  return hi === 0 ? lo.toString(16) : `${hi.toString(16)}${lo.toString(16).padStart(8, '0')}`
}

/**
 * Read what one getdents64 call returns.
 * @param size bytes offered; the kernel fills in whole entries
 * @returns entries (none at the end), or -errno
 */
export function readSome(fd: number, size = buffer.bytes.length): Dirent[] | number {
  const { bytes, u32, view, address } = buffer
  const filled = orErrno(native.getdents64(fd, address, Math.min(size, bytes.length)))
  if (filled < 0) return filled
  const entries: Dirent[] = []
  for (let at = 0; at < filled; at += view.getUint16(at + 16, true)) {
    entries.push({
      name: bytes.latin1Slice(at + 19, bytes.indexOf(0, at + 19)),
      ino: inodeKey(u32[(at >> 2) + 1] ?? 0, u32[at >> 2] ?? 0),
      type: bytes[at + 18] ?? 0,
      offset: view.getBigInt64(at + 8, true),
    })
  }
  return entries
}

/** Read from the current position to the end. Returns entries, or -errno. */
export function readAll(fd: number): Dirent[] | number {
  const entries: Dirent[] = []
  for (;;) {
    const some = readSome(fd)
    if (typeof some === 'number') return some
    if (some.length === 0) return entries
    entries.push(...some)
  }
}
