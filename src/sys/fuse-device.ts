/**
 * The /dev/fuse character device: opening, one message per read or write, waiting, and the ioctls
 * that register backing files. Results are counts, ids, 0, or -errno.
 */
import { O_RDWR } from './constants.js'
import { NativeMemory } from './memory.js'
import { native, orErrno } from './native.js'
import { openPath } from './open.js'

const FUSE_DEV_IOC_BACKING_OPEN = 0x4010e501
const FUSE_DEV_IOC_BACKING_CLOSE = 0x4004e502
const POLLIN = 1

/** Path of the device, for messages. */
export const FUSE_DEVICE = '/dev/fuse'

/**
 * Open the device, close-on-exec. Returns a descriptor or -errno.
 * @errno ENOENT no device node; ENODEV ENXIO the kernel module is missing; EACCES EPERM not allowed
 */
export function openFuseDevice(): number {
  return openPath(FUSE_DEVICE, O_RDWR)
}

/** Block until a message arrives; returns its length or -errno. */
export function readMessage(fd: number, address: number, size: number): number {
  return orErrno(native.read(fd, address, size))
}

/** Write one complete message; returns 0 or -errno. */
export function writeMessage(fd: number, address: number, size: number): number {
  const written = orErrno(native.write(fd, address, size))
  return written < 0 ? written : 0
}

const pollfds = new NativeMemory(16)

/**
 * Block until one of two descriptors can be read or has hung up; -1 leaves one out.
 * @returns 1 for the first, 2 for the second, 3 for both; or -errno (EINTR)
 * @mirrors poll(2)
 */
export function waitReadable(first: number, second: number): number {
  const { i32, u32, view } = pollfds
  i32[0] = first
  u32[1] = POLLIN
  i32[2] = second
  u32[3] = POLLIN
  const ready = orErrno(native.poll(pollfds.address, 2, -1))
  if (ready < 0) return ready
  return (view.getInt16(6, true) === 0 ? 0 : 1) | (view.getInt16(14, true) === 0 ? 0 : 2)
}

const backingMap = new NativeMemory(16)

/**
 * Register `fd` for passthrough on the connection of `deviceFd`; the id pins the file, `fd` may be
 * closed. Returns the id (> 0) or -errno.
 * @errno EPERM without CAP_SYS_ADMIN in the initial user namespace; EOPNOTSUPP not negotiated;
 * ELOOP the file's own file system is stacked too deep; EISDIR EINVAL not a regular file
 * @mirrors fs/fuse/passthrough.c:fuse_backing_open()
 */
export function openBackingFile(deviceFd: number, fd: number): number {
  const { i32, u32 } = backingMap
  i32[0] = fd
  u32[1] = 0
  u32[2] = 0
  u32[3] = 0
  return orErrno(native.ioctl(deviceFd, FUSE_DEV_IOC_BACKING_OPEN, backingMap.address))
}

const backingId = new NativeMemory(8)

/** Drop a backing id. Returns 0 or -errno. @mirrors fs/fuse/passthrough.c:fuse_backing_close() */
export function closeBackingFile(deviceFd: number, id: number): number {
  backingId.u32[0] = id
  return orErrno(native.ioctl(deviceFd, FUSE_DEV_IOC_BACKING_CLOSE, backingId.address))
}

/** Bytes of a memory page. */
export function pageSize(): number {
  return native.getpagesize()
}
