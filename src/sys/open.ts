/** Opening and closing: by name below a directory, or again by descriptor. */
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, O_RDONLY } from './constants.js'
import { NativeMemory, cstring } from './memory.js'
import { native, orErrno, syscall6 } from './native.js'

/**
 * Open `name` below `dirfd`; close-on-exec and never following a final symlink.
 * @param name latin1 byte string
 * @returns descriptor, or -errno
 * @mirrors openat(2)
 */
export function openAt(dirfd: number, name: string, flags: number, mode = 0): number {
  return orErrno(native.openat(dirfd, cstring(name), flags | O_CLOEXEC | O_NOFOLLOW, mode))
}

/** Open a directory below `dirfd` for use in `*at` calls (O_PATH). Returns descriptor or -errno. */
export function openDirPath(dirfd: number, name: string): number {
  return orErrno(
    native.openat(dirfd, cstring(name), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0),
  )
}

/** Open the directory behind an O_PATH descriptor for reading. Returns descriptor or -errno. */
export function openDirRead(dirfd: number): number {
  return orErrno(native.openat(dirfd, cstring('.'), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0))
}

/** Open a path of the caller's, following symlinks as a shell would. Returns descriptor or -errno. */
export function openPath(path: string, flags: number, mode = 0): number {
  return orErrno(native.openat(AT_FDCWD, cstring(path), flags | O_CLOEXEC, mode))
}

/**
 * Open the object behind a descriptor anew (also O_PATH, also unlinked), with other flags.
 * @mirrors proc(5) /proc/pid/fd
 */
export function reopen(fd: number, flags: number): number {
  return orErrno(
    native.openat(AT_FDCWD, cstring(`/proc/self/fd/${String(fd)}`), flags | O_CLOEXEC, 0),
  )
}

/** Close a descriptor. Returns 0 or -errno; the descriptor is gone either way. */
export function close(fd: number): number {
  return orErrno(native.close(fd))
}

const SYS_OPENAT2 = 437
const RESOLVE_NO_XDEV = 0x01
const RESOLVE_NO_MAGICLINKS = 0x02
const RESOLVE_NO_SYMLINKS = 0x04
const RESOLVE_BENEATH = 0x08
const how = new NativeMemory(24)

/**
 * Open a path of several components that must stay below `dirfd`: no symlink, no mount crossing, no
 * `..` out of it.
 * @returns descriptor, or -errno (ELOOP, EXDEV when the path leaves)
 * @mirrors openat2(2)
 */
export function openBeneath(dirfd: number, path: string, flags: number): number {
  how.u32.fill(0)
  how.u32[0] = flags | O_CLOEXEC
  how.u32[4] = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH
  return orErrno(syscall6(SYS_OPENAT2, dirfd, cstring(path), how.address, 24, 0, 0))
}

const F_DUPFD_CLOEXEC = 1030

/** Duplicate a descriptor, close-on-exec. Returns descriptor or -errno. */
export function duplicate(fd: number): number {
  return orErrno(native.fcntl(fd, F_DUPFD_CLOEXEC, 0))
}
