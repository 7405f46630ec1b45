/**
 * FUSE_INIT capabilities: what we ask for, what we refuse, and why. Bits from 32 on travel in
 * `flags2`. A bit in neither list is unknown here and therefore refused.
 * @mirrors linux/fuse.h "INIT request/reply flags"
 */

export const FUSE_POSIX_ACL = 20
export const FUSE_MAX_PAGES = 22
export const FUSE_HANDLE_KILLPRIV_V2 = 28
export const FUSE_SETXATTR_EXT = 29
export const FUSE_INIT_EXT = 30
export const FUSE_PASSTHROUGH = 37
export const FUSE_HAS_RESEND = 39

/** One capability with the reason for its treatment. */
export interface InitFlag {
  readonly bit: number
  readonly name: string
  readonly reason: string
  /** Accepted only if the session was asked for it. */
  readonly when?: 'posixAcl' | 'passthrough'
}

/** Asked for wherever the kernel offers it. */
export const acceptedInitFlags: readonly InitFlag[] = [
  { bit: 0, name: 'ASYNC_READ', reason: 'parallel readahead for files without passthrough' },
  {
    bit: 3,
    name: 'ATOMIC_O_TRUNC',
    reason: 'saves a SETATTR and tells OPEN that the data is doomed: copy up metadata only',
  },
  { bit: 5, name: 'BIG_WRITES', reason: 'without it every request writes one page' },
  {
    bit: 6,
    name: 'DONT_MASK',
    reason: 'mode arrives unmasked, umask beside it: needed for default ACLs',
  },
  {
    bit: 13,
    name: 'DO_READDIRPLUS',
    reason: 'a walk that stats every entry needs no LOOKUP per entry',
  },
  { bit: 15, name: 'ASYNC_DIO', reason: 'O_DIRECT on files without passthrough' },
  { bit: 18, name: 'PARALLEL_DIROPS', reason: 'else the kernel serialises lookups per directory' },
  {
    bit: FUSE_POSIX_ACL,
    name: 'POSIX_ACL',
    reason: 'the kernel enforces the ACLs of the layers, as overlayfs does',
    when: 'posixAcl',
  },
  { bit: 21, name: 'ABORT_ERROR', reason: 'tells an aborted connection from an unmount' },
  { bit: FUSE_MAX_PAGES, name: 'MAX_PAGES', reason: 'requests of 1 MiB instead of 128 KiB' },
  { bit: 23, name: 'CACHE_SYMLINKS', reason: 'targets never change in place' },
  { bit: 24, name: 'NO_OPENDIR_SUPPORT', reason: 'OPENDIR is answered ENOSYS' },
  {
    bit: 25,
    name: 'EXPLICIT_INVAL_DATA',
    reason: 'pages are dropped when we say so, not when attributes move',
  },
  {
    bit: FUSE_HANDLE_KILLPRIV_V2,
    name: 'HANDLE_KILLPRIV_V2',
    reason: 'one security.capability lookup per attribute refresh instead of one per write',
  },
  {
    bit: FUSE_SETXATTR_EXT,
    name: 'SETXATTR_EXT',
    reason: 'tells when setting an ACL must clear SGID',
  },
  { bit: FUSE_INIT_EXT, name: 'INIT_EXT', reason: 'opens bits 32 and up' },
  {
    bit: 35,
    name: 'HAS_EXPIRE_ONLY',
    reason: 'informational: INVAL_ENTRY may expire instead of invalidate',
  },
  {
    bit: 36,
    name: 'DIRECT_IO_ALLOW_MMAP',
    reason: 'keeps a file opened with DIRECT_IO mappable',
  },
  {
    bit: FUSE_PASSTHROUGH,
    name: 'PASSTHROUGH',
    reason: 'file data at native speed, its pages shared between mounts',
    when: 'passthrough',
  },
  {
    bit: 38,
    name: 'NO_EXPORT_SUPPORT',
    reason: 'file handles cannot be decoded, as on overlayfs without nfs_export',
  },
  {
    bit: FUSE_HAS_RESEND,
    name: 'HAS_RESEND',
    reason: 'a successor of a crashed daemon can have unanswered requests sent again',
  },
]

/** Known and left alone. */
export const refusedInitFlags: readonly InitFlag[] = [
  { bit: 1, name: 'POSIX_LOCKS', reason: 'locks kept by the kernel are right for one host' },
  { bit: 2, name: 'FILE_OPS', reason: 'no meaning in current kernels' },
  {
    bit: 4,
    name: 'EXPORT_SUPPORT',
    reason: 'would require LOOKUP of "." and ".." on forgotten nodes',
  },
  { bit: 7, name: 'SPLICE_WRITE', reason: 'informational; we read and write, never splice' },
  { bit: 8, name: 'SPLICE_MOVE', reason: 'as SPLICE_WRITE' },
  { bit: 9, name: 'SPLICE_READ', reason: 'as SPLICE_WRITE' },
  { bit: 10, name: 'FLOCK_LOCKS', reason: 'as POSIX_LOCKS' },
  { bit: 11, name: 'HAS_IOCTL_DIR', reason: 'informational; directory ioctls arrive without it' },
  {
    bit: 12,
    name: 'AUTO_INVAL_DATA',
    reason: 'would drop the page cache after our own writes',
  },
  {
    bit: 14,
    name: 'READDIRPLUS_AUTO',
    reason: 'guesses wrong for programs that list first and stat afterwards',
  },
  {
    bit: 16,
    name: 'WRITEBACK_CACHE',
    reason: 'excludes PASSTHROUGH, and makes the kernel the owner of size and mtime',
  },
  {
    bit: 17,
    name: 'NO_OPEN_SUPPORT',
    reason: 'OPEN is where copy-up and passthrough happen',
  },
  { bit: 19, name: 'HANDLE_KILLPRIV', reason: 'superseded by HANDLE_KILLPRIV_V2' },
  { bit: 26, name: 'MAP_ALIGNMENT', reason: 'virtiofs DAX only' },
  { bit: 27, name: 'SUBMOUNTS', reason: 'sub-mounts of layers stay invisible, as in overlayfs' },
  { bit: 31, name: 'INIT_RESERVED', reason: 'must stay clear' },
  {
    bit: 32,
    name: 'SECURITY_CTX',
    reason: 'we keep no labels of our own; the layers do',
  },
  { bit: 33, name: 'HAS_INODE_DAX', reason: 'virtiofs DAX only' },
  {
    bit: 34,
    name: 'CREATE_SUPP_GROUP',
    reason: 'setgid decisions are left to the upper file system',
  },
  { bit: 40, name: 'ALLOW_IDMAP', reason: 'callers would be known in create requests only' },
  { bit: 41, name: 'OVER_IO_URING', reason: 'needs one thread per CPU; our state has one' },
  {
    bit: 42,
    name: 'REQUEST_TIMEOUT',
    reason: 'a long copy-up would abort the whole mount',
  },
]

/** Names of all capabilities by bit, for logs. */
export const initFlagNames: ReadonlyMap<number, string> = new Map(
  [...acceptedInitFlags, ...refusedInitFlags].map(({ bit, name }) => [bit, name]),
)

/** Whether a capability is among the negotiated flags. */
export function hasInitFlag(flags: number, flags2: number, bit: number): boolean {
  return bit < 32 ? ((flags >>> bit) & 1) === 1 : ((flags2 >>> (bit - 32)) & 1) === 1
}
