/**
 * Append-only and immutable. On a lower object they are the real inode's flags; in upper they are kept
 * in an attribute, since a real flag would stop the overlay itself. FUSE inodes carry no such flags, so
 * what the VFS enforces elsewhere is enforced here.
 * @mirrors fs/overlayfs/util.c:ovl_check_protattr, fs/overlayfs/inode.c:ovl_fileattr_set
 */
import { O_ACCMODE, O_APPEND, O_RDONLY, O_TRUNC, S_IFREG } from '../sys/constants.js'
import { ENODATA, EOPNOTSUPP, EPERM } from '../sys/errno.js'
import { readXattr, removeXattr, writeXattr } from '../sys/xattr.js'
import type { OverlayContext } from './context.js'
import { locate, makeLocation } from './location.js'
import { PROTECT_APPEND, PROTECT_IMMUTABLE, PROTECT_UNREAD, type Node } from './node.js'

export const FS_SYNC_FL = 0x8
export const FS_IMMUTABLE_FL = 0x10
export const FS_APPEND_FL = 0x20
export const FS_NOATIME_FL = 0x80
const STATX_ATTR_IMMUTABLE = 0x10
const STATX_ATTR_APPEND = 0x20

const place = makeLocation()

/** Protection that a real object has by itself, from its stx_attributes. */
export function protectionOfStat(attributes: number): number {
  const append = (attributes & STATX_ATTR_APPEND) !== 0 ? PROTECT_APPEND : 0
  return append | ((attributes & STATX_ATTR_IMMUTABLE) !== 0 ? PROTECT_IMMUTABLE : 0)
}

/** Protection that FS_*_FL flags ask for. */
export function protectionOfFlags(flags: number): number {
  const append = (flags & FS_APPEND_FL) !== 0 ? PROTECT_APPEND : 0
  return append | ((flags & FS_IMMUTABLE_FL) !== 0 ? PROTECT_IMMUTABLE : 0)
}

/** FS_*_FL flags of a protection. */
export function flagsOfProtection(protection: number): number {
  const append = (protection & PROTECT_APPEND) !== 0 ? FS_APPEND_FL : 0
  return append | ((protection & PROTECT_IMMUTABLE) !== 0 ? FS_IMMUTABLE_FL : 0)
}

/** PROTECT_* bits of a node; an upper object's attribute is read once, when it first matters. */
export function protectionOf(ctx: OverlayContext, node: Node): number {
  if ((node.protection & PROTECT_UNREAD) === 0) return node.protection
  node.protection &= ~PROTECT_UNREAD
  if (!node.isDir && node.type !== S_IFREG) return node.protection
  if (!ctx.canMark || locate(ctx, node, place) < 0) return node.protection
  const value = readXattr(place.fd, place.name, `${ctx.xattrNames.prefix}protattr`)
  if (typeof value === 'string') {
    const append = value.includes('a') ? PROTECT_APPEND : 0
    node.protection |= append | (value.includes('i') ? PROTECT_IMMUTABLE : 0)
  }
  return node.protection
}

/**
 * Record a protection on an upper object.
 * @returns 0 or -errno; EPERM where upper takes no marks
 * @mirrors fs/overlayfs/util.c:ovl_set_protattr
 */
export function storeProtection(
  ctx: OverlayContext,
  fd: number,
  name: string,
  protection: number,
): number {
  const key = `${ctx.xattrNames.prefix}protattr`
  if (protection === 0) {
    const removed = removeXattr(fd, name, key)
    return removed === -ENODATA || removed === -EOPNOTSUPP ? 0 : removed
  }
  if (!ctx.canMark) return -EPERM
  const append = (protection & PROTECT_APPEND) !== 0 ? 'a' : ''
  const value = append + ((protection & PROTECT_IMMUTABLE) !== 0 ? 'i' : '')
  const written = writeXattr(fd, name, key, value)
  return written === -EOPNOTSUPP ? -EPERM : written
}

/** Whether an object's attributes, xattrs, names or links may change. 0 or -EPERM. */
export function mayChange(ctx: OverlayContext, node: Node): number {
  return protectionOf(ctx, node) === 0 ? 0 : -EPERM
}

/** Whether an object may be written to or a directory may get entries. 0 or -EPERM. */
export function mayWrite(ctx: OverlayContext, node: Node): number {
  return (protectionOf(ctx, node) & PROTECT_IMMUTABLE) === 0 ? 0 : -EPERM
}

/**
 * Whether a file may be opened so. 0 or -EPERM.
 * @param flags O_*
 * @mirrors fs/namei.c:may_open
 */
export function mayOpen(ctx: OverlayContext, node: Node, flags: number): number {
  const writes = (flags & O_ACCMODE) !== O_RDONLY
  const truncates = (flags & O_TRUNC) !== 0
  if (!writes && !truncates) return 0
  const protection = protectionOf(ctx, node)
  if (protection === 0) return 0
  if ((protection & PROTECT_IMMUTABLE) !== 0 || truncates) return -EPERM
  return (flags & O_APPEND) === 0 ? -EPERM : 0
}
