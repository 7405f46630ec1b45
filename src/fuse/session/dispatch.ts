/**
 * From a request to a result: finds the operation's row, checks sizes, calls the handler, and makes
 * sure that what comes back is something the kernel can be told. The only place that catches
 * everything: one request may fail, the session goes on.
 */
import { EINVAL, EIO, ENOSYS, EOPNOTSUPP, FsError } from '../../sys/errno.js'
import type { Log } from '../../util/debug.js'
import { MAX_REPLY_ERRNO } from '../protocol/abi.js'
import { type OpName, type Opcode, opcodes } from '../protocol/opcodes.js'
import { DEFERRED, PARKED } from '../raw-filesystem.js'
import { type Exchange, type Handler, NO_REPLY } from './exchange.js'
import * as attributes from './handlers/attributes.js'
import * as data from './handlers/data.js'
import * as directories from './handlers/directories.js'
import * as lifecycle from './handlers/lifecycle.js'
import * as names from './handlers/names.js'
import * as xattrs from './handlers/xattrs.js'

const handlers: Readonly<Record<OpName, Handler>> = {
  LOOKUP: names.lookup,
  FORGET: lifecycle.forget,
  GETATTR: attributes.getattr,
  SETATTR: attributes.setattr,
  READLINK: names.readlink,
  SYMLINK: names.symlink,
  MKNOD: names.mknod,
  MKDIR: names.mkdir,
  UNLINK: names.unlink,
  RMDIR: names.rmdir,
  RENAME: names.rename,
  LINK: names.link,
  OPEN: data.open,
  READ: data.read,
  WRITE: data.write,
  STATFS: attributes.statfs,
  RELEASE: data.release,
  FSYNC: data.fsync,
  SETXATTR: xattrs.setxattr,
  GETXATTR: xattrs.getxattr,
  LISTXATTR: xattrs.listxattr,
  REMOVEXATTR: xattrs.removexattr,
  FLUSH: data.flush,
  // The session answers the first; the kernel sends no second.
  INIT: () => -EIO,
  OPENDIR: directories.opendir,
  READDIR: directories.readdir,
  RELEASEDIR: directories.releasedir,
  FSYNCDIR: data.fsyncdir,
  GETLK: lifecycle.notServed,
  SETLK: lifecycle.notServed,
  SETLKW: lifecycle.notServed,
  ACCESS: lifecycle.notServed,
  CREATE: names.create,
  INTERRUPT: lifecycle.interrupt,
  BMAP: lifecycle.notServed,
  DESTROY: lifecycle.destroy,
  IOCTL: data.ioctl,
  POLL: lifecycle.notServed,
  BATCH_FORGET: lifecycle.batchForget,
  FALLOCATE: data.fallocate,
  READDIRPLUS: directories.readdirplus,
  RENAME2: names.rename2,
  LSEEK: data.lseek,
  COPY_FILE_RANGE: data.copyFileRange,
  SETUPMAPPING: lifecycle.notServed,
  REMOVEMAPPING: lifecycle.notServed,
  SYNCFS: data.syncfs,
  TMPFILE: names.tmpfile,
  STATX: attributes.statx,
  COPY_FILE_RANGE_64: data.copyFileRange,
}

const byCode: (Handler | undefined)[] = []
for (const { code, name } of opcodes) byCode[code] = handlers[name]

/**
 * Serve the request in `x`.
 * @param row its operation, undefined when unknown
 * @param bug where unexpected errors are told, with their stack
 * @returns length of the reply's body, -errno in -511..-1, DEFERRED, PARKED, or NO_REPLY
 * @errno ENOSYS unknown operation; EINVAL the body is too short; EIO for anything unexpected
 */
export function dispatch(x: Exchange, row: Opcode | undefined, bug: Log): number {
  const handler = row === undefined ? undefined : byCode[row.code]
  if (row === undefined || handler === undefined) return -ENOSYS
  if (x.request.bodySize < row.minBody) {
    bug('%s: %d bytes, %d expected', row.name, x.request.bodySize, row.minBody)
    return row.reply === 'none' ? NO_REPLY : -EINVAL
  }
  let result: number
  try {
    result = handler(x)
    if (!(result < 0) && !isBodyLength(x, result)) throw new RangeError(`result ${String(result)}`)
  } catch (error) {
    result = failure(x, row, error, bug)
  }
  if (row.reply === 'none') return NO_REPLY
  if (result < 0) return tellable(row, result, bug)
  return row.reply === 'empty' ? 0 : result
}

function isBodyLength(x: Exchange, length: number): boolean {
  return Number.isInteger(length) && length <= x.room
}

/** The result of a handler that threw. */
function failure(x: Exchange, row: Opcode, error: unknown, bug: Log): number {
  if (row.reply === 'direntplus') withdrawRecords(x)
  if (error instanceof FsError && error.errno > 0) return -error.errno
  bug('%s of node %d: %s', row.name, x.request.nodeid, error instanceof Error ? error.stack : error)
  return -EIO
}

/** Undo the lookups counted by READDIRPLUS records that do not reach the kernel. */
export function withdrawRecords(x: Exchange): void {
  x.direntsPlus.withdraw((nodeid) => {
    x.entry.nodeid = nodeid
    x.filesystem.replyLost(x.entry, null)
  })
}

/**
 * Make a negative result one that the kernel accepts and means. ENOSYS switches an operation off for
 * the whole connection: it passes only where the table says that this is an answer.
 */
function tellable(row: Opcode, result: number, bug: Log): number {
  if (result === DEFERRED || result === PARKED || result === NO_REPLY) return result
  if (result === -ENOSYS && !row.enosys) {
    bug('%s answered ENOSYS', row.name)
    return -EOPNOTSUPP
  }
  if (Number.isInteger(result) && result >= -MAX_REPLY_ERRNO) return result
  bug('%s answered %d', row.name, result)
  return -EIO
}
