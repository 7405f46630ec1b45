/**
 * How a copy's data is made safe before the copy gets its name. The kernel calls fsync and waits. On
 * ext4 that wait is not needed for what it is meant for: once writeout has begun, the blocks are
 * allocated, and the journal commits the rename only after them (data=ordered, the default; ext4
 * itself does so for files renamed over others). tmpfs has nothing to lose. Everywhere else, and with
 * fsync=strict, it is fsync.
 */
import { fsync, startWriteout } from '../../sys/io.js'
import { fsType } from '../../sys/stat.js'
import type { FlushKind } from '../aside.js'
import type { OverlayOptions } from '../options.js'

const EXT4_SUPER_MAGIC = 0xef53
const TMPFS_MAGIC = 0x01021994

/** Choose by option and by the file system that `fd` is on. */
export function chooseFlush(options: OverlayOptions, fd: number): FlushKind {
  if (options.fsync === 'volatile') return 'none'
  if (options.fsync === 'strict') return 'fsync'
  const type = fsType(fd)
  if (type === TMPFS_MAGIC) return 'none'
  return type === EXT4_SUPER_MAGIC ? 'writeout' : 'fsync'
}

/** Make the data of a copy safe. Returns 0 or -errno. */
export function flushCopy(kind: FlushKind, fd: number): number {
  if (kind === 'none') return 0
  return kind === 'fsync' ? fsync(fd) : startWriteout(fd)
}

/** Whether the file system that `fd` is on has nothing to write anywhere. */
export function isInMemory(fd: number): boolean {
  return fsType(fd) === TMPFS_MAGIC
}
