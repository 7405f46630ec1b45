/**
 * One log line per request and per reply, with names instead of numbers: what a bug report shows
 * first. Called only when somebody reads the log.
 */
import { errnoName } from '../../sys/errno.js'
import { type Log, showBytes } from '../../util/debug.js'
import {
  CREATE_IN,
  FALLOCATE_IN,
  FORGET_IN,
  GETATTR_IN,
  GETXATTR_IN,
  LINK_IN,
  LSEEK_IN,
  MKDIR_IN,
  MKNOD_IN,
  OPEN_IN,
  READ_IN,
  RELEASE_IN,
  RENAME2_IN,
  RENAME_IN,
  SETATTR_IN,
  SETXATTR_IN,
  WRITE_IN,
  SETXATTR_IN_SIZE,
  COMPAT_SETXATTR_IN_SIZE,
} from '../protocol/abi.js'
import { fattrNames } from '../protocol/flags/fattr.js'
import { type FlagNames, showFlags } from '../protocol/flags/flag-names.js'
import { fopenNames } from '../protocol/flags/fopen.js'
import { FUSE_SETXATTR_EXT, hasInitFlag } from '../protocol/flags/init.js'
import {
  fallocateNames,
  oFlagNames,
  openFlagNames,
  renameNames,
  setxattrNames,
  writeNames,
} from '../protocol/flags/request.js'
import type { OpName, Opcode } from '../protocol/opcodes.js'
import type { RequestReader } from '../protocol/reader.js'
import { DEFERRED, PARKED } from '../raw-filesystem.js'
import { type Exchange, NO_REPLY } from './exchange.js'

type Field = readonly [label: string, show: (request: RequestReader) => string]

const decimal = (label: string, offset: number): Field => [label, (r) => String(r.u64(offset))]
const word = (label: string, offset: number): Field => [label, (r) => String(r.u32(offset))]
const octal = (label: string, offset: number): Field => [
  label,
  (r) => `0${r.u32(offset).toString(8)}`,
]
const flags = (label: string, offset: number, names: FlagNames): Field => [
  label,
  (r) => showFlags(r.u32(offset), names),
]
const openMode = (offset: number): Field => [
  'flags',
  (r) => {
    const value = r.u32(offset)
    const access = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', 'O_ACCMODE'][value & 3] ?? ''
    const rest = value & ~3
    return rest === 0 ? access : `${access}|${showFlags(rest, oFlagNames)}`
  },
]

const readFields = [
  decimal('fh', READ_IN.fh),
  decimal('offset', READ_IN.offset),
  word('size', READ_IN.size),
]
const createFields = [
  openMode(CREATE_IN.flags),
  octal('mode', CREATE_IN.mode),
  octal('umask', CREATE_IN.umask),
  flags('open_flags', CREATE_IN.open_flags, openFlagNames),
]

/** What is shown of the fixed part of a request, beside its names. */
const fields: Partial<Record<OpName, readonly Field[]>> = {
  FORGET: [decimal('nlookup', FORGET_IN.nlookup)],
  GETATTR: [word('fh valid', GETATTR_IN.getattr_flags), decimal('fh', GETATTR_IN.fh)],
  SETATTR: [
    flags('valid', SETATTR_IN.valid, fattrNames),
    octal('mode', SETATTR_IN.mode),
    word('uid', SETATTR_IN.uid),
    word('gid', SETATTR_IN.gid),
    decimal('size', SETATTR_IN.size),
  ],
  MKNOD: [octal('mode', MKNOD_IN.mode), octal('umask', MKNOD_IN.umask)],
  MKDIR: [octal('mode', MKDIR_IN.mode), octal('umask', MKDIR_IN.umask)],
  RENAME: [decimal('newdir', RENAME_IN.newdir)],
  RENAME2: [decimal('newdir', RENAME2_IN.newdir), flags('flags', RENAME2_IN.flags, renameNames)],
  LINK: [decimal('oldnodeid', LINK_IN.oldnodeid)],
  OPEN: [openMode(OPEN_IN.flags), flags('open_flags', OPEN_IN.open_flags, openFlagNames)],
  CREATE: createFields,
  TMPFILE: createFields,
  READ: readFields,
  READDIR: readFields,
  READDIRPLUS: readFields,
  WRITE: [
    decimal('fh', WRITE_IN.fh),
    decimal('offset', WRITE_IN.offset),
    word('size', WRITE_IN.size),
    flags('write_flags', WRITE_IN.write_flags, writeNames),
  ],
  RELEASE: [decimal('fh', RELEASE_IN.fh), openMode(RELEASE_IN.flags)],
  GETXATTR: [word('size', GETXATTR_IN.size)],
  LISTXATTR: [word('size', GETXATTR_IN.size)],
  SETXATTR: [word('size', SETXATTR_IN.size), flags('flags', SETXATTR_IN.flags, setxattrNames)],
  FALLOCATE: [
    decimal('fh', FALLOCATE_IN.fh),
    decimal('offset', FALLOCATE_IN.offset),
    decimal('length', FALLOCATE_IN.length),
    flags('mode', FALLOCATE_IN.mode, fallocateNames),
  ],
  LSEEK: [
    decimal('fh', LSEEK_IN.fh),
    decimal('offset', LSEEK_IN.offset),
    ['whence', (r) => (r.u32(LSEEK_IN.whence) === 3 ? 'SEEK_DATA' : 'SEEK_HOLE')],
  ],
}

/** Where names start when the fixed part may be shorter than today's structure. */
function namesAt(x: Exchange, row: Opcode): number {
  if (row.name !== 'SETXATTR') return row.minBody
  const { connection } = x
  const extended =
    connection !== null && hasInitFlag(connection.flags, connection.flags2, FUSE_SETXATTR_EXT)
  return extended ? SETXATTR_IN_SIZE : COMPAT_SETXATTR_IN_SIZE
}

function showNames(x: Exchange, row: Opcode): string {
  let shown = ''
  let at = namesAt(x, row)
  for (let i = 0; i < row.names; i++) {
    const name = x.request.text(at)
    if (name === null) return `${shown} (unterminated name)`
    shown += ` "${showBytes(name)}"`
    at = x.request.nameEnd
  }
  return shown
}

/** `unique` as one number, the resend mark left out; exact enough to match request and reply. */
function showUnique(x: Exchange): string {
  const { uniqueLo, uniqueHi, resent } = x.request.context
  const number = (uniqueHi & 0x7fffffff) * 4294967296 + uniqueLo
  return resent ? `${String(number)} (resent)` : String(number)
}

/** Log the request in `x`. */
export function traceRequest(log: Log, x: Exchange, row: Opcode | undefined): void {
  const { context, nodeid, bodySize } = x.request
  if (row === undefined) {
    log('%s unknown opcode %d, node %d', showUnique(x), context.opcode, nodeid)
    return
  }
  let line = `${showUnique(x)} ${row.name} node ${String(nodeid)}`
  if (bodySize >= row.minBody) {
    line += showNames(x, row)
    for (const [label, show] of fields[row.name] ?? []) line += `, ${label} ${show(x.request)}`
  }
  log('%s, uid %d gid %d pid %d', line, context.uid, context.gid, context.pid)
}

function showOutcome(x: Exchange, row: Opcode | undefined, result: number): string {
  if (result === DEFERRED) return 'deferred'
  if (result === PARKED) return 'parked'
  if (result === NO_REPLY) return 'no reply'
  if (result < 0) return errnoName(result)
  const entry = `node ${String(x.entry.nodeid)}`
  const open = `fh ${String(x.open.fh)} ${showFlags(x.open.openFlags, fopenNames)}`
  switch (row?.reply) {
    case 'entry':
      return `OK ${entry}`
    case 'open':
      return `OK ${open}`
    case 'create':
      return `OK ${entry}, ${open}`
    case 'count':
      return `OK ${String(x.reply.u32[4] ?? 0)}`
    case 'bytes':
    case 'direntplus':
      return `OK ${String(result)} bytes`
    case 'none':
    case 'empty':
    case 'attr':
    case 'init':
    case undefined:
      return 'OK'
  }
}

/** Log the answer to the request in `x`, and what became of it if it did not arrive. */
export function traceReply(
  log: Log,
  x: Exchange,
  row: Opcode | undefined,
  result: number,
  microseconds: number,
): void {
  const name = row?.name ?? 'unknown'
  const time = `${microseconds.toFixed(0)} µs`
  log('%s %s: %s, %s', showUnique(x), name, showOutcome(x, row, result), time)
}
