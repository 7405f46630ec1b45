/**
 * Making objects whose owner, mode and type are kept in an xattr (override-stat.ts): real ones that
 * belong to the daemon, complete before they get their name.
 */
import type { RequestContext } from '../fuse/raw-filesystem.js'
import {
  O_CREAT,
  O_EXCL,
  O_RDWR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
} from '../sys/constants.js'
import { ESTALE } from '../sys/errno.js'
import { close, openAt } from '../sys/open.js'
import { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import type { Layer } from './layer.js'
import type { DirNode } from './node.js'
import { creatorId } from './ownership.js'
import { statShown, storeOverride, tryChown } from './override-stat.js'

const ENCODED = 'user.containers.override_'
const SECURITY = 'security.'
const ACL_PREFIX = 'system.posix_acl_'
const XATTR_NAME_MAX = 255

/** Make the empty regular file that stands for a device, fifo or socket. Returns 0 or -errno. */
export function makeStandIn(dirfd: number, name: string): number {
  const fd = openAt(dirfd, name, O_CREAT | O_EXCL | O_RDWR, 0o600)
  if (fd < 0) return fd
  close(fd)
  return 0
}

/** Whether a layer keeps `security.` attributes under names that ordinary users may write. */
export function encodesSecurity(layer: Layer | null): boolean {
  const key = layer?.override?.write ?? ''
  return key.startsWith('user.')
}

/** The name on disk of an encoded attribute; null where it is stored under its own or gets too long. */
export function encodedName(layer: Layer | null, name: string): string | null {
  if (!name.startsWith(SECURITY) || !encodesSecurity(layer)) return null
  return ENCODED.length + name.length > XATTR_NAME_MAX ? null : ENCODED + name
}

/** The user's name for one on disk that is an encoded attribute; null for any other. */
export function decodedName(layer: Layer | null, name: string): string | null {
  if (!name.startsWith(ENCODED + SECURITY) || !encodesSecurity(layer)) return null
  return name.slice(ENCODED.length)
}

/** The name under which a copy holds an attribute, null to leave it out. */
export type Recoding = (name: string) => string | null

/**
 * How attributes of a layer's objects are named on their copies in upper: null when the same. ACLs
 * stay behind: on the copy they would change the mode that stands in for all of them.
 */
export function recodingFor(ctx: OverlayContext, from: Layer): Recoding | null {
  const { upper } = ctx
  if ((upper?.override ?? null) === null && from.override === null) return null
  return (name) => {
    const plain = decodedName(from, name) ?? name
    if (upper?.override != null && plain.startsWith(ACL_PREFIX)) return null
    return encodedName(upper, plain) ?? plain
  }
}

/** What a new object is to show. */
export interface ShownObject {
  /** S_IFMT and permission bits, before the umask. */
  readonly mode: number
  readonly umask: number
  readonly rdevMajor: number
  readonly rdevMinor: number
}

/** Whether an object of this mode is made as itself, rather than as a regular file. */
export function isMadeAsItself(mode: number): boolean {
  const type = mode & S_IFMT
  return type === S_IFREG || type === S_IFLNK || type === S_IFDIR
}

const shown = new FileStat()
const parentStat = new FileStat()

/**
 * Write down what a new object, made as the daemon's own, is to show: the caller as owner, the group
 * and setgid bit of a setgid parent, the mode under the umask.
 * @returns 0 or -errno
 */
export function dressNew(
  ctx: OverlayContext,
  req: RequestContext,
  parent: DirNode,
  what: ShownObject,
  fd: number,
  name: string,
): number {
  const override = ctx.upper?.override ?? null
  if (override === null || parent.upper === null) return -ESTALE
  const parentFd = ctx.fds.fd(parent.upper)
  const seen = parentFd < 0 ? parentFd : statShown(ctx.upper, parentFd, '', parentStat)
  if (seen < 0) return seen
  const inherits = (parentStat.mode & S_ISGID) !== 0
  shown.uid = creatorId(ctx.options.uidMap, req.uid)
  shown.gid = inherits ? parentStat.gid : creatorId(ctx.options.gidMap, req.gid)
  shown.mode = what.mode & ~what.umask
  if (inherits && (what.mode & S_IFMT) === S_IFDIR) shown.mode |= S_ISGID
  shown.rdevMajor = what.rdevMajor
  shown.rdevMinor = what.rdevMinor
  if ((what.mode & S_IFMT) === S_IFLNK) return tryChown(fd, name, shown.uid, shown.gid)
  return storeOverride(override, fd, name, shown)
}
