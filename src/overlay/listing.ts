/** A directory's listing: the one held, or read now. */
import type { OverlayContext } from './context.js'
import type { DirListing } from './dir-listing.js'
import type { DirNode } from './node.js'
import { readMerged } from './readdir-merge.js'

/** The directory's listing, read if need be, or if nothing is to be cached. Returns it or -errno. */
export function ensureListing(ctx: OverlayContext, dir: DirNode): DirListing | number {
  if (dir.listing !== null && ctx.ttlSec > 0) {
    ctx.listings.touch(dir)
    return dir.listing
  }
  const listing = readMerged(ctx, dir)
  if (typeof listing === 'number') return listing
  ctx.listings.put(dir, listing)
  return listing
}
