/**
 * Extended attributes of `name` below `dirfd` (`''` = the descriptor's own object, O_PATH included),
 * never following a symlink. Linux 6.13 has calls for that; before it, the object is opened with
 * O_PATH and reached through /proc/self/fd. Results are lengths, 0, or -errno.
 */
import { AT_SYMLINK_NOFOLLOW, O_PATH } from './constants.js'
import { EACCES, ENODATA, ENOSYS, ENOTDIR, EOPNOTSUPP } from './errno.js'
import { NativeMemory, cstring, cstring2 } from './memory.js'
import { native, orErrno, syscall6 } from './native.js'
import { close, openAt } from './open.js'

const SYS_SETXATTRAT = 463
const SYS_GETXATTRAT = 464
const SYS_LISTXATTRAT = 465
const SYS_REMOVEXATTRAT = 466

let haveXattrAt = true

/** struct xattr_args: value u64, size u32, flags u32. */
const args = new NativeMemory(16)

function putArgs(address: number, size: number, flags: number): number {
  args.u32[0] = address >>> 0
  args.u32[1] = Math.floor(address / 4294967296)
  args.u32[2] = size
  args.u32[3] = flags
  return args.address
}

/**
 * The calls take no O_PATH descriptor with an empty path: a directory is reached as `.`, and anything
 * else (told by ENOTDIR) through /proc.
 */
function pathOf(name: string): number {
  return cstring(name === '' ? '.' : name)
}

/** Whether the direct call settled the matter; notes it when the kernel does not have it. */
function isSettled(result: number, name: string): boolean {
  if (result === -ENOSYS) haveXattrAt = false
  return haveXattrAt && !(result === -ENOTDIR && name === '')
}

/** Run `call` with a path that leads to the object; for kernels without the *xattrat calls. */
function throughProc(dirfd: number, name: string, call: (path: number) => number): number {
  const fd = name === '' ? dirfd : openAt(dirfd, name, O_PATH)
  if (fd < 0) return fd
  const result = call(cstring(`/proc/self/fd/${String(fd)}`))
  if (fd !== dirfd) close(fd)
  return result
}

/**
 * Read a value into memory at `address`; `size` 0 asks for its length only.
 * @mirrors getxattrat(2), lgetxattr(2)
 */
export function getXattr(
  dirfd: number,
  name: string,
  key: string,
  address: number,
  size: number,
): number {
  if (haveXattrAt) {
    const path = pathOf(name)
    const block = putArgs(size === 0 ? 0 : address, size, 0)
    const result = orErrno(
      syscall6(SYS_GETXATTRAT, dirfd, path, AT_SYMLINK_NOFOLLOW, cstring2(key), block, 16),
    )
    if (isSettled(result, name)) return result
  }
  return throughProc(dirfd, name, (path) =>
    orErrno(native.getxattr(path, cstring2(key), size === 0 ? 0 : address, size)),
  )
}

/** @param flags XATTR_CREATE, XATTR_REPLACE or 0 @mirrors setxattrat(2), lsetxattr(2) */
export function setXattr(
  dirfd: number,
  name: string,
  key: string,
  address: number,
  size: number,
  flags: number,
): number {
  if (haveXattrAt) {
    const path = pathOf(name)
    const block = putArgs(address, size, flags)
    const result = orErrno(
      syscall6(SYS_SETXATTRAT, dirfd, path, AT_SYMLINK_NOFOLLOW, cstring2(key), block, 16),
    )
    if (isSettled(result, name)) return result
  }
  return throughProc(dirfd, name, (path) =>
    orErrno(native.setxattr(path, cstring2(key), address, size, flags)),
  )
}

/** List names, NUL-separated; `size` 0 asks for the length only. @mirrors listxattrat(2) */
export function listXattr(dirfd: number, name: string, address: number, size: number): number {
  if (haveXattrAt) {
    const list = size === 0 ? 0 : address
    const result = orErrno(
      syscall6(SYS_LISTXATTRAT, dirfd, pathOf(name), AT_SYMLINK_NOFOLLOW, list, size, 0),
    )
    if (isSettled(result, name)) return result
  }
  return throughProc(dirfd, name, (path) =>
    orErrno(native.listxattr(path, size === 0 ? 0 : address, size)),
  )
}

/** @mirrors removexattrat(2), lremovexattr(2) */
export function removeXattr(dirfd: number, name: string, key: string): number {
  if (haveXattrAt) {
    const path = pathOf(name)
    const result = orErrno(
      syscall6(SYS_REMOVEXATTRAT, dirfd, path, AT_SYMLINK_NOFOLLOW, cstring2(key), 0, 0),
    )
    if (isSettled(result, name)) return result
  }
  return throughProc(dirfd, name, (path) => orErrno(native.removexattr(path, cstring2(key))))
}

const SCRATCH_BYTES = 65536
const scratch = new NativeMemory(SCRATCH_BYTES)

/**
 * Whether a failed read says that there is no such attribute, or none that we may see, rather than
 * that it could not be told.
 */
export function lacksXattr(result: number): boolean {
  return result === -ENODATA || result === -EOPNOTSUPP || result === -EACCES
}

/** Read a value of at most 64 KiB as a latin1 string, or -errno. */
export function readXattr(dirfd: number, name: string, key: string): string | number {
  const length = getXattr(dirfd, name, key, scratch.address, SCRATCH_BYTES)
  return length < 0 ? length : scratch.bytes.latin1Slice(0, length)
}

/** Write a value given as a latin1 string. Returns 0 or -errno. */
export function writeXattr(
  dirfd: number,
  name: string,
  key: string,
  value: string,
  flags = 0,
): number {
  scratch.bytes.latin1Write(value, 0)
  return setXattr(dirfd, name, key, scratch.address, value.length, flags)
}

/** The names of an object's xattrs, or -errno. An object without any costs one system call. */
export function xattrNames(dirfd: number, name: string): readonly string[] | number {
  const length = listXattr(dirfd, name, scratch.address, SCRATCH_BYTES)
  if (length < 0) return length
  if (length === 0) return NO_NAMES
  return scratch.bytes.latin1Slice(0, length - 1).split('\0')
}

const NO_NAMES: readonly string[] = []
