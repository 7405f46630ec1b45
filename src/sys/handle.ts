/** File handles: a name for an inode that survives renames. See name_to_handle_at(2). */
import { AT_EMPTY_PATH, FS_IOC_GETFSUUID } from './constants.js'
import { NativeMemory, cstring } from './memory.js'
import { native, orErrno } from './native.js'
import { close, openDirRead } from './open.js'

/** MAX_HANDLE_SZ. */
const MAX_HANDLE_BYTES = 128
const block = new NativeMemory(8 + MAX_HANDLE_BYTES + 8)

/** `type` and `bytes` (latin1) exactly as the kernel gives them. */
export interface FileHandle {
  readonly type: number
  readonly bytes: string
}

/**
 * Handle of `name` below `dirfd`, or -errno (EOPNOTSUPP where the file system has none).
 * @mirrors name_to_handle_at(2)
 */
export function fileHandle(dirfd: number, name: string): FileHandle | number {
  block.u32[0] = MAX_HANDLE_BYTES
  const mountId = block.address + 8 + MAX_HANDLE_BYTES
  const flags = name === '' ? AT_EMPTY_PATH : 0
  const result = orErrno(native.nameToHandleAt(dirfd, cstring(name), block.address, mountId, flags))
  if (result < 0) return result
  const size = block.view.getUint32(0, true)
  return { type: block.i32[1] ?? 0, bytes: block.bytes.latin1Slice(8, 8 + size) }
}

/**
 * Open the object a handle names, on the file system of `mountFd`; needs CAP_DAC_READ_SEARCH.
 * @returns descriptor, or -errno: ESTALE when the object is gone
 * @mirrors open_by_handle_at(2)
 */
export function openHandle(mountFd: number, handle: FileHandle, flags: number): number {
  if (handle.bytes.length > MAX_HANDLE_BYTES) return -22
  block.u32[0] = handle.bytes.length
  block.i32[1] = handle.type
  block.bytes.latin1Write(handle.bytes, 8)
  return orErrno(native.openByHandleAt(mountFd, block.address, flags))
}

/**
 * The 16-byte UUID of the file system a directory is on (latin1), all zero where it has none.
 * @param dirfd may be O_PATH
 */
export function fsUuid(dirfd: number): string {
  block.bytes.fill(0, 0, 24)
  const fd = openDirRead(dirfd)
  const result = fd < 0 ? fd : orErrno(native.ioctl(fd, FS_IOC_GETFSUUID, block.address))
  if (fd >= 0) close(fd)
  if (result < 0 || block.bytes[0] !== 16) return '\0'.repeat(16)
  return block.bytes.latin1Slice(1, 17)
}
