/** Reading, writing and copying file data. Results are byte counts or offsets, or -errno. */
import { FICLONE, SYNC_FILE_RANGE_WRITE } from './constants.js'
import { NativeMemory } from './memory.js'
import { native, orErrno } from './native.js'

/** @param address where the bytes go @mirrors pread(2) */
export function pread(fd: number, address: number, size: number, offset: number): number {
  return orErrno(native.pread(fd, address, size, offset))
}

/** @param address where the bytes are @mirrors pwrite(2) */
export function pwrite(fd: number, address: number, size: number, offset: number): number {
  return orErrno(native.pwrite(fd, address, size, offset))
}

/** @mirrors lseek(2); with SEEK_DATA, SEEK_HOLE -ENXIO past the end */
export function lseek(fd: number, offset: number, whence: number): number {
  return orErrno(native.lseek(fd, offset, whence))
}

/** @mirrors fallocate(2) */
export function fallocate(fd: number, mode: number, offset: number, length: number): number {
  return orErrno(native.fallocate(fd, mode, offset, length))
}

const offsets = new NativeMemory(16)

function putOffset(at: number, value: number): void {
  offsets.u32[at >> 2] = value >>> 0
  offsets.u32[(at >> 2) + 1] = Math.floor(value / 4294967296)
}

/** @mirrors copy_file_range(2) */
export function copyFileRange(
  fdIn: number,
  offsetIn: number,
  fdOut: number,
  offsetOut: number,
  size: number,
): number {
  putOffset(0, offsetIn)
  putOffset(8, offsetOut)
  const { address } = offsets
  return orErrno(native.copyFileRange(fdIn, address, fdOut, address + 8, size, 0))
}

/** Share all of `source`'s blocks with `target`. @mirrors ioctl_ficlone(2) */
export function reflink(target: number, source: number): number {
  return orErrno(native.ioctl(target, FICLONE, source))
}

/** @mirrors fsync(2) */
export function fsync(fd: number): number {
  return orErrno(native.fsync(fd))
}

/** @mirrors fdatasync(2) */
export function fdatasync(fd: number): number {
  return orErrno(native.fdatasync(fd))
}

/**
 * Have all of a file's data written out, without waiting for it; its blocks are allocated then.
 * @mirrors sync_file_range(2)
 */
export function startWriteout(fd: number): number {
  return orErrno(native.syncFileRange(fd, 0, 0, SYNC_FILE_RANGE_WRITE))
}

/** Write out the whole file system behind `fd`. @mirrors syncfs(2) */
export function syncfs(fd: number): number {
  return orErrno(native.syncfs(fd))
}

/** @param argument address of the in/out structure, or a plain number @mirrors ioctl(2) */
export function ioctl(fd: number, request: number, argument: number): number {
  return orErrno(native.ioctl(fd, request, argument))
}
