/**
 * Every FUSE operation the kernel may send, one row each. Dispatch, size checks, the handling of
 * lost replies and debug printing all read this table.
 * @mirrors linux/fuse.h:enum fuse_opcode
 */

/** What a successful reply carries; `none` means that no reply is ever written. */
export type ReplyKind =
  | 'none'
  | 'empty'
  | 'entry'
  | 'attr'
  | 'open'
  | 'create'
  | 'count'
  | 'bytes'
  | 'direntplus'
  | 'init'

/** One row of the table. */
export interface Opcode {
  readonly code: number
  readonly name: OpName
  /** Bytes the body has at least, names not counted. */
  readonly minBody: number
  /** NUL-terminated strings at the end of the fixed part. */
  readonly names: number
  readonly reply: ReplyKind
  /** The file system may answer ENOSYS, which the kernel remembers for the whole connection. */
  readonly enosys: boolean
}

type Row = readonly [
  code: number,
  minBody: number,
  names: number,
  reply: ReplyKind,
  enosys?: 'enosys',
]

const rows = {
  LOOKUP: [1, 0, 1, 'entry'],
  FORGET: [2, 8, 0, 'none'],
  GETATTR: [3, 16, 0, 'attr'],
  SETATTR: [4, 88, 0, 'attr'],
  READLINK: [5, 0, 0, 'bytes'],
  SYMLINK: [6, 0, 2, 'entry'],
  MKNOD: [8, 16, 1, 'entry'],
  MKDIR: [9, 8, 1, 'entry'],
  UNLINK: [10, 0, 1, 'empty'],
  RMDIR: [11, 0, 1, 'empty'],
  RENAME: [12, 8, 2, 'empty'],
  LINK: [13, 8, 1, 'entry'],
  OPEN: [14, 8, 0, 'open'],
  READ: [15, 40, 0, 'bytes'],
  WRITE: [16, 40, 0, 'count'],
  STATFS: [17, 0, 0, 'bytes'],
  RELEASE: [18, 24, 0, 'empty'],
  FSYNC: [20, 16, 0, 'empty', 'enosys'],
  SETXATTR: [21, 8, 1, 'empty', 'enosys'],
  GETXATTR: [22, 8, 1, 'bytes', 'enosys'],
  LISTXATTR: [23, 8, 0, 'bytes', 'enosys'],
  REMOVEXATTR: [24, 0, 1, 'empty', 'enosys'],
  FLUSH: [25, 24, 0, 'empty', 'enosys'],
  INIT: [26, 8, 0, 'init'],
  OPENDIR: [27, 8, 0, 'open', 'enosys'],
  READDIR: [28, 40, 0, 'bytes'],
  RELEASEDIR: [29, 24, 0, 'empty'],
  FSYNCDIR: [30, 16, 0, 'empty', 'enosys'],
  GETLK: [31, 48, 0, 'bytes', 'enosys'],
  SETLK: [32, 48, 0, 'empty', 'enosys'],
  SETLKW: [33, 48, 0, 'empty', 'enosys'],
  ACCESS: [34, 8, 0, 'empty', 'enosys'],
  CREATE: [35, 16, 1, 'create'],
  INTERRUPT: [36, 8, 0, 'none'],
  BMAP: [37, 16, 0, 'bytes', 'enosys'],
  DESTROY: [38, 0, 0, 'empty'],
  IOCTL: [39, 32, 0, 'bytes'],
  POLL: [40, 24, 0, 'bytes', 'enosys'],
  BATCH_FORGET: [42, 8, 0, 'none'],
  FALLOCATE: [43, 32, 0, 'empty'],
  READDIRPLUS: [44, 40, 0, 'direntplus'],
  RENAME2: [45, 16, 2, 'empty'],
  LSEEK: [46, 24, 0, 'bytes'],
  COPY_FILE_RANGE: [47, 56, 0, 'count', 'enosys'],
  SETUPMAPPING: [48, 40, 0, 'empty', 'enosys'],
  REMOVEMAPPING: [49, 8, 0, 'empty', 'enosys'],
  SYNCFS: [50, 8, 0, 'empty', 'enosys'],
  TMPFILE: [51, 16, 0, 'create', 'enosys'],
  STATX: [52, 24, 0, 'bytes'],
  COPY_FILE_RANGE_64: [53, 56, 0, 'count', 'enosys'],
} as const satisfies Record<string, Row>

/** Name of an operation, the kernel's without `FUSE_`. */
export type OpName = keyof typeof rows

/** The table, in the order of the numbers. */
export const opcodes: readonly Opcode[] = Object.entries<Row>(rows).map(
  ([name, [code, minBody, names, reply, enosys]]) => ({
    code,
    // Object.entries widens the keys to string; they are exactly OpName.
    name: name as OpName,
    minBody,
    names,
    reply,
    enosys: enosys !== undefined,
  }),
)

const byCode: (Opcode | undefined)[] = []
for (const opcode of opcodes) byCode[opcode.code] = opcode

/** Row of an operation; undefined when the number is unknown (also the 2^20 of CUSE). */
export function opcodeOf(code: number): Opcode | undefined {
  return code < byCode.length ? byCode[code] : undefined
}

/** Number of an operation. */
export function codeOf(name: OpName): number {
  return rows[name][0]
}

export const FUSE_INIT = rows.INIT[0]
