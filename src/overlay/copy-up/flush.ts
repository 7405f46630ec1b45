/**
 * How a copy's data is made safe before the copy gets its name. The kernel calls fsync and waits. On
 * ext4 that wait is not needed for what it is meant for: once writeout has begun, the blocks are
 * allocated, and the journal commits the rename only after them (data=ordered, the default; ext4
 * itself does so for files renamed over others). tmpfs has nothing to lose. Everywhere else, and with
 * fsync=strict, it is fsync.
 */
import { fsync, startWriteout } from '../../sys/io.js'
import { fsType } from '../../sys/stat.js'
import type { OverlayOptions } from '../options.js'

const EXT4_SUPER_MAGIC = 0xef53
const TMPFS_MAGIC = 0x01021994

/** Makes the data of a descriptor safe; returns 0 or -errno. */
export type FlushCopy = (fd: number) => number

/** Choose by option and by the file system that `fd` is on. */
export function chooseFlush(options: OverlayOptions, fd: number): FlushCopy {
  if (options.fsync === 'volatile') return () => 0
  if (options.fsync === 'strict') return fsync
  const type = fsType(fd)
  if (type === TMPFS_MAGIC) return () => 0
  return type === EXT4_SUPER_MAGIC ? startWriteout : fsync
}
