/**
 * How requests arrive and replies leave. The session knows nothing else of the kernel; a test
 * supplies both ends from memory.
 */
import type { NativeMemory } from '../../sys/memory.js'

/** {@link Transport.wait}: a request can be read, or the connection has ended. */
export const READY_REQUEST = 1
/** {@link Transport.wait}: the other descriptor can be read. */
export const READY_OTHER = 2

/** One FUSE connection. All results are counts, ids, 0, or -errno; nothing throws. */
export interface Transport {
  /** Bytes of a memory page: the unit of FUSE_MAX_PAGES. */
  readonly pageSizeBytes: number

  /**
   * Wait for a request and put it at the start of `memory`.
   * @returns its length, or -errno
   * @errno EINTR EAGAIN ENOENT nothing was read, go on; ENODEV unmounted; ECONNABORTED aborted
   */
  readRequest(memory: NativeMemory): number

  /**
   * Send one complete reply or notification, the first `lengthBytes` of `memory`.
   * @returns 0 or -errno
   * @errno ENOENT the request is gone, or a notification had no object; EINVAL the size or error
   * is wrong; ENODEV unmounted
   */
  write(memory: NativeMemory, lengthBytes: number): number

  /**
   * Block until a request, or `otherFd` when it is not -1, can be read.
   * @returns READY_* bits, or -errno
   */
  wait(otherFd: number): number

  /** Register a file for passthrough; returns its id (> 0) or -errno. */
  openBacking(fd: number): number
  /** Drop a backing id; returns 0 or -errno. */
  closeBacking(id: number): number

  /** Give up the connection. The kernel aborts it when no other process holds it. */
  close(): void
}
