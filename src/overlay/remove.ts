/**
 * Removing names. Whether a whiteout must take the place depends on the lower layers of the parent
 * alone. A directory that shows nothing may still hold whiteouts: it is moved aside into work in one
 * step and emptied there, so that nothing it hid ever shows.
 * @mirrors fs/overlayfs/dir.c:ovl_do_remove
 */
import { O_PATH } from '../sys/constants.js'
import { ENOTEMPTY, EROFS, ESTALE } from '../sys/errno.js'
import { rmdirAt, unlinkAt, renameAt } from '../sys/node.js'
import { openAt, duplicate } from '../sys/open.js'
import { dropName } from './children.js'
import type { OverlayContext } from './context.js'
import { copyUp, copyUpDir } from './copy-up/copy-up.js'
import { isLowerPositive } from './lookup.js'
import { ensureListing } from './listing.js'
import type { DirNode, FileNode, Node } from './node.js'
import { wantWrite } from './read-only.js'
import { dropUnionLink, storeUnionNlink } from './union-nlink.js'
import type { WorkDir } from './workdir.js'

/** What takes the place of a removed name, and what has to go. */
type RemovePlan =
  /** Nothing in upper: put a whiteout. */
  | 'whiteout'
  /** Upper object over a lower one: swap it for a whiteout. */
  | 'replace'
  /** Upper object alone: remove it. */
  | 'remove'

/** Decide how a name is removed. @returns the plan or -errno */
function planRemove(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  inUpper: boolean,
): RemovePlan | number {
  if (!inUpper) return 'whiteout'
  const positive = isLowerPositive(ctx, parent, name)
  if (positive < 0) return positive
  return positive === 1 ? 'replace' : 'remove'
}

/**
 * Keep a descriptor of an upper object that is about to lose its last name, for whoever has it open.
 * @returns 0, or -errno when a file in use would be lost (EMFILE …)
 */
export function holdOrphan(ctx: OverlayContext, node: Node): number {
  if (node.orphanFd >= 0 || node.nlookup === 0) return 0
  if (node.isDir) {
    const fd = node.upper === null ? -1 : ctx.fds.fd(node.upper)
    if (fd >= 0) node.orphanFd = Math.max(-1, duplicate(fd))
    return 0
  }
  if (node.indexed) return holdIndexed(ctx, node)
  const hasOtherName = node.aliases !== null && node.aliases.length > 0
  if (!node.inUpper || hasOtherName || node.parent?.upper == null) return 0
  const dirfd = ctx.fds.fd(node.parent.upper)
  const fd = dirfd < 0 ? dirfd : openAt(dirfd, node.name, O_PATH)
  if (fd >= 0) node.orphanFd = fd
  return fd < 0 && node.opens > 0 ? fd : 0
}

/** As long as the union has names, the index has the file. */
function holdIndexed(ctx: OverlayContext, node: FileNode): number {
  if (node.unionNlink > 1 || ctx.index === null) return 0
  const fd = openAt(ctx.index.fd, node.indexName, O_PATH)
  if (fd >= 0) node.orphanFd = fd
  return fd < 0 && node.opens > 0 ? fd : 0
}

/** Undo {@link holdOrphan} after a removal that failed. */
function releaseOrphan(ctx: OverlayContext, node: Node): void {
  ctx.closeOrphan(node)
}

/**
 * Have the link count of a file that shares its copy with others on disk before it loses the name that
 * was looked up last. The count is kept at the copy, so there must be one.
 * @returns 0, PARKED until a large file is there, or -errno
 * @mirrors fs/overlayfs/util.c:ovl_nlink_start
 */
export function readyToUnlink(ctx: OverlayContext, node: FileNode): number {
  if (node.indexName === '') return 0
  const copied = copyUp(ctx, node, 'metadata')
  return copied < 0 ? copied : storeUnionNlink(ctx, node, 'U')
}

/**
 * Remove a non-directory's name.
 * @returns 0 or -errno: EROFS …; upper is unchanged then
 */
export function unlinkChild(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  node: FileNode,
): number {
  const { work } = ctx
  if (work === null) return -EROFS
  const above = copyUpDir(ctx, parent)
  if (above < 0) return above
  const noted = readyToUnlink(ctx, node)
  if (noted < 0) return noted
  const plan = planRemove(ctx, parent, name, node.inUpper)
  if (typeof plan === 'number') return plan
  const held = holdOrphan(ctx, node)
  const result = held < 0 ? held : applyUnlink(ctx, work, parent, name, plan)
  if (result < 0) {
    releaseOrphan(ctx, node)
    return result
  }
  detachFile(ctx, parent, name, node)
  return 0
}

/** Take away what was made under a name that is no node's yet. Best effort: the caller has failed. */
export function takeBack(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  kind: 'file' | 'dir',
): void {
  const { work } = ctx
  const plan = work === null ? -EROFS : planRemove(ctx, parent, name, true)
  if (work === null || typeof plan === 'number') return
  if (kind === 'dir') applyRmdir(ctx, work, parent, name, plan)
  else applyUnlink(ctx, work, parent, name, plan)
}

/** A file's name is gone: forget it there, and the whole file's place if it was the last. */
export function detachFile(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  node: FileNode,
): void {
  parent.listing?.remove(name)
  node.unlinkedMs = performance.now()
  if (node.indexed) dropUnionLink(ctx, node)
  if (dropName(node, parent, name)) {
    if (node.orphanFd >= 0) ctx.closeOrphan(node)
  } else {
    ctx.onLastNameGone(node)
  }
}

function applyUnlink(
  ctx: OverlayContext,
  work: WorkDir,
  parent: DirNode,
  name: string,
  plan: RemovePlan,
): number {
  if (parent.upper === null) return -ESTALE
  const dirfd = ctx.fds.fd(parent.upper)
  if (dirfd < 0) return dirfd
  switch (plan) {
    case 'whiteout':
      return work.linkWhiteout(dirfd, name)
    case 'remove':
      return unlinkAt(dirfd, name)
    case 'replace':
      return work.replaceByWhiteout(dirfd, name, 'file')
  }
}

/**
 * Remove a directory that shows no names.
 * @returns 0 or -errno: ENOTEMPTY, EROFS …; upper is unchanged then
 */
export function rmdirChild(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  node: DirNode,
): number {
  const { work } = ctx
  if (work === null) return -EROFS
  const listing = ensureListing(ctx, node)
  if (typeof listing === 'number') return listing
  if (listing.size > 0) return wantWrite(ctx) || -ENOTEMPTY
  const above = copyUpDir(ctx, parent)
  if (above < 0) return above
  const plan = planRemove(ctx, parent, name, node.upper !== null)
  if (typeof plan === 'number') return plan
  holdOrphan(ctx, node)
  const result = applyRmdir(ctx, work, parent, name, plan)
  if (result < 0) {
    releaseOrphan(ctx, node)
    return result
  }
  detachDir(ctx, parent, name, node)
  return 0
}

/** A directory is gone: nothing can be found in it any more. */
export function detachDir(ctx: OverlayContext, parent: DirNode, name: string, node: DirNode): void {
  parent.listing?.remove(name)
  if (parent.children.get(name) === node) parent.children.delete(name)
  node.removed = true
  node.parent = null
  ctx.listings.drop(node)
  // The VFS takes it to have no links now; a merged directory says 1 to whoever has it open.
  if (node.merged && node.nlookup > 0) ctx.connection?.invalidateAttributes(node.id)
  if (node.upper !== null) ctx.fds.release(node.upper)
  ctx.nodes.collect(node)
}

function applyRmdir(
  ctx: OverlayContext,
  work: WorkDir,
  parent: DirNode,
  name: string,
  plan: RemovePlan,
): number {
  if (parent.upper === null) return -ESTALE
  const dirfd = ctx.fds.fd(parent.upper)
  if (dirfd < 0) return dirfd
  if (plan === 'whiteout') return work.linkWhiteout(dirfd, name)
  if (plan === 'replace') return work.replaceByWhiteout(dirfd, name, 'dir')
  const removed = rmdirAt(dirfd, name)
  if (removed !== -ENOTEMPTY) return removed
  // Only whiteouts are left in it. Gone in one step, emptied where nobody looks.
  const temp = work.tempName()
  const moved = renameAt(dirfd, name, work.fd, temp, 0)
  if (moved < 0) return moved
  work.discard(temp)
  return 0
}
