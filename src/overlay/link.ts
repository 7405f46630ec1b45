/**
 * One more name for a file. A nameless one (O_TMPFILE) can be given its first name once only: the file
 * system takes a file that has lost its last name to be gone. So if the way to that name leads through
 * work and ends there, the name in work stays until the next try, or until the file is closed.
 * @mirrors fs/overlayfs/dir.c:ovl_link
 */
import type { RequestContext } from '../fuse/raw-filesystem.js'
import type { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import { copyUp, copyUpDir } from './copy-up/copy-up.js'
import { createOnDisk, newObject } from './create.js'
import { type Location, locate } from './location.js'
import { markImpure } from './marks.js'
import type { DirNode, FileNode } from './node.js'
import { mayChange, mayWrite } from './protection.js'
import { setRedirect } from './redirect.js'
import { storeUnionNlink } from './union-nlink.js'

/** A file in upper, where it is, and what it is before it gets the name. */
export interface LinkSource {
  readonly node: FileNode
  readonly place: Location
  /** Shows one link less afterwards if one of them was in work. */
  readonly stat: FileStat
}

/**
 * Have a file in upper, and its directory-to-be.
 * @param place filled: where the file is then
 * @returns 0, PARKED until a large file is there, or -errno
 */
export function readyToLink(
  ctx: OverlayContext,
  node: FileNode,
  parent: DirNode,
  place: Location,
): number {
  let result = Math.min(mayChange(ctx, node), mayWrite(ctx, parent))
  if (result === 0 && node.orphanFd < 0) result = copyUp(ctx, node, 'metadata')
  if (result === 0) result = copyUpDir(ctx, parent)
  if (result === 0 && node.indexed) result = storeUnionNlink(ctx, node, 'U')
  // Under its new name it would not be found in the lower layers.
  if (result === 0 && node.metacopy) result = setRedirect(ctx, node, false)
  if (result === 0 && node.hasOrigin) result = markImpure(ctx, parent)
  return result === 0 ? locate(ctx, node, place) : result
}

/**
 * Create `name` in `parent`, on disk only.
 * @returns 0 or -errno as createOnDisk
 */
export function linkOnDisk(
  ctx: OverlayContext,
  req: RequestContext,
  { node, place, stat }: LinkSource,
  parent: DirNode,
  name: string,
): number {
  const source = { linkFd: place.fd, linkName: place.name, nameless: stat.nlink === 0 }
  const what = { ...newObject(node.type, 0), ...source }
  const made = createOnDisk(ctx, req, parent, name, what)
  if (made < 0) {
    if (what.parked !== '') node.parked = what.parked
    return made
  }
  if (node.parked === '') return 0
  ctx.work?.discard(node.parked)
  node.parked = ''
  stat.nlink -= 1
  return 0
}
