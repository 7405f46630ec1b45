/**
 * From names to nodes: the known child of a directory, or a new node for what `resolve` finds. Every
 * node is made here or in create.ts.
 */
import { S_IFDIR, S_IFMT } from '../sys/constants.js'
import { ENAMETOOLONG, ENOENT, EPERM, ESTALE } from '../sys/errno.js'
import { FileStat, statAt } from '../sys/stat.js'
import { close } from '../sys/open.js'
import type { OverlayContext } from './context.js'
import { LayerDir } from './layer.js'
import { statNode } from './location.js'
import { resolve } from './lookup.js'
import { markImpure, writeOrigin } from './marks.js'
import { encodeOrigin } from './origin.js'
import { DirNode, FileNode, type Node, PROTECT_UNREAD, XATTRS_NONE } from './node.js'
import { protectionOfStat } from './protection.js'
import { Resolution } from './resolution.js'

const found = new Resolution()

/** Key of an upper inode in the table of hard links: exact below 2^53. */
export function upperKeyOf(stat: FileStat): number {
  return stat.inoHi * 4294967296 + stat.inoLo
}

/** Longest name any layer takes. */
function nameLimit(ctx: OverlayContext): number {
  let limit = ctx.upper?.facts.namelen ?? 0
  for (const layer of ctx.stack.lowers) limit = Math.max(limit, layer.facts.namelen)
  return limit
}

/**
 * The node of `name` in `parent`, known or new, with its stat.
 * @param stat filled on success
 * @param isListed the name is from the directory's listing
 * @returns the node, or -errno: ENOENT when there is no such name
 */
export function lookupChild(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  stat: FileStat,
  isListed = false,
): Node | number {
  found.stat = stat
  const known = parent.children.get(name)
  if (known !== undefined) {
    if (!known.isDir && known.indexName !== '') preferName(known, parent, name)
    const result = statNode(ctx, known, stat)
    if (result === 0) return known
    // Another instance over this upper may have put a whiteout in its place.
    const gone = result === -ESTALE && resolve(ctx, parent, name, found) === 0 && !found.found
    return gone ? -ENOENT : result
  }
  if (parent.removed) return -ENOENT
  if (name.length > 255 && name.length > nameLimit(ctx)) return -ENAMETOOLONG
  const listed = ctx.ttlSec > 0 && !isListed ? parent.listing : null
  if (listed !== null && !listed.has(name)) return -ENOENT
  const result = resolve(ctx, parent, name, found)
  if (result < 0) return result
  if (!found.found) return -ENOENT
  return instantiate(ctx, parent, name, found)
}

/** As {@link lookupChild}, for operations that need only the node. */
export function findChild(ctx: OverlayContext, parent: DirNode, name: string): Node | number {
  const known = parent.children.get(name)
  if (known === undefined) return lookupChild(ctx, parent, name, scratch)
  if (!known.isDir && known.indexName !== '') preferName(known, parent, name)
  return known
}

const scratch = new FileStat()
const twinStat = new FileStat()

function instantiate(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  what: Resolution,
): Node | number {
  if ((what.stat.mode & S_IFMT) === S_IFDIR) return addDir(ctx, parent, name, what)
  return addFile(ctx, parent, name, what)
}

function addDir(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  what: Resolution,
): DirNode | number {
  if (what.inUpper && parent.upper === null) return -ESTALE
  const upper =
    what.inUpper && parent.upper !== null
      ? new LayerDir(parent.upper.layer, parent.upper, name)
      : null
  const node = new DirNode(ctx.nodes.nextId(), parent, name, upper, what.lowers)
  node.opaque = what.opaque
  node.impure = what.impure
  node.redirect = what.redirect
  node.protection = protectionOfStat(what.stat.attributes) | (what.inUpper ? PROTECT_UNREAD : 0)
  takeOrigin(node, what)
  if (upper !== null && !what.hasOriginMark) {
    const fixed = fixOrigin(ctx, parent, node)
    if (fixed < 0) return fixed
  }
  const lowerFsid = what.inUpper ? what.originFsid : (what.lowers[0]?.layer.fsid ?? 0)
  const lowerKey = lowerKeyOf(what)
  const twin = lowerKey === 0 ? undefined : ctx.nodes.byLowerDir(lowerFsid, lowerKey)
  if (twin !== undefined && isTwin(ctx, twin, what)) return -ESTALE
  if (lowerKey !== 0) ctx.nodes.setLowerDir(node, lowerFsid, lowerKey)
  register(ctx, parent, name, node)
  return node
}

/** Inode number of the topmost lower directory as a key; 0 where there is none. */
function lowerKeyOf(what: Resolution): number {
  if (what.lowers.length === 0) return 0
  return what.inUpper ? what.originHi * 4294967296 + what.originLo : upperKeyOf(what.stat)
}

/**
 * Whether a lower directory is part of another one already: two redirects lead there, or one does and
 * nothing hides it under its own name. Changes would show in both.
 * @mirrors fs/overlayfs/inode.c:ovl_verify_inode
 */
function isTwin(ctx: OverlayContext, known: DirNode, what: Resolution): boolean {
  if (known.removed || (known.upper === null && !what.inUpper)) return false
  const above = known.parent?.upper ?? null
  if (known.upper === null || above === null) return true
  // Another instance over this upper may have moved it.
  const fd = ctx.fds.fd(known.upper)
  const dirfd = ctx.fds.fd(above)
  const isThere =
    fd >= 0 &&
    dirfd >= 0 &&
    statAt(fd, '', scratch) === 0 &&
    statAt(dirfd, known.name, twinStat) === 0
  return isThere && upperKeyOf(scratch) === upperKeyOf(twinStat)
}

/**
 * A directory that came to upper by other means than copy-up gets the mark that its inode number is
 * the lower one's, so that it keeps that number once the lower directory is hidden.
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/namei.c:ovl_fix_origin
 */
function fixOrigin(ctx: OverlayContext, parent: DirNode, node: DirNode): number {
  const [lower] = node.lowers
  if (lower === undefined || node.upper === null || ctx.work === null) return 0
  const fd = ctx.fds.fd(lower)
  if (fd < 0) return fd
  const origin = encodeOrigin(lower.layer, fd, '')
  if (typeof origin === 'number') return origin
  const upperFd = ctx.fds.fd(node.upper)
  if (upperFd < 0) return upperFd
  const written = writeOrigin(ctx, upperFd, '', S_IFDIR, origin)
  // An immutable directory goes without: it is looked at, not changed.
  return written < 0 && written !== -EPERM ? written : markImpure(ctx, parent)
}

/** The node of another name of the same file, if one is known. */
function knownFile(ctx: OverlayContext, what: Resolution): FileNode | undefined {
  if (what.indexName !== '') return ctx.nodes.byIndexName(what.indexName)
  return what.inUpper && what.stat.nlink > 1
    ? ctx.nodes.byUpperKey(upperKeyOf(what.stat))
    : undefined
}

function addFile(ctx: OverlayContext, parent: DirNode, name: string, what: Resolution): FileNode {
  const linked = knownFile(ctx, what)
  if (linked !== undefined) {
    addAlias(linked, parent, name)
    if (what.indexName !== '') preferName(linked, parent, name)
    return linked
  }
  const type = what.stat.mode & S_IFMT
  const node = new FileNode(ctx.nodes.nextId(), parent, name, type, what.inUpper)
  node.lowerDir = what.lowerDir
  node.lowerName = what.lowerName
  node.metacopy = what.metacopy
  node.dataDir = what.dataDir
  node.dataName = what.dataName
  node.dataBlocks = what.dataBlocks
  node.redirect = what.redirect
  if (what.bare) node.xattrs = XATTRS_NONE
  node.lowerHardLink = what.lowerNlink > 1
  node.protection = protectionOfStat(what.stat.attributes) | (what.inUpper ? PROTECT_UNREAD : 0)
  takeOrigin(node, what)
  if (what.indexName !== '') takeIndex(ctx, node, what)
  else if (what.inUpper && what.stat.nlink > 1) {
    ctx.nodes.setUpperKey(node, upperKeyOf(what.stat))
  }
  register(ctx, parent, name, node)
  return node
}

function takeIndex(ctx: OverlayContext, node: FileNode, what: Resolution): void {
  ctx.nodes.setIndexName(node, what.indexName)
  node.indexed = what.indexed
  node.lowerNlink = what.lowerNlink
  node.unionNlink = what.unionNlink
}

function takeOrigin(node: Node, what: Resolution): void {
  node.hasOrigin = what.hasOrigin
  node.originLo = what.originLo
  node.originHi = what.originHi
  node.originFsid = what.originFsid
}

/** Let `node` be known as `name` in `parent`. */
export function register(ctx: OverlayContext, parent: DirNode, name: string, node: Node): void {
  parent.children.set(name, node)
  ctx.nodes.add(node)
}

/** Give a file one more name. A file without any (all names removed, still open) gets it back. */
export function addAlias(node: FileNode, parent: DirNode, name: string): void {
  parent.children.set(name, node)
  if (node.parent === null) {
    node.parent = parent
    node.name = name
    if (node.orphanFd >= 0) close(node.orphanFd)
    node.orphanFd = -1
    return
  }
  if (node.parent === parent && node.name === name) return
  node.aliases ??= []
  node.aliases.push({ parent, name })
}

/**
 * Have what is done to the file next done under that one of its names: requests about a file do not
 * say which, but who makes them has looked it up just before.
 */
export function preferName(node: FileNode, parent: DirNode, name: string): void {
  const first = node.parent
  if (first === null || (first === parent && node.name === name)) return
  const aliases = node.aliases ?? []
  const at = aliases.findIndex((alias) => alias.parent === parent && alias.name === name)
  if (at < 0) return
  aliases[at] = { parent: first, name: node.name }
  node.parent = parent
  node.name = name
}

/**
 * Take one name from a file; another known one takes its place.
 * @returns whether the node still has a known name
 */
export function dropName(node: FileNode, parent: DirNode, name: string): boolean {
  if (parent.children.get(name) === node) parent.children.delete(name)
  const aliases = node.aliases ?? []
  const at = aliases.findIndex((alias) => alias.parent === parent && alias.name === name)
  if (at >= 0) {
    aliases.splice(at, 1)
    return true
  }
  const next = aliases.pop()
  node.parent = next?.parent ?? null
  node.name = next?.name ?? ''
  return next !== undefined
}
