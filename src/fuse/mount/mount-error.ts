/** Failures of mounting and unmounting, told to a person: what, on which path, and the remedy. */
import {
  EACCES,
  EBUSY,
  EINVAL,
  ENODEV,
  ENOENT,
  ENOTCONN,
  ENOTDIR,
  ENXIO,
  EPERM,
  errnoName,
} from '../../sys/errno.js'
import { FUSE_DEVICE } from '../../sys/fuse-device.js'
import { showBytes } from '../../util/debug.js'

/** One line for stderr, and the errno behind it. */
export class MountError extends Error {
  override readonly name = 'MountError'
  /** Positive errno. */
  readonly errno: number

  constructor(errno: number, message: string) {
    super(message)
    this.errno = errno
  }
}

/** Mounting takes a set-uid helper here, and there is none. */
export class HelperMissing extends MountError {}

/** The device could not be opened. @param errno positive */
export function deviceError(errno: number): MountError {
  switch (errno) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return new MountError(
        errno,
        `${FUSE_DEVICE}: not available (${errnoName(errno)}); load the module with "modprobe fuse", in a container add --device ${FUSE_DEVICE}`,
      )
    case EACCES:
    case EPERM:
      return new MountError(
        errno,
        `${FUSE_DEVICE}: permission denied; run as root, in a container add --device ${FUSE_DEVICE}, or install fusermount3 (package fuse3)`,
      )
    default:
      return new MountError(errno, `${FUSE_DEVICE}: cannot be opened: ${errnoName(errno)}`)
  }
}

/** The mount point cannot be one. @param errno positive */
export function mountpointError(mountpoint: string, errno: number): MountError {
  const path = showBytes(mountpoint)
  switch (errno) {
    case ENOENT:
      return new MountError(errno, `${path}: no such directory; create the mount point first`)
    case ENOTDIR:
      return new MountError(errno, `${path}: not a directory; a mount point must be one`)
    case ENOTCONN:
      return new MountError(
        errno,
        `${path}: a dead FUSE mount is in the way; remove it with "umount -l ${path}"`,
      )
    case EACCES:
      return new MountError(errno, `${path}: permission denied; the path must be searchable`)
    default:
      return new MountError(errno, `${path}: not usable as a mount point: ${errnoName(errno)}`)
  }
}

/** mount(2) refused. @param errno positive */
export function mountCallError(mountpoint: string, errno: number): MountError {
  const path = showBytes(mountpoint)
  switch (errno) {
    case EPERM:
    case EACCES:
      return new MountError(
        errno,
        `${path}: not permitted to mount; run as root, inside "unshare -Urm", in a container with --cap-add SYS_ADMIN, or install fusermount3 (package fuse3)`,
      )
    case ENODEV:
      return new MountError(
        errno,
        `${path}: the kernel has no FUSE; load the module with "modprobe fuse"`,
      )
    case EINVAL:
      return new MountError(
        errno,
        `${path}: the kernel refused the mount options; see "dmesg | tail"`,
      )
    case EBUSY:
      return new MountError(errno, `${path}: in use; choose another mount point`)
    default:
      return mountpointError(mountpoint, errno)
  }
}

/** Changing the flags of a mount failed. @param errno positive */
export function remountError(mountpoint: string, errno: number): MountError {
  const path = showBytes(mountpoint)
  switch (errno) {
    case EBUSY:
      return new MountError(errno, `${path}: files are open for writing; see "fuser -vm ${path}"`)
    case EPERM:
      return new MountError(errno, `${path}: not permitted to remount; run as root`)
    default:
      return new MountError(errno, `${path}: cannot be remounted: ${errnoName(errno)}`)
  }
}

/** Unmounting failed. @param errno positive */
export function unmountError(mountpoint: string, errno: number): MountError {
  const path = showBytes(mountpoint)
  switch (errno) {
    case EBUSY:
      return new MountError(
        errno,
        `${path}: in use; see "fuser -vm ${path}", or detach it lazily (--lazy)`,
      )
    case EINVAL:
      return new MountError(errno, `${path}: not a mount point`)
    case ENOENT:
      return new MountError(errno, `${path}: no such file or directory`)
    case EPERM:
      return new MountError(
        errno,
        `${path}: not permitted to unmount; run as the user who mounted it, or as root`,
      )
    default:
      return new MountError(errno, `${path}: cannot be unmounted: ${errnoName(errno)}`)
  }
}
