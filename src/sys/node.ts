/** Names in directories: make, link, remove, rename, read. All results are 0, a count, or -errno. */
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from './constants.js'
import { type NativeMemory, cstring, cstring2 } from './memory.js'
import { native, orErrno } from './native.js'

/** @mirrors mkdirat(2) */
export function mkdirAt(dirfd: number, name: string, mode: number): number {
  return orErrno(native.mkdirat(dirfd, cstring(name), mode))
}

/** Device number as mknod(2) and stat want it in user space (glibc's makedev). */
export function makeDev(major: number, minor: number): number {
  return (
    (major & 0xfff) * 0x100 +
    ((minor >>> 8) & 0xfffff) * 0x100000 +
    (minor & 0xff) +
    (major >>> 12) * 0x100000000000
  )
}

/** @mirrors mknodat(2) */
export function mknodAt(
  dirfd: number,
  name: string,
  mode: number,
  major: number,
  minor: number,
): number {
  return orErrno(native.mknodat(dirfd, cstring(name), mode, makeDev(major, minor)))
}

/** @mirrors symlinkat(2) */
export function symlinkAt(target: string, dirfd: number, name: string): number {
  return orErrno(native.symlinkat(cstring2(target), dirfd, cstring(name)))
}

/** Link a named object to another name. @mirrors linkat(2) */
export function linkAt(olddir: number, old: string, newdir: number, name: string): number {
  if (old === '') return linkFd(olddir, newdir, name)
  return orErrno(native.linkat(olddir, cstring2(old), newdir, cstring(name), 0))
}

/** Give the object behind a descriptor a name (O_TMPFILE, O_PATH). @mirrors linkat(2) */
export function linkFd(fd: number, newdir: number, name: string): number {
  const direct = orErrno(native.linkat(fd, cstring2(''), newdir, cstring(name), AT_EMPTY_PATH))
  if (direct !== -2) return direct
  // Without CAP_DAC_READ_SEARCH the empty path gives ENOENT; the descriptor's proc link works.
  const path = cstring2(`/proc/self/fd/${String(fd)}`)
  return orErrno(native.linkat(AT_FDCWD, path, newdir, cstring(name), AT_SYMLINK_FOLLOW))
}

/** @mirrors unlinkat(2) */
export function unlinkAt(dirfd: number, name: string): number {
  return orErrno(native.unlinkat(dirfd, cstring(name), 0))
}

/** @mirrors unlinkat(2) with AT_REMOVEDIR */
export function rmdirAt(dirfd: number, name: string): number {
  return orErrno(native.unlinkat(dirfd, cstring(name), AT_REMOVEDIR))
}

/** @param flags RENAME_* @mirrors renameat2(2) */
export function renameAt(
  olddir: number,
  old: string,
  newdir: number,
  name: string,
  flags: number,
): number {
  return orErrno(native.renameat2(olddir, cstring(old), newdir, cstring2(name), flags))
}

/** Read a symlink's target into memory; returns its length in bytes. @mirrors readlinkat(2) */
export function readlinkAt(
  dirfd: number,
  name: string,
  out: NativeMemory,
  offset: number,
  size: number,
): number {
  return orErrno(native.readlinkat(dirfd, cstring(name), out.address + offset, size))
}
