/**
 * The addon's handlers: arguments and record in, operation, reply out. A thread of libfuse waits for
 * every one of them: each request is answered once, whatever happens, now or later.
 */
import { EIO, FsError } from '../../../sys/errno.js'
import { NativeMemory } from '../../../sys/memory.js'
import { type Log, openLog, showBytes } from '../../../util/debug.js'
import { bytesOf } from '../../../util/byte-text.js'
import { MAX_REPLY_ERRNO } from '../../protocol/abi.js'
import { DEFERRED, PARKED } from '../../raw-filesystem.js'
import type { Adapter } from './adapter.js'
import type { Addon, AddonHandler, OperationName } from './addon.js'
import { OPERATION_SLOTS, operationNames } from './addon.js'
import * as attributes from './operations/attributes.js'
import * as data from './operations/data.js'
import * as directories from './operations/directories.js'
import * as names from './operations/names.js'
import * as xattrs from './operations/xattrs.js'
import { RequestRecord } from './request-record.js'
import { STAT_BYTES, STATVFS_BYTES, putEntryStat, putStat, putStatvfs } from './stat-record.js'

/** What the addon hands to the handler of each operation, behind record and opcode. */
interface Arguments {
  readonly init: []
  readonly statfs: [path: string]
  readonly getattr: [path: string]
  readonly fgetattr: [path: string, fh: number]
  readonly flush: [path: string, fh: number]
  readonly fsync: [path: string, datasync: number, fh: number]
  readonly fsyncdir: [path: string, datasync: number, fh: number]
  readonly readdir: [path: string]
  readonly truncate: [path: string, sizeLo: number, sizeHi: number]
  readonly ftruncate: [path: string, fh: number, sizeLo: number, sizeHi: number]
  readonly utimens: [path: string]
  readonly readlink: [path: string]
  readonly chown: [path: string, uid: number, gid: number]
  readonly chmod: [path: string, mode: number]
  readonly mknod: [path: string, mode: number, rdev: number]
  readonly setxattr: [path: string, name: string, value: Buffer, position: number, flags: number]
  readonly getxattr: [path: string, name: string, value: Buffer]
  readonly listxattr: [path: string, list: Buffer]
  readonly removexattr: [path: string, name: string]
  readonly open: [path: string, flags: number]
  readonly read: Transfer
  readonly write: Transfer
  readonly release: [path: string, fh: number]
  readonly create: [path: string, mode: number]
  readonly unlink: [path: string]
  readonly rename: [from: string, to: string]
  readonly link: [from: string, to: string]
  readonly symlink: [target: string, path: string]
  readonly mkdir: [path: string, mode: number]
  readonly rmdir: [path: string]
}

type Transfer = [
  path: string,
  fh: number,
  buffer: Buffer,
  size: number,
  offsetLo: number,
  offsetHi: number,
]

/** Serves an operation: a count or 0, or -errno. */
type Serve<Name extends OperationName> = (
  x: Adapter,
  record: RequestRecord,
  ...values: Arguments[Name]
) => number

type ServeTable = { readonly [Name in OperationName]: Serve<Name> }

const HIGH = 2 ** 32
const scratch = new NativeMemory(4096 + 8)

function replyStat(x: Adapter, record: RequestRecord, result: number): number {
  if (result < 0) return result
  putStat(scratch, x.attr.attributes)
  record.setStat(scratch, STAT_BYTES)
  return 0
}

function replyLink(x: Adapter, record: RequestRecord, length: number): number {
  if (length < 0) return length
  x.memory.bytes[length] = 0
  record.setLinkTarget(x.memory, length + 1)
  return 0
}

const serveTable: ServeTable = {
  init: () => 0,
  statfs: (x, record, path) => {
    const result = attributes.statfs(x, record.path(path))
    if (result < 0) return result
    putStatvfs(scratch, x.statfs)
    record.setStatvfs(scratch, STATVFS_BYTES)
    return 0
  },
  getattr: (x, record, path) => replyStat(x, record, attributes.getattr(x, record.path(path))),
  fgetattr: (x, record, path, fh) =>
    replyStat(x, record, attributes.fgetattr(x, record.path(path), fh)),
  flush: (x, _record, _path, fh) => data.flush(x, fh),
  fsync: (x, _record, _path, datasync, fh) => data.fsync(x, fh, datasync !== 0),
  fsyncdir: (x, record, path, datasync) =>
    directories.fsyncdir(x, record.path(path), datasync !== 0),
  readdir: (x, record, path) =>
    directories.readdir(x, record.path(path), (name, inoLo, inoHi, type) => {
      putEntryStat(scratch, inoLo, inoHi, type)
      return record.addEntry(name, scratch) === 0
    }),
  truncate: (x, record, path, low, high) =>
    attributes.truncate(x, record.path(path), low + high * HIGH),
  ftruncate: (x, _record, _path, fh, low, high) => attributes.ftruncate(x, fh, low + high * HIGH),
  utimens: (x, record, path) => {
    const { atimeMs, mtimeMs } = record.timesMs()
    return attributes.utimens(x, record.path(path), atimeMs, mtimeMs)
  },
  readlink: (x, record, path) => replyLink(x, record, attributes.readlink(x, record.path(path))),
  chown: (x, record, path, uid, gid) => attributes.chown(x, record.path(path), uid, gid),
  chmod: (x, record, path, mode) => attributes.chmod(x, record.path(path), mode),
  mknod: (x, record, path, mode, rdev) => names.mknod(x, record.path(path), mode, rdev),
  setxattr: (x, record, path, name, value, _position, flags) =>
    xattrs.setxattr(x, record.path(path), record.attributeName(name), value, flags),
  getxattr: (x, record, path, name, value) =>
    xattrs.getxattr(x, record.path(path), record.attributeName(name), value),
  listxattr: (x, record, path, list) => xattrs.listxattr(x, record.path(path), list),
  removexattr: (x, record, path, name) =>
    xattrs.removexattr(x, record.path(path), record.attributeName(name)),
  open: (x, record, path, flags) => data.open(x, record.path(path), flags),
  read: (x, _record, _path, fh, buffer, _size, low, high) =>
    data.read(x, fh, buffer, low + high * HIGH),
  write: (x, record, _path, fh, buffer, _size, low, high) =>
    data.write(x, fh, buffer, low + high * HIGH, record.isMappedWrite()),
  release: (x, _record, _path, fh) => data.release(x, fh),
  create: (x, record, path, mode) => names.create(x, record.path(path), record.openFlags(), mode),
  unlink: (x, record, path) => names.unlink(x, record.path(path)),
  rename: (x, record, from, to) => names.rename(x, record.path(from), record.destination(to)),
  link: (x, record, from, to) => names.link(x, record.path(from), record.destination(to)),
  symlink: (x, record, target, path) =>
    names.symlink(x, record.path(target), record.destination(path)),
  mkdir: (x, record, path, mode) => names.mkdir(x, record.path(path), mode),
  rmdir: (x, record, path) => names.rmdir(x, record.path(path)),
}

/** Send a result back to the thread that waits for it. */
function reply(
  addon: Addon,
  name: OperationName,
  handle: Buffer,
  result: number,
  values: readonly unknown[],
): void {
  switch (name) {
    case 'open':
      addon.fuse_native_signal_open(handle, Math.min(result, 0), Math.max(result, 0))
      return
    case 'create':
      addon.fuse_native_signal_create(handle, Math.min(result, 0), Math.max(result, 0))
      return
    case 'read':
      addon.fuse_native_signal_read(handle, result, 0, (values[2] as Buffer).buffer)
      return
    case 'write':
      addon.fuse_native_signal_write(handle, result, 0, (values[2] as Buffer).buffer)
      return
    case 'setxattr':
      addon.fuse_native_signal_setxattr(handle, result, (values[2] as Buffer).buffer)
      return
    case 'getxattr':
      addon.fuse_native_signal_getxattr(handle, result, (values[2] as Buffer).buffer)
      return
    case 'listxattr':
      addon.fuse_native_signal_listxattr(handle, result, (values[1] as Buffer).buffer)
      return
    default:
      addon.fuse_native_signal_access(handle, result)
  }
}

/** What the kernel can be told of a result. */
function tellable(name: OperationName, result: number, bug: Log): number {
  if (Number.isInteger(result) && result >= -MAX_REPLY_ERRNO) return result
  bug('%s answered %d', name, result)
  return -EIO
}

/** Where the handlers tell what they do. */
export interface HandlerLogs {
  /** One line per request. */
  readonly trace: Log
  /** What should not happen. */
  readonly bug: Log
}

/** Serve a request; whatever is thrown is a result, too. */
function attempt<Name extends OperationName>(name: Name, serve: () => number, bug: Log): number {
  try {
    return serve()
  } catch (error) {
    if (error instanceof FsError && error.errno > 0) return -error.errno
    bug('%s: %s', name, error instanceof Error ? error.stack : error)
    return -EIO
  }
}

function makeHandler<Name extends OperationName>(
  addon: Addon,
  x: Adapter,
  name: Name,
  serve: Serve<Name>,
  logs: HandlerLogs,
): AddonHandler {
  return (handle, _opcode, ...values) => {
    const answer = (result: number): void => {
      const told = tellable(name, result, logs.bug)
      if (logs.trace.enabled) logs.trace('%s %s: %d', name, shown(values), told)
      reply(addon, name, handle, told, values)
    }
    const serveOnce = (): void => {
      const unique = x.late.begin(x.request)
      const record = new RequestRecord(handle)
      const once = (): number => serve(x, record, ...(values as Arguments[Name]))
      const result = attempt(name, once, logs.bug)
      if (result === PARKED) x.late.park(serveOnce)
      else if (result === DEFERRED) x.late.defer(unique, answer)
      else answer(result)
    }
    serveOnce()
  }
}

/** Arguments on one line. */
function shown(values: readonly unknown[]): string {
  return values
    .map((value) => (typeof value === 'string' ? showBytes(bytesOf(value)) : ''))
    .filter((text) => text !== '')
    .join(' ')
}

/** What {@link Addon.fuse_native_mount} takes. */
export interface HandlerTable {
  readonly handlers: readonly AddonHandler[]
  readonly served: Uint32Array
}

/**
 * The handlers of all operations.
 * @param onInit called once, when the kernel has said hello
 */
export function makeHandlers(
  addon: Addon,
  x: Adapter,
  onInit: () => void,
  logs: HandlerLogs = { trace: openLog('libfuse'), bug: openLog('bug') },
): HandlerTable {
  const handlers: AddonHandler[] = []
  const served = new Uint32Array(OPERATION_SLOTS)
  const table: ServeTable = {
    ...serveTable,
    init: () => {
      onInit()
      return 0
    },
  }
  const add = <Name extends OperationName>(name: Name): void => {
    const opcode = addon[`op_${name}`]
    handlers[opcode] = makeHandler(addon, x, name, table[name], logs)
    served[opcode] = 1
  }
  operationNames.forEach(add)
  return { handlers, served }
}
