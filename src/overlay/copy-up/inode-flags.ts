/**
 * Inode flags on the way up: SYNC and NOATIME are set on the copy; append-only and immutable would
 * stop us from finishing it, so they become its protection mark.
 * @mirrors fs/overlayfs/copy_up.c:ovl_copy_fileattr
 */
import { FS_IOC_GETFLAGS, FS_IOC_SETFLAGS } from '../../sys/constants.js'
import { ioctl } from '../../sys/io.js'
import { NativeMemory } from '../../sys/memory.js'
import { FS_NOATIME_FL, FS_SYNC_FL } from '../protection.js'

const COPIED = FS_SYNC_FL | FS_NOATIME_FL
const word = new NativeMemory(8)

/**
 * Copy what can be copied from one open object to another.
 * @returns 0 or -errno; a source that knows no flags has none
 */
export function copyInodeFlags(source: number, target: number): number {
  if (ioctl(source, FS_IOC_GETFLAGS, word.address) < 0) return 0
  const wanted = (word.u32[0] ?? 0) & COPIED
  if (wanted === 0) return 0
  const known = ioctl(target, FS_IOC_GETFLAGS, word.address)
  if (known < 0) return known
  word.u32[0] = ((word.u32[0] ?? 0) & ~COPIED) | wanted
  return ioctl(target, FS_IOC_SETFLAGS, word.address)
}
