/**
 * System calls that the tests need and the product does not: the program under test is never asked
 * to test itself, so these go straight to libc. Results are counts, ids, 0, or -errno.
 */
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_DIRECTORY, O_PATH } from '../../src/sys/constants.js'
import { NativeMemory, cstring, cstring2 } from '../../src/sys/memory.js'
import { native, orErrno, syscall6 } from '../../src/sys/native.js'
import { close, openPath } from '../../src/sys/open.js'

interface Numbers {
  readonly truncate: number
  readonly fchdir: number
  readonly setgroups: number
  readonly setresuid: number
  readonly setresgid: number
  readonly mmap: number
  readonly munmap: number
  readonly msync: number
  readonly inotifyInit1: number
  readonly inotifyAddWatch: number
  readonly memfdCreate: number
}

const byArch: Readonly<Record<string, Numbers>> = {
  x64: {
    truncate: 76,
    fchdir: 81,
    setgroups: 116,
    setresuid: 117,
    setresgid: 119,
    mmap: 9,
    munmap: 11,
    msync: 26,
    inotifyInit1: 294,
    inotifyAddWatch: 254,
    memfdCreate: 319,
  },
  arm64: {
    truncate: 45,
    fchdir: 50,
    setgroups: 159,
    setresuid: 147,
    setresgid: 149,
    mmap: 222,
    munmap: 215,
    msync: 227,
    inotifyInit1: 26,
    inotifyAddWatch: 27,
    memfdCreate: 279,
  },
}

function numbers(): Numbers {
  const found = byArch[process.arch]
  if (found === undefined) throw new Error(`no system call numbers for ${process.arch}`)
  return found
}

const sys = numbers()
const SYS_FACCESSAT2 = 439
const AT_EACCESS = 0x200

/** faccessat2 with the effective ids. */
export function accessAt(dirfd: number, path: string, mode: number): number {
  return orErrno(syscall6(SYS_FACCESSAT2, dirfd, cstring(path), mode, AT_EACCESS, 0, 0))
}

/** truncate(2) of a path relative to the working directory; see {@link inDirectory}. */
export function truncatePath(path: string, size: number): number {
  return orErrno(syscall6(sys.truncate, cstring(path), size, 0, 0, 0, 0))
}

/** Call with another working directory: for system calls that take no descriptor. */
export function inDirectory<T>(dirfd: number, call: () => T): T {
  const before = openPath('.', O_PATH | O_DIRECTORY)
  mustWork(syscall6(sys.fchdir, dirfd, 0, 0, 0, 0, 0), 'fchdir')
  try {
    return call()
  } finally {
    mustWork(syscall6(sys.fchdir, before, 0, 0, 0, 0, 0), 'fchdir back')
    close(before)
  }
}

const groupList = new NativeMemory(64 * 4)
const KEEP = 0xffffffff

/**
 * Become another user on this thread alone: real and effective ids change, the saved ids stay root,
 * so that capabilities are gone until {@link becomeRoot}.
 */
export function becomeUser(uid: number, gid: number, groups: readonly number[]): void {
  groups.forEach((group, index) => (groupList.u32[index] = group))
  mustWork(syscall6(sys.setgroups, groups.length, groupList.address, 0, 0, 0, 0), 'setgroups')
  mustWork(syscall6(sys.setresgid, gid, gid, 0, 0, 0, 0), 'setresgid')
  mustWork(syscall6(sys.setresuid, uid, uid, 0, 0, 0, 0), 'setresuid')
}

/** Undo {@link becomeUser}. */
export function becomeRoot(): void {
  mustWork(syscall6(sys.setresuid, 0, 0, KEEP, 0, 0, 0), 'setresuid')
  mustWork(syscall6(sys.setresgid, 0, 0, KEEP, 0, 0, 0), 'setresgid')
  mustWork(syscall6(sys.setgroups, 0, groupList.address, 0, 0, 0, 0), 'setgroups')
}

function mustWork(result: number, what: string): void {
  const errno = orErrno(result)
  if (errno < 0) throw new Error(`${what}: errno ${-errno}`)
}

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2

/** Map a file readable and, if asked, writable; returns the address or -errno. */
export function mapFile(
  fd: number,
  sizeBytes: number,
  sharing: 'shared' | 'private',
  access: 'read' | 'write',
): number {
  const prot = access === 'write' ? PROT_READ | PROT_WRITE : PROT_READ
  const flags = sharing === 'shared' ? MAP_SHARED : MAP_PRIVATE
  return orErrno(syscall6(sys.mmap, 0, sizeBytes, prot, flags, fd, 0))
}

/** munmap(2). */
export function unmapFile(address: number, sizeBytes: number): number {
  return orErrno(syscall6(sys.munmap, address, sizeBytes, 0, 0, 0, 0))
}

/** msync(2) with MS_SYNC. */
export function syncMapping(address: number, sizeBytes: number): number {
  return orErrno(syscall6(sys.msync, address, sizeBytes, 4, 0, 0, 0))
}

/** inotify_init1(2), non-blocking and close-on-exec. */
export function inotifyInit(): number {
  return orErrno(syscall6(sys.inotifyInit1, 0o2004000, 0, 0, 0, 0, 0))
}

/** inotify_add_watch(2). */
export function inotifyWatch(fd: number, path: string, mask: number): number {
  return orErrno(syscall6(sys.inotifyAddWatch, fd, cstring(path), mask, 0, 0, 0))
}

/** An anonymous file in memory: system calls on it copy to and from any address, or fail. */
export function memoryFile(): number {
  const fd = orErrno(syscall6(sys.memfdCreate, cstring('mapping'), 1, 0, 0, 0, 0))
  if (fd < 0) throw new Error(`memfd_create: errno ${-fd}`)
  return fd
}

/** link(2) as users call it: without AT_SYMLINK_FOLLOW. */
export function hardLink(dirfd: number, from: string, to: string): number {
  return orErrno(native.linkat(dirfd, cstring(from), dirfd, cstring2(to), 0))
}

/** Change the owner of an open file, O_PATH included. */
export function chownFd(fd: number, uid: number, gid: number): number {
  const flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW
  return orErrno(native.fchownat(fd, cstring(''), uid, gid, flags))
}

/** mount(2). */
export function mount(
  source: string,
  target: string,
  type: string,
  flags: number,
  data: string,
): number {
  const texts = [source, target, type, data].map((text) => Buffer.from(`${text}\0`, 'latin1'))
  const [sourceText, targetText, typeText, dataText] = texts as [Buffer, Buffer, Buffer, Buffer]
  return orErrno(native.mount(sourceText, targetText, typeText, flags, dataText))
}

const MNT_DETACH = 2

/** umount2(2); with `lazy` the mount leaves the tree at once. */
export function unmount(target: string, lazy: 'lazy' | 'busy-fails' = 'busy-fails'): number {
  return orErrno(native.umount2(cstring(target), lazy === 'lazy' ? MNT_DETACH : 0))
}
