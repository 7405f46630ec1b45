/**
 * Puts a FUSE connection on a directory: with mount(2) where we are privileged over the mount
 * namespace (root, or root of a user namespace), else through fusermount3. mount(2) returns before
 * the file system has answered anything: whoever touches the mount waits for the session.
 */
import { O_DIRECTORY, O_PATH } from '../../sys/constants.js'
import { EACCES, EPERM } from '../../sys/errno.js'
import { openFuseDevice } from '../../sys/fuse-device.js'
import {
  MS_REMOUNT,
  effectiveIds,
  mountAt,
  readMountInfo,
  realPath,
  unmountAt,
  writeReadahead,
} from '../../sys/mount.js'
import { close, openPath } from '../../sys/open.js'
import { openLog, showBytes } from '../../util/debug.js'
import { fusermountMount, fusermountUnmount } from './fusermount.js'
import {
  MountError,
  deviceError,
  mountCallError,
  mountpointError,
  remountError,
  unmountError,
} from './mount-error.js'
import { type MountInfo, findMount, parseMountInfo } from './mount-info.js'
import {
  type GenericOptions,
  type MountRequest,
  kernelOptions,
  mountFlags,
} from './mount-options.js'

/** A mounted device. */
export interface MountedDevice {
  /** The /dev/fuse descriptor: close-on-exec, the caller's to close. */
  readonly fd: number
  /** Who made the mount. */
  readonly method: 'mount' | 'fusermount3'
}

/** Kernel readahead is capped at this; the default of 128 KiB halves sequential reads. */
const READAHEAD_KIB = 1024

/**
 * Absolute path of a directory that can be mounted on.
 * @throws MountError naming the path and the remedy
 */
export function checkMountpoint(mountpoint: string): string {
  const fd = openPath(mountpoint, O_PATH | O_DIRECTORY)
  if (fd < 0) throw mountpointError(mountpoint, -fd)
  close(fd)
  return realPath(mountpoint) ?? mountpoint
}

/** @returns the device, or -errno of mount(2) */
function mountDirectly(request: MountRequest, fd: number): MountedDevice | number {
  const { uid, gid } = effectiveIds()
  const result = mountAt({
    source: request.source,
    target: request.mountpoint,
    type: `fuse.${request.subtype}`,
    flags: mountFlags(request),
    data: kernelOptions(request, fd, uid, gid),
  })
  return result < 0 ? result : { fd, method: 'mount' }
}

/**
 * Mount. The session must serve the descriptor before anybody's access to the mount returns.
 * @throws MountError naming the path and the remedy; nothing stays behind
 */
export function mountFuse(request: MountRequest): MountedDevice {
  const log = openLog('mount')
  const resolved = checkMountpoint(request.mountpoint)
  const fd = openFuseDevice()
  const isRoot = effectiveIds().uid === 0
  // Without the right to open the device the helper may still have it.
  if (fd < 0 && (isRoot || (fd !== -EACCES && fd !== -EPERM))) throw deviceError(-fd)
  if (fd >= 0) {
    const mounted = mountDirectly(request, fd)
    if (typeof mounted !== 'number') {
      log('%s mounted with mount(2)', showBytes(request.mountpoint))
      raiseReadahead(resolved)
      return mounted
    }
    close(fd)
    if (isRoot || mounted !== -EPERM) throw mountCallError(request.mountpoint, -mounted)
  }
  const helped = fusermountMount(request)
  log('%s mounted with fusermount3', showBytes(request.mountpoint))
  return { fd: helped, method: 'fusermount3' }
}

/**
 * Best effort: without the right to do it, large reads are slower. Does not touch the mount, which
 * nobody serves yet.
 */
function raiseReadahead(mountpoint: string): void {
  const log = openLog('mount')
  const mount = findMount(parseMountInfo(readMountInfo()), mountpoint)
  if (mount === null) return
  try {
    writeReadahead(mount.device, READAHEAD_KIB)
  } catch (error) {
    log('readahead of %s stays as it is: %s', mount.device, error)
  }
}

/** Absolute path of a mount point without asking the file system on it: it may not answer. */
function resolveMountpoint(mountpoint: string): string | null {
  const trimmed = mountpoint.replace(/\/+$/, '')
  const slash = trimmed.lastIndexOf('/')
  const name = trimmed.slice(slash + 1)
  if (name === '' || name === '.' || name === '..') return realPath(mountpoint)
  const parent = realPath(slash < 0 ? '.' : trimmed.slice(0, slash + 1))
  if (parent === null) return null
  return parent === '/' ? `/${name}` : `${parent}/${name}`
}

/**
 * The mount that lies on a directory, or null. A last component that is a symlink is followed.
 * Does not touch the file system mounted there.
 */
export function mountOn(mountpoint: string): MountInfo | null {
  const mounts = parseMountInfo(readMountInfo())
  const direct = resolveMountpoint(mountpoint)
  const found = direct === null ? null : findMount(mounts, direct)
  if (found !== null) return found
  const followed = realPath(mountpoint)
  return followed === null ? null : findMount(mounts, followed)
}

/**
 * Give a mount other flags. Only root may: fusermount3 cannot.
 * @param target as mountinfo shows it
 * @throws MountError EPERM, EBUSY when files are open for writing that ro would lose
 */
export function remountFuse(target: string, options: GenericOptions): void {
  const flags = MS_REMOUNT | mountFlags(options)
  const result = mountAt({ source: 'none', target, type: 'fuse', flags, data: '' })
  if (result < 0) throw remountError(target, -result)
}

/**
 * Unmount, by ourselves or through fusermount3.
 * @throws MountError EBUSY in use, EINVAL not a mount point, EPERM not ours
 */
export function unmount(mountpoint: string, options: { readonly lazy?: boolean } = {}): void {
  const how = options.lazy === true ? 'lazy' : 'now'
  const target = mountOn(mountpoint)?.mountpoint ?? mountpoint
  const result = unmountAt(target, how)
  if (result === 0) return
  if (result !== -EPERM) throw unmountError(mountpoint, -result)
  const refused = fusermountUnmount(target, how)
  if (refused === null) return
  throw new MountError(EPERM, `${unmountError(mountpoint, EPERM).message} (${refused})`)
}
