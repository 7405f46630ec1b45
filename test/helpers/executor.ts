/**
 * Runs operation scripts through raw system calls, relative to a descriptor of the root, and says of
 * each operation what it returned: `OK`, `OK <value>`, or the errno's name.
 */
import {
  FICLONE,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  O_APPEND,
  O_CREAT,
  O_DIRECT,
  O_DIRECTORY,
  O_EXCL,
  O_CLOEXEC,
  O_NOATIME,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  SEEK_DATA,
  SEEK_HOLE,
  SEEK_SET,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  S_IFREG,
  S_IFSOCK,
  UTIME_NOW,
  UTIME_OMIT,
  XATTR_CREATE,
  XATTR_REPLACE,
} from '../../src/sys/constants.js'
import { chmodFd, truncateFd, utimesAt } from '../../src/sys/attr.js'
import { errnoName } from '../../src/sys/errno.js'
import { copyFileRange, fallocate, fsync, lseek, pread, pwrite } from '../../src/sys/io.js'
import { NativeMemory, cstring } from '../../src/sys/memory.js'
import { native, orErrno } from '../../src/sys/native.js'
import {
  linkFd,
  mkdirAt,
  mknodAt,
  readlinkAt,
  renameAt,
  rmdirAt,
  symlinkAt,
  unlinkAt,
} from '../../src/sys/node.js'
import { close, openPath, reopen } from '../../src/sys/open.js'
import { FileStat, type FsUsage, fsUsage, statAt } from '../../src/sys/stat.js'
import {
  getXattr,
  readXattr,
  removeXattr,
  setXattr,
  writeXattr,
  xattrNames,
} from '../../src/sys/xattr.js'
import { inodeKey, readAll } from './dirents.js'
import { type LowerLabels, noLabels } from './inode-labels.js'
import type {
  FallocateMode,
  NodeKind,
  OpenFlag,
  Operation,
  RenameFlag,
  SpecialOperation,
  Time,
} from './operation.js'
import { runElsewhere, closeElsewhere } from './other-process.js'
import { Specials, isSpecial } from './special-operations.js'
import { deviceText, modeText, timeText, typeName } from './stat-line.js'
import {
  accessAt,
  becomeRoot,
  becomeUser,
  chownFd,
  hardLink,
  inDirectory,
  truncatePath,
} from './syscalls.js'
import { TimeNotes } from './time-notes.js'

const openBits: Readonly<Record<OpenFlag, number>> = {
  read: O_RDONLY,
  write: O_WRONLY,
  'read-write': O_RDWR,
  accmode3: 3,
  create: O_CREAT,
  exclusive: O_EXCL,
  truncate: O_TRUNC,
  append: O_APPEND,
  directory: O_DIRECTORY,
  nofollow: O_NOFOLLOW,
  path: O_PATH,
  direct: O_DIRECT,
  sync: O_SYNC,
  noatime: O_NOATIME,
  nonblock: O_NONBLOCK,
  tmpfile: O_TMPFILE,
}

const renameBits: Readonly<Record<RenameFlag, number>> = {
  noreplace: RENAME_NOREPLACE,
  exchange: RENAME_EXCHANGE,
  whiteout: RENAME_WHITEOUT,
}

const allocateBits: Readonly<Record<FallocateMode, number>> = {
  allocate: 0,
  'keep-size': 1,
  'punch-hole': 3,
  'zero-range': 0x10,
  collapse: 8,
}

const kindBits: Readonly<Record<NodeKind, number>> = {
  file: S_IFREG,
  fifo: S_IFIFO,
  socket: S_IFSOCK,
  char: S_IFCHR,
  block: S_IFBLK,
}

const xattrBits = { create: XATTR_CREATE, replace: XATTR_REPLACE } as const
const flockBits = { shared: 5, exclusive: 6, unlock: 8 } as const

const data = new NativeMemory(1 << 20, 4096)
const stat = new FileStat()
const word = new NativeMemory(8)
const usage: FsUsage = {
  blocks: 0,
  bfree: 0,
  bavail: 0,
  files: 0,
  ffree: 0,
  bsize: 0,
  namelen: 0,
  frsize: 0,
}

function timeOf(time: Time): [seconds: number, nanoseconds: number] {
  if (time === 'now') return [0, UTIME_NOW]
  if (time === 'omit') return [0, UTIME_OMIT]
  return [time[0], time[1]]
}

/** Flags inheritable from the parent in ext4; whether a file carries extents is not ours to compare. */
const COMPARED_INODE_FLAGS = 0x20 | 0x10 | 0x80 | 0x40 | 0x08

type OnPath = Exclude<Extract<Operation, { path: string }>, SpecialOperation>

/** One run of a script on one root. */
export class Executor {
  readonly #top: number
  /** What paths are relative to: the top, or the directory of the operation's `at`. */
  #root: number
  readonly #labels: LowerLabels
  readonly #times = new TimeNotes()
  readonly #handles = new Map<string, number>()
  readonly #rootPath: string
  readonly #specials: Specials

  /**
   * @param root directory that paths are relative to
   * @param labels names for the inode numbers that `stat` shows
   */
  constructor(root: string, labels: LowerLabels = noLabels) {
    this.#labels = labels
    this.#top = openPath(root, O_PATH | O_DIRECTORY)
    if (this.#top < 0) throw new Error(`open ${root}: ${errnoName(this.#top)}`)
    this.#root = this.#top
    native.umask(0o022)
    this.#rootPath = root
    this.#specials = new Specials(root, this.#root, this.#handles)
  }

  /** Close the root and every handle the script left open. */
  close(): void {
    this.#specials.close()
    this.closeHandles()
    closeElsewhere(this.#rootPath)
    close(this.#top)
    native.umask(0o022)
  }

  /** Close the script's handles only. */
  closeHandles(): void {
    for (const fd of this.#handles.values()) close(fd)
    this.#handles.clear()
  }

  /** Run one operation and say what it returned. */
  run(operation: Operation): string {
    if (operation.in === 'other process') return runElsewhere(this.#rootPath, operation)
    return this.runHere(operation)
  }

  /** Run one operation in this process, whichever it names. */
  runHere(operation: Operation): string {
    const { by, at } = operation
    const directory = at === undefined ? this.#top : this.#handles.get(at)
    if (directory === undefined) return 'no such handle'
    this.#root = directory
    const run = (): string | number => {
      if (by !== undefined) becomeUser(by.uid, by.gid, by.groups ?? [])
      try {
        return this.#dispatch(operation)
      } finally {
        if (by !== undefined) becomeRoot()
      }
    }
    const result = operation.op === 'truncate' ? inDirectory(directory, run) : run()
    if (typeof result === 'string') return `OK ${result}`
    return result < 0 ? errnoName(result) : 'OK'
  }

  #dispatch(operation: Operation): string | number {
    if (isSpecial(operation)) return this.#specials.run(operation)
    if ('handle' in operation) return this.#onHandle(operation)
    switch (operation.op) {
      case 'unlink':
        return unlinkAt(this.#root, operation.path)
      case 'rmdir':
        return rmdirAt(this.#root, operation.path)
      case 'mkdir':
        return mkdirAt(this.#root, operation.path, operation.mode)
      case 'mknod': {
        const { path, kind, mode, major = 0, minor = 0 } = operation
        return mknodAt(this.#root, path, kindBits[kind] | mode, major, minor)
      }
      case 'symlink':
        return symlinkAt(operation.target, this.#root, operation.path)
      case 'link':
        return hardLink(this.#root, operation.from, operation.to)
      case 'rename': {
        const bits = (operation.flags ?? []).reduce((sum, flag) => sum | renameBits[flag], 0)
        return renameAt(this.#root, operation.from, this.#root, operation.to, bits)
      }
      case 'umask':
        native.umask(operation.mode)
        return 0
      case 'open':
        return this.#open(operation.as, operation.path, operation.flags, operation.mode)
      case 'copy-range':
      case 'clone':
        return this.#copy(operation)
      case 'chmod':
      case 'chown':
      case 'utimens':
      case 'setxattr':
      case 'removexattr':
      case 'getxattr':
      case 'listxattr':
      case 'getflags':
      case 'setflags':
      case 'access':
      case 'stat':
      case 'statfs':
      case 'readlink':
      case 'note-times':
      case 'touched':
        return this.#attributes(operation)
      case 'create':
      case 'write':
      case 'append':
      case 'read':
      case 'truncate':
      case 'fallocate':
      case 'holes':
      case 'list':
        return this.#content(operation)
    }
  }

  #attributes(operation: OnPath): string | number {
    const root = this.#root
    const { path } = operation
    switch (operation.op) {
      case 'chmod':
        return orErrno(native.fchmodat(root, cstring(path), operation.mode, 0))
      case 'chown':
        return orErrno(native.fchownat(root, cstring(path), operation.uid, operation.gid, 0x100))
      case 'utimens':
        return utimesAt(root, path, ...timeOf(operation.atime), ...timeOf(operation.mtime))
      case 'setxattr': {
        const flag = operation.flag === undefined ? 0 : xattrBits[operation.flag]
        return writeXattr(root, path, operation.name, operation.value, flag)
      }
      case 'removexattr':
        return removeXattr(root, path, operation.name)
      case 'getxattr': {
        const value = readXattr(root, path, operation.name)
        return typeof value === 'number' ? value : JSON.stringify(value)
      }
      case 'listxattr': {
        const names = xattrNames(root, path)
        return typeof names === 'number' ? names : [...names].sort().join(' ')
      }
      case 'getflags':
        return this.#withFile(path, O_RDONLY, (fd) => {
          const result = orErrno(native.ioctl(fd, FS_IOC_GETFLAGS, word.address))
          return result < 0 ? result : ((word.u32[0] ?? 0) & COMPARED_INODE_FLAGS).toString(16)
        })
      case 'setflags':
        return this.#withFile(path, O_RDONLY, (fd) => setInodeFlags(fd, operation.flags))
      case 'access':
        return accessAt(root, path, operation.mode)
      case 'stat': {
        const result = statAt(root, path, stat)
        return result < 0 ? result : this.#statLine()
      }
      case 'statfs':
        return this.#withFile(path, O_PATH, (fd) => {
          const result = fsUsage(fd, usage)
          return result < 0 ? result : `bsize=${usage.bsize} namelen=${usage.namelen}`
        })
      case 'readlink': {
        const length = readlinkAt(root, path, data, 0, 4096)
        return length < 0 ? length : JSON.stringify(data.bytes.latin1Slice(0, length))
      }
      case 'note-times':
        return this.#times.note(root, path)
      case 'touched':
        return this.#times.touched(root, path)
      default:
        throw new Error(`not an attribute operation: ${operation.op}`)
    }
  }

  #content(operation: OnPath): string | number {
    const { path } = operation
    switch (operation.op) {
      case 'create': {
        const flags = O_CREAT | O_EXCL | O_WRONLY
        return this.#withFile(
          path,
          flags,
          (fd) => writeText(fd, operation.data ?? '', 0),
          operation.mode,
        )
      }
      case 'write': {
        const text = operation.data.repeat(operation.repeat ?? 1)
        return this.#withFile(path, O_WRONLY, (fd) => writeText(fd, text, operation.offset ?? 0))
      }
      case 'append':
        return this.#withFile(path, O_WRONLY | O_APPEND, (fd) => writeText(fd, operation.data, 0))
      case 'read':
        return this.#withFile(path, O_RDONLY, (fd) =>
          readText(fd, operation.offset ?? 0, operation.size ?? 65536),
        )
      case 'truncate':
        return truncatePath(path, operation.size)
      case 'fallocate': {
        const { mode, offset, size } = operation
        return this.#withFile(path, O_RDWR, (fd) => fallocate(fd, allocateBits[mode], offset, size))
      }
      case 'holes':
        return this.#withFile(path, O_RDONLY, dataSegments)
      case 'list':
        return this.#withFile(path, O_RDONLY | O_DIRECTORY, listNames)
      default:
        throw new Error(`not a content operation: ${operation.op}`)
    }
  }

  #onHandle(
    operation: Exclude<Extract<Operation, { handle: string }>, SpecialOperation>,
  ): string | number {
    const fd = this.#handles.get(operation.handle)
    if (fd === undefined) return 'no such handle'
    switch (operation.op) {
      case 'close':
        this.#handles.delete(operation.handle)
        return close(fd)
      case 'fstat': {
        const result = statAt(fd, '', stat)
        return result < 0 ? result : this.#statLine()
      }
      case 'fsync':
        return fsync(fd)
      case 'rewind':
        return lseek(fd, 0, SEEK_SET)
      case 'fread':
        return readText(fd, operation.offset, operation.size)
      case 'fwrite':
        return writeText(fd, operation.data, operation.offset)
      case 'ftruncate':
        return truncateFd(fd, operation.size)
      case 'fchmod':
        return chmodFd(fd, operation.mode)
      case 'fchown':
        return chownFd(fd, operation.uid, operation.gid)
      case 'futimens':
        return utimesAt(fd, '', ...timeOf(operation.atime), ...timeOf(operation.mtime))
      case 'fsetxattr': {
        data.bytes.latin1Write(operation.value, 0)
        const { address } = data
        return setXattr(fd, '', operation.name, address, operation.value.length, 0)
      }
      case 'fgetxattr': {
        const length = getXattr(fd, '', operation.name, data.address, 65536)
        return length < 0 ? length : JSON.stringify(data.bytes.latin1Slice(0, length))
      }
      case 'fallocate-handle':
        return fallocate(fd, allocateBits[operation.mode], operation.offset, operation.size)
      case 'seek': {
        const whence = operation.whence === 'data' ? SEEK_DATA : SEEK_HOLE
        const offset = lseek(fd, operation.offset, whence)
        return offset < 0 ? offset : String(offset)
      }
      case 'flock':
        return orErrno(native.flock(fd, flockBits[operation.mode]))
      case 'flist':
        return listNames(fd)
      case 'reopen':
        return this.#keep(operation.as, reopen(fd, foldFlags(operation.flags)))
      case 'link-handle':
        return linkFd(fd, this.#root, operation.to)
    }
  }

  #copy(operation: Extract<Operation, { op: 'copy-range' | 'clone' }>): string | number {
    return this.#withFile(operation.from, O_RDONLY, (source) =>
      this.#withFile(operation.to, O_WRONLY, (target) => {
        if (operation.op === 'clone') return orErrno(native.ioctl(target, FICLONE, source))
        const copied = copyFileRange(source, 0, target, 0, operation.size)
        return copied < 0 ? copied : String(copied)
      }),
    )
  }

  #open(as: string, path: string, flags: readonly OpenFlag[], mode = 0o644): number {
    // Opening a fifo must not wait for a partner that never comes.
    const bits = foldFlags(flags) | O_CLOEXEC | O_NONBLOCK
    return this.#keep(as, orErrno(native.openat(this.#root, cstring(path), bits, mode)))
  }

  #keep(as: string, fd: number): number {
    if (fd < 0) return fd
    const old = this.#handles.get(as)
    if (old !== undefined) close(old)
    this.#handles.set(as, fd)
    return 0
  }

  /** Open (a fifo without a partner must not block), use and close; the first failure is the result. */
  #withFile(
    path: string,
    flags: number,
    use: (fd: number) => string | number,
    mode = 0o644,
  ): string | number {
    const fd = orErrno(
      native.openat(this.#root, cstring(path), flags | O_CLOEXEC | O_NONBLOCK, mode),
    )
    if (fd < 0) return fd
    const result = use(fd)
    const closed = close(fd)
    return typeof result === 'number' && result < 0 ? result : closed < 0 ? closed : result
  }

  #statLine(): string {
    const ino = this.#labels.byInode.get(inodeKey(stat.inoHi, stat.inoLo)) ?? 'U'
    const mtime = timeText(stat.mtimeSec, stat.mtimeNsec)
    const owner = `${stat.uid}:${stat.gid}`
    const sizes = `nlink=${stat.nlink} size=${stat.sizeBytes}`
    return `${typeName(stat.mode)} ${modeText(stat.mode)} ${owner} ${sizes} mtime=${mtime} ino=${ino} ${deviceText(stat)}`
  }
}

function foldFlags(flags: readonly OpenFlag[]): number {
  return flags.reduce((sum, flag) => sum | openBits[flag], 0)
}

function setInodeFlags(fd: number, flags: number): number {
  const got = orErrno(native.ioctl(fd, FS_IOC_GETFLAGS, word.address))
  if (got < 0) return got
  word.u32[0] = ((word.u32[0] ?? 0) & ~COMPARED_INODE_FLAGS) | flags
  return orErrno(native.ioctl(fd, FS_IOC_SETFLAGS, word.address))
}

function writeText(fd: number, text: string, offset: number): number {
  if (text.length === 0) return 0
  const bytes = Buffer.from(text, 'latin1')
  for (let done = 0; done < bytes.length;) {
    const size = Math.min(bytes.length - done, data.bytes.length)
    bytes.copy(data.bytes, 0, done, done + size)
    const written = pwrite(fd, data.address, size, offset + done)
    if (written < 0) return written
    done += written
  }
  return 0
}

function readText(fd: number, offset: number, size: number): string | number {
  const got = pread(fd, data.address, Math.min(size, data.bytes.length), offset)
  return got < 0 ? got : JSON.stringify(data.bytes.latin1Slice(0, got))
}

function listNames(fd: number): string | number {
  const entries = readAll(fd)
  if (typeof entries === 'number') return entries
  return entries
    .map((entry) => `${JSON.stringify(entry.name)}/${entry.type}`)
    .sort()
    .join(' ')
}

function dataSegments(fd: number): string | number {
  const segments: string[] = []
  for (let at = 0; ;) {
    const from = lseek(fd, at, SEEK_DATA)
    if (from < 0) return errnoName(from) === 'ENXIO' ? segments.join(' ') || 'none' : from
    const to = lseek(fd, from, SEEK_HOLE)
    if (to < 0) return to
    segments.push(`${from}-${to}`)
    at = to
  }
}

/** Run a script and close what it left open; one result per operation. */
export function runScript(
  root: string,
  script: readonly Operation[],
  labels: LowerLabels = noLabels,
): string[] {
  const executor = new Executor(root, labels)
  try {
    return script.map((operation) => executor.run(operation))
  } finally {
    executor.close()
  }
}
