/** Flag words inside requests: OPEN, WRITE, GETATTR, FSYNC, SETXATTR. @mirrors linux/fuse.h */
import type { FlagNames } from './flag-names.js'

/** GETATTR and STATX: `fh` is valid. */
export const FUSE_GETATTR_FH = 1
/** OPEN and CREATE: strip set-user-id and set-group-id. */
export const FUSE_OPEN_KILL_SUIDGID = 1
/** WRITE from the page cache: `fh` is a guess. */
export const FUSE_WRITE_CACHE = 1
export const FUSE_WRITE_LOCKOWNER = 2
/** WRITE: strip set-user-id and set-group-id. */
export const FUSE_WRITE_KILL_SUIDGID = 4
/** FSYNC: data only. */
export const FUSE_FSYNC_FDATASYNC = 1
/** SETXATTR of an ACL: strip set-group-id. */
export const FUSE_SETXATTR_ACL_KILL_SGID = 1

/** WRITE flags by name. */
export const writeNames: FlagNames = [
  [FUSE_WRITE_CACHE, 'CACHE'],
  [FUSE_WRITE_LOCKOWNER, 'LOCKOWNER'],
  [FUSE_WRITE_KILL_SUIDGID, 'KILL_SUIDGID'],
]

/** OPEN flags of the protocol by name. */
export const openFlagNames: FlagNames = [[FUSE_OPEN_KILL_SUIDGID, 'KILL_SUIDGID']]

/** rename(2) flags. */
export const renameNames: FlagNames = [
  [1, 'NOREPLACE'],
  [2, 'EXCHANGE'],
  [4, 'WHITEOUT'],
]

/** fallocate(2) modes. */
export const fallocateNames: FlagNames = [
  [1, 'KEEP_SIZE'],
  [2, 'PUNCH_HOLE'],
  [16, 'ZERO_RANGE'],
]

/** setxattr(2) flags. */
export const setxattrNames: FlagNames = [
  [1, 'CREATE'],
  [2, 'REPLACE'],
]

/** open(2) flags with the same value on every architecture; the access mode is not among them. */
export const oFlagNames: FlagNames = [
  [0o100, 'O_CREAT'],
  [0o200, 'O_EXCL'],
  [0o400, 'O_NOCTTY'],
  [0o1000, 'O_TRUNC'],
  [0o2000, 'O_APPEND'],
  [0o4000, 'O_NONBLOCK'],
  [0o10000, 'O_DSYNC'],
  [0o1000000, 'O_NOATIME'],
  [0o2000000, 'O_CLOEXEC'],
]
