/**
 * The overlay's private marks on upper objects. On a file system without xattrs (or a namespace that
 * denies them) origin and impure are done without, as the kernel does; opaque cannot be.
 * @mirrors fs/overlayfs/util.c:ovl_check_setxattr
 */
import { S_IFREG } from '../sys/constants.js'
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
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/copy_up.c:ovl_set_origin_fh
 */
export function writeOrigin(ctx: OverlayContext, fd: number, name: string, value: string): number {
  if (!ctx.canMark) return 0
  const result = writeXattr(fd, name, `${ctx.xattrNames.prefix}origin`, value)
  const goesWithout = result === -EOPNOTSUPP || (result === -EPERM && ctx.xattrNames.userxattr)
  return goesWithout ? 0 : result
}

/**
 * Whether an upper object carries its origin on disk: `user.` attributes cannot be given to symlinks
 * and devices.
 */
export function carriesOrigin(ctx: OverlayContext, node: Node): boolean {
  return node.hasOrigin && (node.isDir || node.type === S_IFREG || !ctx.xattrNames.userxattr)
}

/**
 * Make an upper directory opaque: nothing of the lower layers shows in it from then on.
 * @returns 0 or -errno; where xattrs are impossible, an engine's layer
 *   gets a `.wh..wh..opq` file, any other -EIO, since the lower content would come back
 * @mirrors fs/overlayfs/dir.c:ovl_set_opaque
 */
export function markOpaque(ctx: OverlayContext, fd: number, name: string): number {
  const result = ctx.canMark ? setOpaque(fd, name, ctx.xattrNames.prefix) : -EOPNOTSUPP
  if (result !== -EOPNOTSUPP && result !== -EPERM) return result
  if (ctx.options.engineMarks) return placeWhOpaque(fd, name)
  return result === -EOPNOTSUPP ? -EIO : result
}
