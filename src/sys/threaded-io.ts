/**
 * Calls that may take long, run on a thread of the pool while this one goes on. Results are those of
 * io.ts: counts, 0, or -errno.
 */
import { SYNC_FILE_RANGE_WRITE } from './constants.js'
import { NativeMemory } from './memory.js'
import { native, onThread } from './native.js'

/** As copyFileRange, from one offset in `source` to the same one in `target`. */
export async function copyRangeThreaded(
  source: number,
  target: number,
  offset: number,
  size: number,
): Promise<number> {
  const offsets = new NativeMemory(16)
  for (const at of [0, 2]) {
    offsets.u32[at] = offset >>> 0
    offsets.u32[at + 1] = Math.floor(offset / 4294967296)
  }
  const { address } = offsets
  const copied = await onThread(native.copyFileRange, source, address, target, address + 8, size, 0)
  // Named once more, so that the memory lives until here.
  return offsets.address === address ? copied : -1
}

/** Read into the start of `memory`. @mirrors pread(2) */
export async function preadThreaded(
  fd: number,
  memory: NativeMemory,
  size: number,
  offset: number,
): Promise<number> {
  const { address } = memory
  const got = await onThread(native.pread, fd, address, size, offset)
  return memory.address === address ? got : -1
}

/** Write from byte `at` of `memory`. @mirrors pwrite(2) */
export async function pwriteThreaded(
  fd: number,
  memory: NativeMemory,
  at: number,
  size: number,
  offset: number,
): Promise<number> {
  const { address } = memory
  const put = await onThread(native.pwrite, fd, address + at, size, offset)
  return memory.address === address ? put : -1
}

/** @mirrors fsync(2) */
export function fsyncThreaded(fd: number): Promise<number> {
  return onThread(native.fsync, fd)
}

/** @mirrors fdatasync(2) */
export function fdatasyncThreaded(fd: number): Promise<number> {
  return onThread(native.fdatasync, fd)
}

/** @mirrors syncfs(2) */
export function syncfsThreaded(fd: number): Promise<number> {
  return onThread(native.syncfs, fd)
}

/** As startWriteout: begin to write all of a file's data. @mirrors sync_file_range(2) */
export function startWriteoutThreaded(fd: number): Promise<number> {
  return onThread(native.syncFileRange, fd, 0, 0, SYNC_FILE_RANGE_WRITE)
}
