/** Taking the impure mark off a directory that has lost the entries it was for. */
import { getXattr, removeXattr } from '../sys/xattr.js'
import type { OverlayContext } from './context.js'
import type { DirListing } from './dir-listing.js'
import type { DirNode } from './node.js'

function hasOriginEntry(
  ctx: OverlayContext,
  dir: DirNode,
  listing: DirListing,
  dirfd: number,
): boolean {
  const mark = `${ctx.xattrNames.prefix}origin`
  for (let place = 0; place < listing.places; place += 1) {
    const name = listing.nameAt(place)
    if (name === null) continue
    const known = dir.children.get(name)
    const has =
      known === undefined
        ? getXattr(dirfd, name, mark, 0, 0) >= 0
        : known.hasOrigin || (known.isDir && known.lowers.length > 0)
    if (has) return true
  }
  return false
}

/**
 * When a directory that is upper's alone is listed and no entry has an origin any more, remove its
 * impure mark. Best effort: the mark only costs time.
 * @mirrors fs/overlayfs/readdir.c:ovl_cache_get_impure
 */
export function reviewImpure(ctx: OverlayContext, dir: DirNode, listing: DirListing): void {
  if (dir.upper === null || dir.lowers.length > 0 || ctx.work === null) return
  const dirfd = ctx.fds.fd(dir.upper)
  if (dirfd < 0 || hasOriginEntry(ctx, dir, listing, dirfd)) return
  if (removeXattr(dirfd, '', `${ctx.xattrNames.prefix}impure`) === 0) dir.impure = false
}
