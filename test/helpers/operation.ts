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
  | SpecialOperation
  // What users see of times: note them, and say later which of the three differ.
  | ({ readonly op: 'note-times' | 'touched' } & Named)

/** Mappings, locks, programs, watches and directory positions: what needs more than one call. */
export type SpecialOperation =
  | ({
      readonly op: 'map'
      readonly as: string
      readonly sharing: 'shared' | 'private'
      readonly access: 'read' | 'write'
      readonly size: number
    } & OnHandle)
  | ({ readonly op: 'map-read'; readonly offset: number; readonly size: number } & OnMapping)
  | ({ readonly op: 'map-write'; readonly offset: number; readonly data: string } & OnMapping)
  | ({ readonly op: 'map-sync' | 'unmap' } & OnMapping)
  | ({
      readonly op: 'lock'
      readonly kind: 'posix' | 'description'
      readonly mode: 'shared' | 'exclusive' | 'unlock' | 'test'
      readonly offset?: number
      readonly size?: number
    } & OnHandle)
  /** Copy a program of the machine into a layer. */
  | ({ readonly op: 'install'; readonly program: string } & Named)
  /** Run to the end; shows exit status and output. */
  | ({ readonly op: 'execute'; readonly arguments?: readonly string[] } & Named)
  /** Run in the background until `stop` or the script's end. */
  | ({ readonly op: 'start'; readonly as: string; readonly arguments?: readonly string[] } & Named)
  | { readonly op: 'stop'; readonly program: string }
  | ({ readonly op: 'watch'; readonly as: string; readonly mask: number } & Named)
  | { readonly op: 'events'; readonly watch: string }
  /** Access, change and birth time, as old or new. */
  | ({ readonly op: 'times' } & Named)
  /** Inode numbers of `.` and `..` in the listing, against those of stat. */
  | ({ readonly op: 'dots' } & Named)
  /** Read a directory in small pieces, deleting what each shows. */
  | ({ readonly op: 'sweep'; readonly size: number } & Named)
  /** Whether every position of a directory leads to the entries after it, also after deletions. */
  | ({ readonly op: 'positions'; readonly delete?: readonly string[] } & Named)
  /** Read the first entries only; `list-rest` shows all names seen from then on. */
  | ({ readonly op: 'list-some' | 'list-rest' } & OnHandle)
  | ({ readonly op: 'lseek'; readonly offset: number; readonly whence: number } & OnHandle)
  | ({ readonly op: 'ioctl'; readonly request: number; readonly argument?: string } & Named)
  | ({ readonly op: 'file-handle'; readonly flags: number } & Named)
  | ({ readonly op: 'syncfs' } & OnHandle)
  | { readonly op: 'dedupe'; readonly from: string; readonly to: string; readonly size: number }

interface OnMapping {
  /** Name given to a mapping by a `map` operation. */
  readonly mapping: string
}

/** One step of a script: what is done, by whom, in which open directory (else the root), and where. */
export type Operation = Body & {
  readonly by?: Caller
  readonly at?: string
  readonly in?: 'other process'
}

/** The kinds of operation, for tables and counts. */
export type OperationKind = Operation['op']

/** Show an operation on one line, bytes escaped. */
export function describeOperation(operation: Operation): string {
  return JSON.stringify(operation).replace(/[\x7f-\xff]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
