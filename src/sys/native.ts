/**
 * The one place that binds C functions. Everything here is raw: pointers are addresses or Buffers,
 * results are what libc returns. The other files of `src/sys` wrap each function once and turn
 * failure into `-errno`, read as the very next statement (the thread's errno does not survive any
 * other call).
 */
import koffi from 'koffi'

const libc = koffi.load(null)

/** A pointer argument: a Buffer, or an address from {@link addressOf}; 0 is NULL. */
export type Pointer = Buffer | number

function bind<F>(signature: string): F {
  return libc.func(signature) as unknown as F
}

type Int = number

/**
 * `syscall(2)` with every argument word-sized; for calls that the C library does not wrap. Numbers
 * from 424 on are the same on all architectures.
 */
export const syscall6 = bind<
  (nr: Int, a: Int, b: Pointer, c: Int, d: Pointer, e: Pointer, f: Int) => number
>('long syscall(long nr, long a, void *b, long c, void *d, void *e, long f)')

/** The C functions, by their usual names. */
export const native = {
  open: bind<(path: Pointer, flags: Int, mode: Int) => Int>(
    'int open(void *path, int flags, unsigned int mode)',
  ),
  openat: bind<(dirfd: Int, path: Pointer, flags: Int, mode: Int) => Int>(
    'int openat(int dirfd, void *path, int flags, unsigned int mode)',
  ),
  close: bind<(fd: Int) => Int>('int close(int fd)'),
  dup: bind<(fd: Int) => Int>('int dup(int fd)'),
  dup2: bind<(fd: Int, as: Int) => Int>('int dup2(int fd, int as)'),
  madvise: bind<(address: Pointer, size: number, advice: Int) => Int>(
    'int madvise(void *address, size_t size, int advice)',
  ),
  memfdCreate: bind<(name: Pointer, flags: Int) => Int>(
    'int memfd_create(void *name, unsigned int flags)',
  ),
  fcntl: bind<(fd: Int, cmd: Int, arg: Int) => Int>('int fcntl(int fd, int cmd, long arg)'),
  read: bind<(fd: Int, buf: Pointer, size: number) => number>(
    'long read(int fd, void *buf, size_t size)',
  ),
  write: bind<(fd: Int, buf: Pointer, size: number) => number>(
    'long write(int fd, void *buf, size_t size)',
  ),
  pread: bind<(fd: Int, buf: Pointer, size: number, offset: number) => number>(
    'long pread64(int fd, void *buf, size_t size, long offset)',
  ),
  pwrite: bind<(fd: Int, buf: Pointer, size: number, offset: number) => number>(
    'long pwrite64(int fd, void *buf, size_t size, long offset)',
  ),
  lseek: bind<(fd: Int, offset: number, whence: Int) => number>(
    'long lseek64(int fd, long offset, int whence)',
  ),
  statx: bind<(dirfd: Int, path: Pointer, flags: Int, mask: Int, out: Pointer) => Int>(
    'int statx(int dirfd, void *path, int flags, unsigned int mask, void *out)',
  ),
  fstatfs: bind<(fd: Int, out: Pointer) => Int>('int fstatfs64(int fd, void *out)'),
  fstatvfs: bind<(fd: Int, out: Pointer) => Int>('int fstatvfs64(int fd, void *out)'),
  mkdirat: bind<(dirfd: Int, path: Pointer, mode: Int) => Int>(
    'int mkdirat(int dirfd, void *path, unsigned int mode)',
  ),
  mknodat: bind<(dirfd: Int, path: Pointer, mode: Int, rdev: number) => Int>(
    'int mknodat(int dirfd, void *path, unsigned int mode, unsigned long rdev)',
  ),
  unlinkat: bind<(dirfd: Int, path: Pointer, flags: Int) => Int>(
    'int unlinkat(int dirfd, void *path, int flags)',
  ),
  symlinkat: bind<(target: Pointer, dirfd: Int, path: Pointer) => Int>(
    'int symlinkat(void *target, int dirfd, void *path)',
  ),
  linkat: bind<(olddir: Int, oldpath: Pointer, newdir: Int, newpath: Pointer, flags: Int) => Int>(
    'int linkat(int olddir, void *oldpath, int newdir, void *newpath, int flags)',
  ),
  renameat2: bind<(olddir: Int, old: Pointer, newdir: Int, neu: Pointer, flags: Int) => Int>(
    'int renameat2(int olddir, void *oldpath, int newdir, void *newpath, unsigned int flags)',
  ),
  readlinkat: bind<(dirfd: Int, path: Pointer, buf: Pointer, size: number) => number>(
    'long readlinkat(int dirfd, void *path, void *buf, size_t size)',
  ),
  fchmod: bind<(fd: Int, mode: Int) => Int>('int fchmod(int fd, unsigned int mode)'),
  fchmodat: bind<(dirfd: Int, path: Pointer, mode: Int, flags: Int) => Int>(
    'int fchmodat(int dirfd, void *path, unsigned int mode, int flags)',
  ),
  fchownat: bind<(dirfd: Int, path: Pointer, uid: number, gid: number, flags: Int) => Int>(
    'int fchownat(int dirfd, void *path, unsigned int uid, unsigned int gid, int flags)',
  ),
  utimensat: bind<(dirfd: Int, path: Pointer, times: Pointer, flags: Int) => Int>(
    'int utimensat(int dirfd, void *path, void *times, int flags)',
  ),
  futimens: bind<(fd: Int, times: Pointer) => Int>('int futimens(int fd, void *times)'),
  truncate: bind<(path: Pointer, size: number) => Int>('int truncate64(void *path, long size)'),
  ftruncate: bind<(fd: Int, size: number) => Int>('int ftruncate64(int fd, long size)'),
  fallocate: bind<(fd: Int, mode: Int, offset: number, length: number) => Int>(
    'int fallocate64(int fd, int mode, long offset, long length)',
  ),
  copyFileRange: bind<
    (fdIn: Int, offIn: Pointer, fdOut: Int, offOut: Pointer, size: number, flags: Int) => number
  >(
    'long copy_file_range(int in, void *offin, int out, void *offout, size_t size, unsigned int flags)',
  ),
  flock: bind<(fd: Int, operation: Int) => Int>('int flock(int fd, int operation)'),
  ioctl: bind<(fd: Int, request: number, arg: Pointer) => Int>(
    'int ioctl(int fd, unsigned long request, void *arg)',
  ),
  getdents64: bind<(fd: Int, buf: Pointer, size: number) => number>(
    'long getdents64(int fd, void *buf, size_t size)',
  ),
  fsync: bind<(fd: Int) => Int>('int fsync(int fd)'),
  fdatasync: bind<(fd: Int) => Int>('int fdatasync(int fd)'),
  syncFileRange: bind<(fd: Int, offset: number, length: number, flags: Int) => Int>(
    'int sync_file_range(int fd, long offset, long length, unsigned int flags)',
  ),
  syncfs: bind<(fd: Int) => Int>('int syncfs(int fd)'),
  fgetxattr: bind<(fd: Int, name: Pointer, value: Pointer, size: number) => number>(
    'long fgetxattr(int fd, void *name, void *value, size_t size)',
  ),
  fsetxattr: bind<(fd: Int, name: Pointer, value: Pointer, size: number, flags: Int) => Int>(
    'int fsetxattr(int fd, void *name, void *value, size_t size, int flags)',
  ),
  flistxattr: bind<(fd: Int, list: Pointer, size: number) => number>(
    'long flistxattr(int fd, void *list, size_t size)',
  ),
  fremovexattr: bind<(fd: Int, name: Pointer) => Int>('int fremovexattr(int fd, void *name)'),
  getxattr: bind<(path: Pointer, name: Pointer, value: Pointer, size: number) => number>(
    'long getxattr(void *path, void *name, void *value, size_t size)',
  ),
  setxattr: bind<(path: Pointer, name: Pointer, value: Pointer, size: number, flags: Int) => Int>(
    'int setxattr(void *path, void *name, void *value, size_t size, int flags)',
  ),
  listxattr: bind<(path: Pointer, list: Pointer, size: number) => number>(
    'long listxattr(void *path, void *list, size_t size)',
  ),
  removexattr: bind<(path: Pointer, name: Pointer) => Int>(
    'int removexattr(void *path, void *name)',
  ),
  nameToHandleAt: bind<
    (dirfd: Int, path: Pointer, handle: Pointer, mountId: Pointer, flags: Int) => Int
  >('int name_to_handle_at(int dirfd, void *path, void *handle, void *mountid, int flags)'),
  openByHandleAt: bind<(mountFd: Int, handle: Pointer, flags: Int) => Int>(
    'int open_by_handle_at(int mountfd, void *handle, int flags)',
  ),
  setfsuid: bind<(uid: number) => Int>('int setfsuid(unsigned int uid)'),
  setfsgid: bind<(gid: number) => Int>('int setfsgid(unsigned int gid)'),
  umask: bind<(mask: Int) => Int>('unsigned int umask(unsigned int mask)'),
  prctl: bind<(option: Int, a: number, b: number, c: number, d: number) => Int>(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  ),
  mount: bind<
    (source: Pointer, target: Pointer, type: Pointer, flags: number, data: Pointer) => Int
  >('int mount(void *source, void *target, void *type, unsigned long flags, void *data)'),
  umount2: bind<(target: Pointer, flags: Int) => Int>('int umount2(void *target, int flags)'),
  poll: bind<(fds: Pointer, count: number, timeoutMs: Int) => Int>(
    'int poll(void *fds, unsigned long count, int timeout)',
  ),
  eventfd: bind<(initial: number, flags: Int) => Int>(
    'int eventfd(unsigned int initial, int flags)',
  ),
  exitNow: bind<(code: Int) => never>('void _exit(int code)'),
  setsid: bind<() => Int>('int setsid()'),
  socketpair: bind<(domain: Int, type: Int, protocol: Int, out: Pointer) => Int>(
    'int socketpair(int domain, int type, int protocol, void *out)',
  ),
  recvmsg: bind<(fd: Int, message: Pointer, flags: Int) => number>(
    'long recvmsg(int fd, void *message, int flags)',
  ),
  realpath: bind<(path: Pointer, resolved: Pointer) => number>(
    'uintptr_t realpath(void *path, void *resolved)',
  ),
  getpagesize: bind<() => number>('int getpagesize()'),
  memcpy: bind<(to: Pointer, from: Pointer, size: number) => number>(
    'uintptr_t memcpy(void *to, void *from, size_t size)',
  ),
  strlen: bind<(text: Pointer) => number>('size_t strlen(void *text)'),
  geteuid: bind<() => number>('unsigned int geteuid()'),
  getegid: bind<() => number>('unsigned int getegid()'),
} as const

const unmountCall = libc.func('int umount2(void *target, int flags)')

/** umount2(2) on another thread; `done` is called on this one, whatever it came to. */
export function unmountMeanwhile(target: Buffer, flags: Int, done: () => void): void {
  unmountCall.async(target, flags, done)
}

const threadJoin = libc.func('int pthread_join(uintptr_t thread, void *result)')

/** Call `done` on this thread once another thread has ended; `result` is pthread_join's errno. */
export function onThreadEnd(thread: number, done: (result: Int) => void): void {
  const heard = (error: Error | null, result: Int): void => {
    if (error !== null) throw error
    done(result)
  }
  threadJoin.async(thread, null, heard)
}

const fillDirectoryType = koffi.proto('int fill(void *buf, void *name, void *stat, long offset)')

/** Call libfuse's `fuse_fill_dir_t` at an address. Returns 0, or 1 when its buffer is full. */
export function callFillDirectory(
  filler: number,
  buffer: Pointer,
  name: Pointer,
  stat: Pointer,
): Int {
  return koffi.call(filler, fillDirectoryType, buffer, name, stat, 0) as Int
}

/** `-errno` if `result` is negative, else `result`: the tail of every wrapper. */
export function orErrno(result: number): number {
  return result < 0 ? -koffi.errno() : result
}

/** Address of a Buffer's first byte. The Buffer must stay referenced while the address is in use. */
export function addressOf(buffer: Buffer): number {
  return Number(koffi.address(buffer))
}

/** A bound function's other face: run on a thread of the pool. */
interface Threaded {
  async: (...args: [...(Pointer | null)[], (error: Error | null, result: number) => void]) => void
}

/**
 * Run a bound function on another thread. @returns its result, or -errno of that thread
 * @precondition memory that the arguments point to stays referenced until then
 */
export function onThread(call: unknown, ...args: (Pointer | null)[]): Promise<number> {
  return new Promise((resolve, reject) => {
    ;(call as Threaded).async(...args, (error, result) => {
      // As the first thing here: koffi keeps the errno of the other thread for this callback.
      const errno = result < 0 ? koffi.errno() : 0
      if (error === null) resolve(result < 0 ? -errno : result)
      else reject(error)
    })
  })
}
