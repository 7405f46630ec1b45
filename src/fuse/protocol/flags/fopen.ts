/** Flags of an OPEN or CREATE reply. @mirrors linux/fuse.h "Flags returned by the OPEN request" */
import type { FlagNames } from './flag-names.js'

/** Reads and writes bypass the page cache. */
export const FOPEN_DIRECT_IO = 1
/** Pages survive this open. Not with FOPEN_PASSTHROUGH: the kernel then fails the open with EIO. */
export const FOPEN_KEEP_CACHE = 2
/** The kernel keeps the directory listing; implied once OPENDIR was answered ENOSYS. */
export const FOPEN_CACHE_DIR = 8
/** No FLUSH on close(2). */
export const FOPEN_NOFLUSH = 32
/** With FOPEN_DIRECT_IO: writes need no exclusive lock. */
export const FOPEN_PARALLEL_DIRECT_WRITES = 64
/** Data goes straight to the backing file of `backing_id`. */
export const FOPEN_PASSTHROUGH = 128

/** FOPEN bits by name. */
export const fopenNames: FlagNames = [
  [FOPEN_DIRECT_IO, 'DIRECT_IO'],
  [FOPEN_KEEP_CACHE, 'KEEP_CACHE'],
  [FOPEN_CACHE_DIR, 'CACHE_DIR'],
  [FOPEN_NOFLUSH, 'NOFLUSH'],
  [FOPEN_PARALLEL_DIRECT_WRITES, 'PARALLEL_DIRECT_WRITES'],
  [FOPEN_PASSTHROUGH, 'PASSTHROUGH'],
]
