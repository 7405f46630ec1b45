/**
 * Mode, owner, times and size, by name below a directory (`''` = the descriptor's own object), never
 * following a final symlink. All results are 0 or -errno.
 */
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from './constants.js'
import { ENOSYS, EOPNOTSUPP } from './errno.js'
import { NativeMemory, cstring } from './memory.js'
import { native, orErrno, syscall6 } from './native.js'

const SYS_FCHMODAT2 = 452
let haveFchmodat2 = true

function at(name: string): number {
  return name === '' ? AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW : AT_SYMLINK_NOFOLLOW
}

/** Set permission bits. @mirrors fchmodat2(2); before Linux 6.6 through /proc/self/fd */
export function chmodAt(dirfd: number, name: string, mode: number): number {
  if (haveFchmodat2) {
    const result = orErrno(syscall6(SYS_FCHMODAT2, dirfd, cstring(name), mode, at(name), 0, 0))
    if (result !== -ENOSYS) return result
    haveFchmodat2 = false
  }
  if (name !== '') return orErrno(native.fchmodat(dirfd, cstring(name), mode, 0))
  return orErrno(native.fchmodat(AT_FDCWD, cstring(`/proc/self/fd/${String(dirfd)}`), mode, 0))
}

/** Set permission bits of an open file. @mirrors fchmod(2) */
export function chmodFd(fd: number, mode: number): number {
  return orErrno(native.fchmod(fd, mode))
}

/** Set owner and group; 0xffffffff leaves one as it is. @mirrors fchownat(2) */
export function chownAt(dirfd: number, name: string, uid: number, gid: number): number {
  return orErrno(native.fchownat(dirfd, cstring(name), uid, gid, at(name)))
}

const times = new NativeMemory(32)

function putTime(offset: number, seconds: number, nsec: number): void {
  const low = seconds >>> 0
  times.u32[offset >> 2] = low
  times.i32[(offset >> 2) + 1] = Math.floor(seconds / 4294967296)
  times.u32[(offset >> 2) + 2] = nsec
  times.u32[(offset >> 2) + 3] = 0
}

/**
 * Set access and modification time. Nanoseconds may be UTIME_NOW or UTIME_OMIT.
 * @mirrors utimensat(2)
 */
export function utimesAt(
  dirfd: number,
  name: string,
  atimeSec: number,
  atimeNsec: number,
  mtimeSec: number,
  mtimeNsec: number,
): number {
  putTime(0, atimeSec, atimeNsec)
  putTime(16, mtimeSec, mtimeNsec)
  const result = orErrno(native.utimensat(dirfd, cstring(name), times.address, at(name)))
  if (result === -EOPNOTSUPP && name === '') return utimesProc(dirfd)
  return result
}

/** utimensat through /proc, for kernels without AT_EMPTY_PATH there. */
function utimesProc(fd: number): number {
  const path = cstring(`/proc/self/fd/${String(fd)}`)
  return orErrno(native.utimensat(AT_FDCWD, path, times.address, 0))
}

/** Set an open file's size in bytes. @mirrors ftruncate(2) */
export function truncateFd(fd: number, sizeBytes: number): number {
  return orErrno(native.ftruncate(fd, sizeBytes))
}

/**
 * Set an open file's size in bytes as truncate(2) does: the times stay when the size does, which
 * ftruncate(2) does not promise.
 * @mirrors truncate(2)
 */
export function truncateQuietly(fd: number, sizeBytes: number): number {
  return orErrno(native.truncate(cstring(`/proc/self/fd/${String(fd)}`), sizeBytes))
}
