/**
 * The language of operation scripts: plain data, so that a script can be generated, shrunk, stored
 * as JSON and replayed. Paths are latin1 byte strings relative to the root that the script runs on;
 * `.` is the root itself.
 */

/** Who runs an operation; default is root. */
export interface Caller {
  readonly uid: number
  readonly gid: number
  readonly groups?: readonly number[]
}

/** Seconds since the epoch with fraction in nanoseconds, or one of utimensat's special values. */
export type Time = readonly [seconds: number, nanoseconds: number] | 'now' | 'omit'

export type NodeKind = 'file' | 'fifo' | 'socket' | 'char' | 'block'
export type RenameFlag = 'noreplace' | 'exchange' | 'whiteout'
export type XattrFlag = 'create' | 'replace'
export type FallocateMode = 'allocate' | 'keep-size' | 'punch-hole' | 'zero-range' | 'collapse'
export type OpenFlag =
  | 'read'
  | 'write'
  | 'read-write'
  | 'accmode3'
  | 'create'
  | 'exclusive'
  | 'truncate'
  | 'append'
  | 'directory'
  | 'nofollow'
  | 'path'
  | 'direct'
  | 'sync'
  | 'noatime'
  | 'nonblock'
  | 'tmpfile'

interface Named {
  readonly path: string
}

interface OnHandle {
  /** Name given to a descriptor by an `open` operation. */
  readonly handle: string
}

type Body =
  | ({ readonly op: 'create'; readonly mode?: number; readonly data?: string } & Named)
  | ({
      readonly op: 'write'
      readonly data: string
      readonly offset?: number
      readonly repeat?: number
    } & Named)
  | ({ readonly op: 'append'; readonly data: string } & Named)
  | ({ readonly op: 'truncate'; readonly size: number } & Named)
  | ({ readonly op: 'read'; readonly offset?: number; readonly size?: number } & Named)
  | ({ readonly op: 'unlink' | 'rmdir' | 'list' | 'readlink' | 'stat' | 'listxattr' } & Named)
  | ({ readonly op: 'statfs' | 'getflags' | 'holes' } & Named)
  | ({ readonly op: 'mkdir' | 'chmod'; readonly mode: number } & Named)
  | ({
      readonly op: 'mknod'
      readonly kind: NodeKind
      readonly mode: number
      readonly major?: number
      readonly minor?: number
    } & Named)
  | ({ readonly op: 'symlink'; readonly target: string } & Named)
  | { readonly op: 'link'; readonly from: string; readonly to: string }
  | {
      readonly op: 'rename'
      readonly from: string
      readonly to: string
      readonly flags?: readonly RenameFlag[]
    }
  | ({ readonly op: 'chown'; readonly uid: number; readonly gid: number } & Named)
  | ({ readonly op: 'utimens'; readonly atime: Time; readonly mtime: Time } & Named)
  | ({
      readonly op: 'setxattr'
      readonly name: string
      readonly value: string
      readonly flag?: XattrFlag
    } & Named)
  | ({ readonly op: 'removexattr' | 'getxattr'; readonly name: string } & Named)
  | ({ readonly op: 'access'; readonly mode: number } & Named)
  | ({ readonly op: 'setflags'; readonly flags: number } & Named)
  | ({
      readonly op: 'fallocate'
      readonly mode: FallocateMode
      readonly offset: number
      readonly size: number
    } & Named)
  | {
      readonly op: 'copy-range'
      readonly from: string
      readonly to: string
      readonly size: number
    }
  | { readonly op: 'clone'; readonly from: string; readonly to: string }
  | { readonly op: 'umask'; readonly mode: number }
  | ({
      readonly op: 'open'
      readonly as: string
      readonly flags: readonly OpenFlag[]
      readonly mode?: number
    } & Named)
  | ({ readonly op: 'close' | 'fstat' | 'fsync' | 'rewind' } & OnHandle)
  | ({ readonly op: 'fread'; readonly offset: number; readonly size: number } & OnHandle)
  | ({ readonly op: 'fwrite'; readonly offset: number; readonly data: string } & OnHandle)
  | ({ readonly op: 'ftruncate'; readonly size: number } & OnHandle)
  | ({ readonly op: 'fchmod'; readonly mode: number } & OnHandle)
  | ({ readonly op: 'fchown'; readonly uid: number; readonly gid: number } & OnHandle)
  | ({ readonly op: 'futimens'; readonly atime: Time; readonly mtime: Time } & OnHandle)
  | ({ readonly op: 'fsetxattr'; readonly name: string; readonly value: string } & OnHandle)
  | ({ readonly op: 'fgetxattr'; readonly name: string } & OnHandle)
  | ({
      readonly op: 'fallocate-handle'
      readonly mode: FallocateMode
      readonly offset: number
      readonly size: number
    } & OnHandle)
  | ({ readonly op: 'seek'; readonly whence: 'data' | 'hole'; readonly offset: number } & OnHandle)
  | ({ readonly op: 'flock'; readonly mode: 'shared' | 'exclusive' | 'unlock' } & OnHandle)
  | ({ readonly op: 'flist' } & OnHandle)
  | ({ readonly op: 'reopen'; readonly as: string; readonly flags: readonly OpenFlag[] } & OnHandle)
  | ({ readonly op: 'link-handle'; readonly to: string } & OnHandle)
  // What users see of times: note them, and say later which of the three differ.
  | ({ readonly op: 'note-times' | 'touched' } & Named)

/** One step of a script: what is done, by whom, and in which open directory (else the root). */
export type Operation = Body & { readonly by?: Caller; readonly at?: string }

/** The kinds of operation, for tables and counts. */
export type OperationKind = Operation['op']

/** Show an operation on one line, bytes escaped. */
export function describeOperation(operation: Operation): string {
  return JSON.stringify(operation).replace(/[\x7f-\xff]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
