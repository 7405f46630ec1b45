/** Bits of `valid` in SETATTR. @mirrors linux/fuse.h "Bitmasks for fuse_setattr_in.valid" */
import type { FlagNames } from './flag-names.js'

export const FATTR_MODE = 0x1
export const FATTR_UID = 0x2
export const FATTR_GID = 0x4
export const FATTR_SIZE = 0x8
export const FATTR_ATIME = 0x10
export const FATTR_MTIME = 0x20
/** `fh` is valid: the caller has the file open. */
export const FATTR_FH = 0x40
/** Set to the time of our clock; the given time does not count. */
export const FATTR_ATIME_NOW = 0x80
export const FATTR_MTIME_NOW = 0x100
export const FATTR_LOCKOWNER = 0x200
export const FATTR_CTIME = 0x400
/** Strip set-user-id, and set-group-id where the group may execute. */
export const FATTR_KILL_SUIDGID = 0x800

/** SETATTR valid bits by name. */
export const fattrNames: FlagNames = [
  [FATTR_MODE, 'MODE'],
  [FATTR_UID, 'UID'],
  [FATTR_GID, 'GID'],
  [FATTR_SIZE, 'SIZE'],
  [FATTR_ATIME, 'ATIME'],
  [FATTR_MTIME, 'MTIME'],
  [FATTR_FH, 'FH'],
  [FATTR_ATIME_NOW, 'ATIME_NOW'],
  [FATTR_MTIME_NOW, 'MTIME_NOW'],
  [FATTR_LOCKOWNER, 'LOCKOWNER'],
  [FATTR_CTIME, 'CTIME'],
  [FATTR_KILL_SUIDGID, 'KILL_SUIDGID'],
]
