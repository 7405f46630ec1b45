/**
 * Kernel constants that Node does not name, with the kernel's spelling. Values are those of
 * linux/fcntl.h, linux/stat.h, linux/fs.h and linux/mount.h; where architectures differ, Node's own
 * constant is used.
 */
import { constants } from 'node:fs'

export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_RDWR = 2
export const O_ACCMODE = 3
export const O_CREAT = constants.O_CREAT
export const O_EXCL = constants.O_EXCL
export const O_TRUNC = constants.O_TRUNC
export const O_APPEND = constants.O_APPEND
export const O_NONBLOCK = constants.O_NONBLOCK
export const O_DIRECTORY = constants.O_DIRECTORY
export const O_NOFOLLOW = constants.O_NOFOLLOW
export const O_DIRECT = constants.O_DIRECT
export const O_NOATIME = constants.O_NOATIME
export const O_SYNC = constants.O_SYNC
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000
export const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_REMOVEDIR = 0x200
export const AT_SYMLINK_FOLLOW = 0x400
export const AT_EMPTY_PATH = 0x1000

export const S_IFMT = 0o170000
export const S_IFSOCK = 0o140000
export const S_IFLNK = 0o120000
export const S_IFREG = 0o100000
export const S_IFBLK = 0o060000
export const S_IFDIR = 0o040000
export const S_IFCHR = 0o020000
export const S_IFIFO = 0o010000
export const S_ISUID = 0o4000
export const S_ISGID = 0o2000
export const S_ISVTX = 0o1000
export const S_IXGRP = 0o010

export const DT_UNKNOWN = 0
export const DT_DIR = 4
export const DT_CHR = 2
export const DT_REG = 8

export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2
export const RENAME_WHITEOUT = 4

export const XATTR_CREATE = 1
export const XATTR_REPLACE = 2

export const SEEK_SET = 0
export const SEEK_DATA = 3
export const SEEK_HOLE = 4

export const UTIME_NOW = 0x3fffffff
export const UTIME_OMIT = 0x3ffffffe

export const FICLONE = 0x40049409
export const FS_IOC_GETFLAGS = 0x80086601
export const FS_IOC_SETFLAGS = 0x40086602
export const FS_IOC_FSGETXATTR = 0x801c581f
export const FS_IOC_FSSETXATTR = 0x401c5820
export const FS_IOC_GETFSUUID = 0x80111500
export const FS_APPEND_FL = 0x20
export const FS_IMMUTABLE_FL = 0x10

/** sync_file_range(2): begin writeout. */
export const SYNC_FILE_RANGE_WRITE = 2
