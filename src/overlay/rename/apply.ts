/**
 * Carrying out a rename. The marks go on before the move and mean nothing without it; the move itself
 * is one system call, so that a crash leaves either the old state or the new one.
 * @mirrors fs/overlayfs/dir.c:ovl_rename
 */
import { RENAME_EXCHANGE } from '../../sys/constants.js'
import { actAsSelf, useUmask } from '../../sys/creds.js'
import { EROFS, ESTALE, EXDEV } from '../../sys/errno.js'
import { unlinkAt } from '../../sys/node.js'
import { FileStat, isThere } from '../../sys/stat.js'
import { addAlias, dropName } from '../children.js'
import { clearEmpty } from '../clear-empty.js'
import type { OverlayContext } from '../context.js'
import { copyUp, copyUpDir, leavesData } from '../copy-up/copy-up.js'
import { checkName } from '../create.js'
import type { LayerDir } from '../layer.js'
import { ensureListing } from '../listing.js'
import { isLowerPositive } from '../lookup.js'
import { markImpure, markOpaque } from '../marks.js'
import type { DirNode, Node } from '../node.js'
import { WHITEOUT, probe } from '../probe.js'
import { setRedirect } from '../redirect.js'
import { detachDir, detachFile, holdOrphan, readyToUnlink } from '../remove.js'
import { moveObject } from './move.js'
import { type DirMark, type RenamePlan, type RenameSide, planRename } from './plan.js'

/** A name in a directory, and what it stands for. */
export interface RenameEnd {
  readonly parent: DirNode
  readonly name: string
  /** null: nothing visible (targets only). */
  readonly node: Node | null
}

const scratch = new FileStat()

function describe(
  ctx: OverlayContext,
  end: RenameEnd,
  node: Node,
  needPositive: boolean,
): RenameSide | number {
  const inUpper = node.isDir ? node.upper !== null : node.inUpper
  const positive = !needPositive ? 0 : inUpper ? isLowerPositive(ctx, end.parent, end.name) : 1
  if (positive < 0) return positive
  return {
    isDir: node.isDir,
    hasLower: node.isDir && node.lowers.length > 0,
    metacopy: !node.isDir && (inUpper ? node.metacopy : leavesData(ctx, node)),
    opaque: node.isDir && node.opaque,
    hasOrigin: node.hasOrigin || (!inUpper && getsOrigin(node)),
    lowerPositive: positive === 1,
    parentMerged: end.parent.lowers.length > 0,
  }
}

/** A lower hard link that is separated from its other names by copying up gets none. */
function getsOrigin(node: Node): boolean {
  return node.isDir || !node.lowerHardLink || node.indexName !== ''
}

/**
 * Whether an object of upper hides the name; a `.wh.` file beside it is in nobody's way.
 * @returns an errno when that cannot be told
 */
function upperHidesName(ctx: OverlayContext, end: RenameEnd): boolean | number {
  const { upper } = end.parent
  if (upper === null) return false
  const seen = probe(ctx, upper, end.name, scratch)
  if (seen < 0) return seen
  if (seen !== WHITEOUT) return false
  if (ctx.options.whPrefix !== 'all') return true
  const taken = isThere(ctx.fds.fd(upper), end.name, scratch)
  return taken < 0 ? taken : taken === 1
}

function isVisiblyEmpty(ctx: OverlayContext, node: Node | null): boolean | number {
  if (node === null || !node.isDir) return false
  const listing = ensureListing(ctx, node)
  return typeof listing === 'number' ? listing : listing.size === 0
}

/**
 * Rename `from` to `to`.
 * @param flags RENAME_*
 * @returns 0 or -errno as planRename, or what the layers gave; upper shows the old state then
 */
export function renameChild(
  ctx: OverlayContext,
  from: RenameEnd,
  to: RenameEnd,
  flags: number,
): number {
  const { node } = from
  if (ctx.work === null) return -EROFS
  if (node === null) return -ESTALE
  const usable = checkName(ctx, to.name)
  if (usable < 0) return usable
  const exchange = (flags & RENAME_EXCHANGE) !== 0
  const source = describe(ctx, from, node, !exchange)
  if (typeof source === 'number') return source
  const target = to.node === null ? null : describe(ctx, to, to.node, false)
  if (typeof target === 'number') return target
  const targetEmpty = isVisiblyEmpty(ctx, to.node)
  if (typeof targetEmpty === 'number') return targetEmpty
  const targetWhiteout = to.node === null && node.isDir && upperHidesName(ctx, to)
  if (typeof targetWhiteout === 'number') return targetWhiteout
  const plan = planRename({
    source,
    target,
    targetWhiteout,
    targetEmpty,
    sameParent: from.parent === to.parent,
    newParentMerged: to.parent.lowers.length > 0,
    flags,
    redirects: ctx.options.redirectDir === 'on',
  })
  if (typeof plan === 'number') return plan
  return applyRename(ctx, from, to, node, plan)
}

function applyRename(
  ctx: OverlayContext,
  from: RenameEnd,
  to: RenameEnd,
  node: Node,
  plan: RenamePlan,
): number {
  const { work } = ctx
  if (work === null) return -EROFS
  let result = prepare(ctx, from, to, node, plan)
  if (result < 0) return result
  const oldDir = from.parent.upper
  const newDir = to.parent.upper
  if (oldDir === null || newDir === null) return -ESTALE
  const replaces = to.node !== null && (plan.flags & RENAME_EXCHANGE) === 0
  const held = replaces ? holdOrphan(ctx, to.node) : 0
  const oldFd = ctx.fds.fd(oldDir)
  const newFd = ctx.fds.fd(newDir)
  result = Math.min(held, oldFd, newFd)
  actAsSelf()
  useUmask(0)
  if (result >= 0) {
    const overWh = ctx.options.whPrefix === 'all' && to.parent.lowers.length > 0
    const move = { work, oldFd, oldName: from.name, newFd, newName: to.name, overWh }
    result = moveObject(ctx, move, plan, to.node?.isDir === true && to.node.upper !== null)
  }
  if (result < 0) {
    if (to.node !== null) ctx.closeOrphan(to.node)
    return result
  }
  if (plan.dropOldWhiteout) unlinkAt(oldFd, from.name)
  settle(ctx, from, to, node, plan, oldDir, newDir)
  return 0
}

/** Everything that must be on disk before the move, in an order that a crash may cut anywhere. */
function prepare(
  ctx: OverlayContext,
  from: RenameEnd,
  to: RenameEnd,
  node: Node,
  plan: RenamePlan,
): number {
  const other = (plan.flags & RENAME_EXCHANGE) !== 0 ? to.node : null
  let result = copyUp(ctx, node, 'metadata')
  if (result === 0) result = copyUpDir(ctx, to.parent)
  if (result === 0 && other === null && to.node?.isDir === false) {
    result = readyToUnlink(ctx, to.node)
  }
  if (result === 0 && other !== null) result = copyUp(ctx, other, 'metadata')
  if (result === 0 && plan.clearTarget && !plan.targetInTheWay) result = clearTarget(ctx, to.node)
  const sameParent = from.parent === to.parent
  if (result === 0) result = markParents(ctx, from, to, plan)
  if (result === 0) result = markMoved(ctx, node, plan.sourceMark, sameParent)
  if (result === 0 && other !== null) result = markMoved(ctx, other, plan.targetMark, sameParent)
  return result
}

/** The real directory that is moved over must be empty: whiteouts left in it have to go first. */
function clearTarget(ctx: OverlayContext, target: Node | null): number {
  // Without xattrs the clean directory would hold a `.wh..wh..opq`, and be in the way again.
  if (target?.isDir !== true || target.upper === null || !ctx.canMark) return 0
  return clearEmpty(ctx, target)
}

function markParents(
  ctx: OverlayContext,
  from: RenameEnd,
  to: RenameEnd,
  plan: RenamePlan,
): number {
  let result = 0
  if (plan.newParentImpure) result = markImpure(ctx, to.parent)
  if (result === 0 && plan.oldParentImpure) result = markImpure(ctx, from.parent)
  return result
}

function markMoved(ctx: OverlayContext, node: Node, mark: DirMark, sameParent: boolean): number {
  if (mark === 'none') return 0
  if (mark === 'redirect') return setRedirect(ctx, node, sameParent)
  if (!node.isDir || node.upper === null) return -ESTALE
  const fd = ctx.fds.fd(node.upper)
  if (fd < 0) return fd
  const result = markOpaque(ctx, fd, '', EXDEV)
  if (result < 0) return result
  node.opaque = true
  return 0
}

/** After the move: names, listings and nodes follow. */
function settle(
  ctx: OverlayContext,
  from: RenameEnd,
  to: RenameEnd,
  node: Node,
  plan: RenamePlan,
  oldDir: LayerDir,
  newDir: LayerDir,
): void {
  const other = to.node
  const swapped = other !== null && !plan.clearTarget && (plan.flags & RENAME_EXCHANGE) !== 0
  if (swapped) {
    moveName(to, from.parent, from.name, other, oldDir)
    moveName(from, to.parent, to.name, node, newDir)
    relist(from, other)
    relist(to, node)
    return
  }
  if (other?.isDir === true) detachDir(ctx, to.parent, to.name, other)
  else if (other !== null) detachFile(ctx, to.parent, to.name, other)
  moveName(from, to.parent, to.name, node, newDir)
  from.parent.listing?.remove(from.name)
  relist(to, node)
}

const DT_DIR = 4

function relist(end: RenameEnd, node: Node): void {
  end.parent.listing?.add(end.name, node.isDir ? DT_DIR : node.type >>> 12)
}

/** Let `node`, known as `end`, be known as `name` in `parent` instead. */
function moveName(
  end: RenameEnd,
  parent: DirNode,
  name: string,
  node: Node,
  upperParent: LayerDir,
): void {
  if (node.isDir) {
    if (end.parent.children.get(end.name) === node) end.parent.children.delete(end.name)
    node.parent = parent
    node.name = name
    parent.children.set(name, node)
    if (node.upper !== null) {
      node.upper.parent = upperParent
      node.upper.name = name
    }
    return
  }
  dropName(node, end.parent, end.name)
  addAlias(node, parent, name)
}
