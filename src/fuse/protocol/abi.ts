/**
 * Layout of the FUSE messages of linux/fuse.h: sizes, and byte offsets counted from the start of
 * each structure. Integers have the machine's own byte order; every structure is 8-byte aligned
 * within a message. Names of offsets are the kernel's field names.
 */

export const FUSE_KERNEL_VERSION = 7
/** Newest protocol minor spoken here (Linux 6.18). */
export const FUSE_KERNEL_MINOR_VERSION = 45
/** Oldest protocol minor accepted (Linux 5.4). */
export const FUSE_OLDEST_MINOR_VERSION = 31
export const FUSE_ROOT_ID = 1

/** The kernel refuses to hand out requests to a reader with less room than this. */
export const FUSE_MIN_READ_BUFFER = 8192
/** Room a request needs beside WRITE data: headers, names, alignment. */
export const REQUEST_OVERHEAD = 8192
/** Errors in replies must lie in -511..0. @mirrors fs/fuse/dev.c:fuse_dev_do_write() */
export const MAX_REPLY_ERRNO = 511
/** Longest symlink target the kernel takes. */
export const MAX_LINK_LENGTH = 4095

/** struct fuse_in_header. */
export const IN_HEADER_SIZE = 40
export const IN_HEADER = {
  len: 0,
  opcode: 4,
  unique: 8,
  nodeid: 16,
  uid: 24,
  gid: 28,
  pid: 32,
  total_extlen: 36,
} as const

/** struct fuse_out_header. */
export const OUT_HEADER_SIZE = 16
export const OUT_HEADER = { len: 0, error: 4, unique: 8 } as const

/** struct fuse_attr. */
export const ATTR_SIZE = 88
export const ATTR = {
  ino: 0,
  size: 8,
  blocks: 16,
  atime: 24,
  mtime: 32,
  ctime: 40,
  atimensec: 48,
  mtimensec: 52,
  ctimensec: 56,
  mode: 60,
  nlink: 64,
  uid: 68,
  gid: 72,
  rdev: 76,
  blksize: 80,
  flags: 84,
} as const

/** struct fuse_entry_out. */
export const ENTRY_OUT_SIZE = 128
export const ENTRY_OUT = {
  nodeid: 0,
  generation: 8,
  entry_valid: 16,
  attr_valid: 24,
  entry_valid_nsec: 32,
  attr_valid_nsec: 36,
  attr: 40,
} as const

/** struct fuse_attr_out. */
export const ATTR_OUT_SIZE = 104
export const ATTR_OUT = { attr_valid: 0, attr_valid_nsec: 8, attr: 16 } as const

/** struct fuse_open_out. */
export const OPEN_OUT_SIZE = 16
export const OPEN_OUT = { fh: 0, open_flags: 8, backing_id: 12 } as const

/** struct fuse_statfs_out. */
export const STATFS_OUT_SIZE = 80
export const STATFS_OUT = {
  blocks: 0,
  bfree: 8,
  bavail: 16,
  files: 24,
  ffree: 32,
  bsize: 40,
  namelen: 44,
  frsize: 48,
} as const

/** struct fuse_dirent: the name follows, the record is padded to 8. */
export const DIRENT_SIZE = 24
export const DIRENT = { ino: 0, off: 8, namelen: 16, type: 20, name: 24 } as const
/** struct fuse_direntplus: entry, then dirent. */
export const DIRENTPLUS_SIZE = ENTRY_OUT_SIZE + DIRENT_SIZE

/** struct fuse_statx_out and the struct fuse_statx in it (the layout of statx(2)). */
export const STATX_OUT_SIZE = 288
export const STATX_OUT = { attr_valid: 0, attr_valid_nsec: 8, flags: 12, stat: 32 } as const
export const STATX = {
  mask: 0,
  blksize: 4,
  nlink: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  ino: 32,
  size: 40,
  blocks: 48,
  atime: 64,
  btime: 80,
  ctime: 96,
  mtime: 112,
  rdev_major: 128,
  rdev_minor: 132,
} as const
export const STATX_BASIC_STATS = 0x7ff
export const STATX_BTIME = 0x800

/** struct fuse_init_in; kernels before 7.36 end after `flags`. */
export const INIT_IN = { major: 0, minor: 4, max_readahead: 8, flags: 12, flags2: 16 } as const
/** struct fuse_init_out. */
export const INIT_OUT_SIZE = 64
export const INIT_OUT = {
  major: 0,
  minor: 4,
  max_readahead: 8,
  flags: 12,
  max_background: 16,
  congestion_threshold: 18,
  max_write: 20,
  time_gran: 24,
  max_pages: 28,
  map_alignment: 30,
  flags2: 32,
  max_stack_depth: 36,
} as const

export const GETATTR_IN = { getattr_flags: 0, fh: 8 } as const
export const SETATTR_IN = {
  valid: 0,
  fh: 8,
  size: 16,
  lock_owner: 24,
  atime: 32,
  mtime: 40,
  ctime: 48,
  atimensec: 56,
  mtimensec: 60,
  ctimensec: 64,
  mode: 68,
  uid: 76,
  gid: 80,
} as const
export const MKNOD_IN = { mode: 0, rdev: 4, umask: 8, name: 16 } as const
export const MKDIR_IN = { mode: 0, umask: 4, name: 8 } as const
export const RENAME_IN = { newdir: 0, name: 8 } as const
export const RENAME2_IN = { newdir: 0, flags: 8, name: 16 } as const
export const LINK_IN = { oldnodeid: 0, name: 8 } as const
export const OPEN_IN = { flags: 0, open_flags: 4 } as const
export const CREATE_IN = { flags: 0, mode: 4, umask: 8, open_flags: 12, name: 16 } as const
export const READ_IN = { fh: 0, offset: 8, size: 16, read_flags: 20, flags: 32 } as const
export const WRITE_IN = {
  fh: 0,
  offset: 8,
  size: 16,
  write_flags: 20,
  flags: 32,
  data: 40,
} as const
export const RELEASE_IN = { fh: 0, flags: 8, release_flags: 12 } as const
export const FLUSH_IN = { fh: 0 } as const
export const FSYNC_IN = { fh: 0, fsync_flags: 8 } as const
/** The first 8 bytes are all there is without FUSE_SETXATTR_EXT. */
export const SETXATTR_IN = { size: 0, flags: 4, setxattr_flags: 8 } as const
export const SETXATTR_IN_SIZE = 16
export const COMPAT_SETXATTR_IN_SIZE = 8
export const GETXATTR_IN = { size: 0, name: 8 } as const
export const GETXATTR_OUT_SIZE = 8
export const IOCTL_IN = {
  fh: 0,
  flags: 8,
  cmd: 12,
  arg: 16,
  in_size: 24,
  out_size: 28,
  data: 32,
} as const
export const IOCTL_OUT_SIZE = 16
export const FALLOCATE_IN = { fh: 0, offset: 8, length: 16, mode: 24 } as const
export const LSEEK_IN = { fh: 0, offset: 8, whence: 16 } as const
export const LSEEK_OUT_SIZE = 8
export const COPY_FILE_RANGE_IN = {
  fh_in: 0,
  off_in: 8,
  nodeid_out: 16,
  fh_out: 24,
  off_out: 32,
  len: 40,
  flags: 48,
} as const
export const STATX_IN = { getattr_flags: 0, fh: 8, sx_flags: 16, sx_mask: 20 } as const
export const WRITE_OUT_SIZE = 8
export const FORGET_IN = { nlookup: 0 } as const
export const BATCH_FORGET_IN = { count: 0, items: 8 } as const
export const FORGET_ONE_SIZE = 16
export const INTERRUPT_IN = { unique: 0 } as const
