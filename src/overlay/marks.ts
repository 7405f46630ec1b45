/**
 * The overlay's private marks on upper objects. On a file system without xattrs (or a namespace that
 * denies them) origin and impure are done without, as the kernel does; opaque cannot be.
 * @mirrors fs/overlayfs/util.c:ovl_check_setxattr
 */
import { S_IFDIR, S_IFLNK, S_IFREG } from '../sys/constants.js'
import { EIO, EOPNOTSUPP, EPERM } from '../sys/errno.js'
import { removeXattr, writeXattr } from '../sys/xattr.js'
import { placeWhOpaque } from '../whiteout/aufs.js'
import { setOpaque } from '../whiteout/opaque.js'
import type { OverlayContext } from './context.js'
import type { DirNode, Node } from './node.js'

/**
 * Mark `parent` as holding entries with an origin, before such an entry appears in it.
 * @precondition parent is in upper
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/util.c:ovl_set_impure
 */
export function markImpure(ctx: OverlayContext, parent: DirNode): number {
  if (parent.impure || parent.upper === null || !ctx.canMark) return 0
  const fd = ctx.fds.fd(parent.upper)
  if (fd < 0) return fd
  const result = writeXattr(fd, '', `${ctx.xattrNames.prefix}impure`, 'y')
  if (result < 0 && result !== -EOPNOTSUPP) return result
  parent.impure = true
  return 0
}

/**
 * Take the impure mark from a directory in which no entry has an origin any more. Best effort: the
 * mark only costs time.
 * @mirrors fs/overlayfs/readdir.c:ovl_cache_get_impure
 */
export function clearImpure(ctx: OverlayContext, dir: DirNode): void {
  if (ctx.work === null || dir.upper === null || !ctx.canMark) return
  const fd = ctx.fds.fd(dir.upper)
  if (fd < 0) return
  const result = removeXattr(fd, '', `${ctx.xattrNames.prefix}impure`)
  if (result === 0) dir.impure = false
}

/**
 * Write an origin mark. A symlink or device cannot carry `user.` attributes: it goes without.
 * @param type S_IFMT bits of the object
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/copy_up.c:ovl_set_origin_fh
 */
export function writeOrigin(
  ctx: OverlayContext,
  fd: number,
  name: string,
  type: number,
  value: string,
): number {
  if (!ctx.canMark || !canCarry(ctx, type)) return 0
  const result = writeXattr(fd, name, `${ctx.xattrNames.prefix}origin`, value)
  return result === -EOPNOTSUPP ? 0 : result
}

/** Whether upper holds an object of a type as something that takes the overlay's xattrs. */
function canCarry(ctx: OverlayContext, type: number): boolean {
  if (!ctx.xattrNames.userxattr || type === S_IFREG || type === S_IFDIR) return true
  // A file stands in for a device there.
  return (ctx.upper?.override ?? null) !== null && type !== S_IFLNK
}

/**
 * Whether an upper object carries its origin on disk: `user.` attributes cannot be given to symlinks
 * and devices.
 */
export function carriesOrigin(ctx: OverlayContext, node: Node): boolean {
  return node.hasOrigin && canCarry(ctx, node.isDir ? S_IFDIR : node.type)
}

/**
 * Make an upper directory opaque: nothing of the lower layers shows in it from then on.
 * @param impossible errno for where there are no xattrs, since the lower content would come back; but
 *   an engine's layer gets a `.wh..wh..opq` file there
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/dir.c:ovl_set_opaque_xerr
 */
export function markOpaque(
  ctx: OverlayContext,
  fd: number,
  name: string,
  impossible = EIO,
): number {
  const result = ctx.canMark ? setOpaque(fd, name, ctx.xattrNames.prefix) : -EOPNOTSUPP
  if (result !== -EOPNOTSUPP && result !== -EPERM) return result
  if (ctx.options.engineMarks) return placeWhOpaque(fd, name)
  return result === -EOPNOTSUPP ? -impossible : result
}
