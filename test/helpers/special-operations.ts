/**
 * The operations of a script that are more than one system call: mappings, locks, running programs,
 * watches, positions in directories, ioctls.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { O_CLOEXEC, O_DIRECTORY, O_NONBLOCK, O_RDONLY, O_RDWR } from '../../src/sys/constants.js'
import { errnoName } from '../../src/sys/errno.js'
import { lseek, pread, pwrite, syncfs } from '../../src/sys/io.js'
import { NativeMemory, cstring } from '../../src/sys/memory.js'
import { native, orErrno } from '../../src/sys/native.js'
import { unlinkAt } from '../../src/sys/node.js'
import { close } from '../../src/sys/open.js'
import { FileStat, statAt } from '../../src/sys/stat.js'
import { type Dirent, inodeKey, readAll, readSome } from './dirents.js'
import type { Operation, SpecialOperation } from './operation.js'
import { timeText } from './stat-line.js'
import {
  inotifyInit,
  inotifyWatch,
  mapFile,
  memoryFile,
  syncMapping,
  unmapFile,
} from './syscalls.js'

type Kind = SpecialOperation['op']
type Handler<K extends Kind> = (operation: Extract<SpecialOperation, { op: K }>) => string | number
type Handlers = { readonly [K in Kind]: Handler<K> }

const kinds: ReadonlySet<string> = new Set<Kind>([
  ...(['map', 'map-read', 'map-write', 'map-sync', 'unmap', 'lock', 'install', 'execute'] as const),
  ...(['start', 'stop', 'watch', 'events', 'times', 'dots', 'sweep', 'positions'] as const),
  ...(['list-some', 'list-rest', 'lseek', 'ioctl', 'file-handle', 'syncfs', 'dedupe'] as const),
])

/** Whether an operation is one of those that {@link Specials} runs. */
export function isSpecial(operation: Operation): operation is Operation & SpecialOperation {
  return kinds.has(operation.op)
}

interface Mapping {
  readonly address: number
  readonly size: number
}

/** Long enough ago that a file system's clock, which ticks every 4 ms, shows another time. */
const CLOCK_TICK_MS = 5
const FIDEDUPERANGE = 0xc0189436
const lockCommands = { posix: 6, description: 37 } as const
const testCommands = { posix: 5, description: 36 } as const
const lockTypes = { shared: 0, exclusive: 1, unlock: 2, test: 1 } as const
const UNLOCKED = 2

const data = new NativeMemory(1 << 20, 4096)
const stat = new FileStat()
const record = new NativeMemory(64)

function quoted(length: number): string {
  return JSON.stringify(data.bytes.latin1Slice(0, length))
}

function sortedNames(entries: readonly Dirent[]): string {
  const names = entries.map(({ name }) => JSON.stringify(name))
  return names.sort().join(' ')
}

/** Wait, without the event loop, until a process is no more than an entry in the table. */
function waitForEnd(pid: number): void {
  const never = new Int32Array(new SharedArrayBuffer(4))
  for (;;) {
    let state: string | undefined
    try {
      state = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.[0]
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
      throw error
    }
    if (state === 'Z' || state === 'X') return
    Atomics.wait(never, 0, 0, 1)
  }
}

/** State and code of the special operations of one script. */
export class Specials {
  readonly #rootPath: string
  readonly #root: number
  readonly #handles: ReadonlyMap<string, number>
  readonly #mappings = new Map<string, Mapping>()
  readonly #programs = new Map<string, ChildProcess>()
  readonly #watches = new Map<string, number>()
  /** What `list-some` saw, by handle. */
  readonly #listed = new Map<string, Dirent[]>()
  readonly #started = Date.now()

  constructor(rootPath: string, root: number, handles: ReadonlyMap<string, number>) {
    this.#rootPath = rootPath
    this.#root = root
    this.#handles = handles
  }

  /** Run one operation; see Executor.run. */
  run<K extends Kind>(operation: Extract<SpecialOperation, { op: K }>): string | number {
    const handler = this.#handlers[operation.op] as Handler<K>
    return handler(operation)
  }

  /** End programs, unmap, stop watching. */
  close(): void {
    for (const program of [...this.#programs.keys()]) this.#stop(program)
    for (const { address, size } of this.#mappings.values()) unmapFile(address, size)
    for (const fd of this.#watches.values()) close(fd)
    this.#mappings.clear()
    this.#watches.clear()
  }

  readonly #handlers: Handlers = {
    map: ({ handle, as, size, sharing, access }) =>
      this.#onHandle(handle, (fd) => {
        this.#unmap(as)
        const address = mapFile(fd, size, sharing, access)
        if (address > 0) this.#mappings.set(as, { address, size })
        return address < 0 ? address : 0
      }),
    'map-read': ({ mapping, offset, size }) =>
      this.#onMapping(mapping, (found, scratch) => {
        // A page that cannot be had is an errno here, not a signal.
        const written = pwrite(scratch, found.address + offset, size, 0)
        return written < 0 ? written : quoted(pread(scratch, data.address, written, 0))
      }),
    'map-write': ({ mapping, offset, data: text }) =>
      this.#onMapping(mapping, (found, scratch) => {
        data.bytes.latin1Write(text, 0)
        pwrite(scratch, data.address, text.length, 0)
        const got = pread(scratch, found.address + offset, text.length, 0)
        return got < 0 ? got : 0
      }),
    'map-sync': ({ mapping }) =>
      this.#onMapping(mapping, ({ address, size }) => syncMapping(address, size)),
    unmap: ({ mapping }) => this.#unmap(mapping) ?? 'no such mapping',
    lock: (operation) => this.#onHandle(operation.handle, (fd) => lock(fd, operation)),
    install: ({ path, program }) => {
      copyFileSync(program, `${this.#rootPath}/${path}`)
      return 0
    },
    execute: ({ path, arguments: words = [] }) => {
      const { status, stdout, error } = spawnSync(`${this.#rootPath}/${path}`, words)
      if (error !== undefined) return (error as NodeJS.ErrnoException).code ?? error.message
      return `exit ${String(status)} ${JSON.stringify(stdout.latin1Slice())}`
    },
    start: ({ path, as, arguments: words = [] }) => {
      const child = spawn(`${this.#rootPath}/${path}`, words, { stdio: 'ignore' })
      child.on('error', () => this.#programs.delete(as))
      if (child.pid === undefined) return 'not started'
      this.#programs.set(as, child)
      return 0
    },
    stop: ({ program }) => this.#stop(program),
    watch: ({ path, as, mask }) => {
      const fd = inotifyInit()
      if (fd < 0) return fd
      this.#watches.set(as, fd)
      const result = inotifyWatch(fd, `/proc/self/fd/${this.#root}/${path}`, mask)
      return result < 0 ? result : 0
    },
    events: ({ watch }) => this.#events(watch),
    times: ({ path }) => this.#times(path),
    dots: ({ path }) => this.#withDirectory(path, (fd) => this.#dots(fd, path)),
    sweep: ({ path, size }) => this.#withDirectory(path, (fd) => sweep(fd, size)),
    positions: ({ path, delete: names = [] }) =>
      this.#withDirectory(path, (fd) => positions(fd, names)),
    'list-some': ({ handle }) =>
      this.#onHandle(handle, (fd) => {
        const some = readSome(fd, 300)
        if (typeof some === 'number') return some
        this.#listed.set(handle, some)
        return 0
      }),
    'list-rest': ({ handle }) =>
      this.#onHandle(handle, (fd) => {
        const rest = readAll(fd)
        if (typeof rest === 'number') return rest
        return sortedNames([...(this.#listed.get(handle) ?? []), ...rest])
      }),
    lseek: ({ handle, offset, whence }) =>
      this.#onHandle(handle, (fd) => {
        const at = lseek(fd, offset, whence)
        return at < 0 ? at : String(at)
      }),
    ioctl: ({ path, request, argument = '' }) => this.#ioctl(path, request, argument),
    'file-handle': ({ path, flags }) => this.#fileHandle(path, flags),
    syncfs: ({ handle }) => this.#onHandle(handle, syncfs),
    dedupe: ({ from, to, size }) => this.#dedupe(from, to, size),
  }

  #onHandle(name: string, use: (fd: number) => string | number): string | number {
    const fd = this.#handles.get(name)
    return fd === undefined ? 'no such handle' : use(fd)
  }

  #onMapping(
    name: string,
    use: (mapping: Mapping, scratch: number) => string | number,
  ): string | number {
    const found = this.#mappings.get(name)
    if (found === undefined) return 'no such mapping'
    const scratch = memoryFile()
    try {
      return use(found, scratch)
    } finally {
      close(scratch)
    }
  }

  #with(path: string, flags: number, use: (fd: number) => string | number): string | number {
    const bits = flags | O_CLOEXEC | O_NONBLOCK
    const fd = orErrno(native.openat(this.#root, cstring(path), bits, 0))
    if (fd < 0) return fd
    try {
      return use(fd)
    } finally {
      close(fd)
    }
  }

  #withDirectory(path: string, use: (fd: number) => string | number): string | number {
    return this.#with(path, O_RDONLY | O_DIRECTORY, use)
  }

  #unmap(mapping: string): number | null {
    const found = this.#mappings.get(mapping)
    this.#mappings.delete(mapping)
    return found === undefined ? null : unmapFile(found.address, found.size)
  }

  #stop(program: string): string | number {
    const child = this.#programs.get(program)
    if (child?.pid === undefined) return 'no such program'
    this.#programs.delete(program)
    child.kill('SIGKILL')
    waitForEnd(child.pid)
    return 0
  }

  #events(watch: string): string | number {
    const fd = this.#watches.get(watch)
    if (fd === undefined) return 'no such watch'
    const got = orErrno(native.read(fd, data.address, data.bytes.length))
    if (got < 0) return errnoName(got) === 'EAGAIN' ? 'none' : got
    const events: string[] = []
    for (let at = 0; at < got;) {
      const length = data.view.getUint32(at + 12, true)
      const name = data.bytes.latin1Slice(at + 16, at + 16 + length).replace(/\0.*$/s, '')
      events.push(`${data.view.getUint32(at + 4, true).toString(16)}${name && ` ${name}`}`)
      at += 16 + length
    }
    return events.join(', ')
  }

  #times(path: string): string | number {
    const result = statAt(this.#root, path, stat)
    if (result < 0) return result
    const since = (seconds: number, nanoseconds: number): string => {
      const text = timeText(seconds, nanoseconds)
      if (text !== 'now') return text
      const ms = seconds * 1000 + nanoseconds / 1e6
      return ms < this.#started - CLOCK_TICK_MS ? 'earlier' : 'now'
    }
    const access = since(stat.atimeSec, stat.atimeNsec)
    const change = since(stat.ctimeSec, stat.ctimeNsec)
    return `access ${access} change ${change} birth ${since(stat.btimeSec, stat.btimeNsec)}`
  }

  #dots(fd: number, path: string): string | number {
    const entries = readAll(fd)
    if (typeof entries === 'number') return entries
    const inode = (name: string): string => {
      statAt(fd, name, stat)
      return inodeKey(stat.inoHi, stat.inoLo)
    }
    const seen = entries.filter(({ name }) => name === '.' || name === '..')
    const parts = seen.map(({ name, ino, type }) => {
      // The parent of a root is the mount point's directory, which is none of the overlay's business.
      const is =
        path === '.' && name === '..' ? 'not compared' : ino === inode(name) ? 'same' : 'no'
      return `${name} ${type} ${is}`
    })
    return parts.sort().join(', ')
  }

  #ioctl(path: string, request: number, argument: string): string | number {
    return this.#with(path, O_RDONLY, (fd) => {
      data.bytes.fill(0, 0, 4096)
      data.bytes.latin1Write(argument, 0)
      return orErrno(native.ioctl(fd, request, data.address))
    })
  }

  #fileHandle(path: string, flags: number): string | number {
    data.view.setUint32(0, 128, true)
    const { address } = data
    const result = orErrno(
      native.nameToHandleAt(this.#root, cstring(path), address, record.address, flags),
    )
    return result < 0 ? result : 'a handle'
  }

  #dedupe(from: string, to: string, size: number): string | number {
    return this.#with(from, O_RDONLY, (source) =>
      this.#with(to, O_RDWR, (target) => {
        data.bytes.fill(0, 0, 64)
        data.view.setBigUint64(8, BigInt(size), true)
        data.view.setUint16(16, 1, true)
        data.view.setBigInt64(24, BigInt(target), true)
        const result = orErrno(native.ioctl(source, FIDEDUPERANGE, data.address))
        if (result < 0) return result
        const status = data.view.getInt32(48, true)
        return status < 0 ? errnoName(status) : `status ${status}`
      }),
    )
  }
}

function lock(fd: number, operation: Extract<SpecialOperation, { op: 'lock' }>): string | number {
  const { kind, mode, offset = 0, size = 0 } = operation
  record.bytes.fill(0)
  record.view.setInt16(0, lockTypes[mode], true)
  record.view.setBigInt64(8, BigInt(offset), true)
  record.view.setBigInt64(16, BigInt(size), true)
  const command = mode === 'test' ? testCommands[kind] : lockCommands[kind]
  const result = orErrno(native.fcntl(fd, command, record.address))
  if (mode !== 'test' || result < 0) return result
  const type = record.view.getInt16(0, true)
  if (type === UNLOCKED) return 'free'
  const holder = record.view.getInt32(24, true) === -1 ? 'by a description' : 'by a process'
  const range = `${record.view.getBigInt64(8, true)}+${record.view.getBigInt64(16, true)}`
  return `${type === 0 ? 'shared' : 'exclusive'} ${range} ${holder}`
}

/** Delete all names while reading on, a few entries at a time; shows what was deleted. */
function sweep(fd: number, size: number): string | number {
  const deleted: Dirent[] = []
  for (;;) {
    const some = readSome(fd, size)
    if (typeof some === 'number') return some
    if (some.length === 0) break
    for (const entry of some) {
      if (entry.name === '.' || entry.name === '..') continue
      const result = unlinkAt(fd, entry.name)
      if (result < 0) return `${errnoName(result)} for ${entry.name}`
      deleted.push(entry)
    }
  }
  lseek(fd, 0, 0)
  const left = readAll(fd)
  return typeof left === 'number' ? left : `${sortedNames(deleted)} left ${sortedNames(left)}`
}

/** Positions of a real file system have 63 bits: a number would not do, and C takes a bigint. */
function seekTo(fd: number, offset: bigint): number {
  return orErrno(native.lseek(fd, offset as unknown as number, 0))
}

/** Every name that is not deleted must be seen from every position before it. */
function positions(fd: number, names: readonly string[]): string | number {
  const all = readAll(fd)
  if (typeof all === 'number') return all
  for (const name of names) {
    const result = unlinkAt(fd, name)
    if (result < 0) return `${errnoName(result)} for ${name}`
  }
  const kept = all.filter(({ name }) => !names.includes(name))
  const wrong: string[] = []
  all.forEach(({ name, offset }, index) => {
    if (seekTo(fd, offset) < 0) wrong.push(`seek after ${name}`)
    const rest = readAll(fd)
    const seen = typeof rest === 'number' ? [] : rest.map((entry) => entry.name)
    const due = all.slice(index + 1).filter((entry) => kept.includes(entry))
    for (const { name: missing } of due) {
      if (!seen.includes(missing)) wrong.push(`${missing} not seen after ${name}`)
    }
    if (new Set(seen).size !== seen.length) wrong.push(`repetition after ${name}`)
  })
  return wrong.length === 0 ? `${kept.length} names` : wrong.join(', ')
}
