/**
 * Deciding what a name means. `resolve` is the only function that does: lookup, listing and every
 * changing operation use it, so they cannot disagree about a whiteout or an opaque directory.
 * @mirrors fs/overlayfs/namei.c:ovl_lookup
 */
import { S_IFDIR, S_IFMT, S_IFREG } from '../sys/constants.js'
import { EACCES, EIO, EPERM, ESTALE } from '../sys/errno.js'
import { FileStat } from '../sys/stat.js'
import { lacksXattr, readXattr } from '../sys/xattr.js'
import { hasForeignOpaque, hasWhOpaqueAt, isOpaque } from '../whiteout/opaque.js'
import type { OverlayContext } from './context.js'
import { LayerDir } from './layer.js'
import { findIndexOfLower, findIndexOfUpper } from './index-lookup.js'
import type { DirNode } from './node.js'
import { encodeOrigin, statOrigin } from './origin.js'
import { ABSENT, FOUND, type ProbePlace, WHITEOUT, honoursWh, probe } from './probe.js'
import {
  descend,
  isUnnameable,
  namesOf,
  readLowerDirMarks,
  readRedirect,
  startWalk,
  walk,
} from './lookup-walk.js'
import type { Resolution } from './resolution.js'

const lowerStat = new FileStat()
const originStat = new FileStat()

/**
 * Find `name` in the merged directory `parent`.
 * @param out filled; `out.found` false means ENOENT
 * @returns 0, or -errno: EPERM for a redirect or metacopy that the options do not follow, EINVAL for
 *   a malformed redirect, EIO for metacopy without data, else what the layers gave
 */
export function resolve(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  out: Resolution,
): number {
  out.reset(name)
  startWalk(name)
  if (parent.upper !== null) {
    const result = resolveUpper(ctx, parent, parent.upper, name, out)
    out.redirect = walk.redirect
    if (result < 0 || walk.stop) return result
  }
  const result = resolveLowers(ctx, parent, out)
  if (result < 0) return result
  if (out.metacopy && out.dataDir === null) return -EIO
  return ctx.index !== null && !out.inUpper && out.lowerNlink > 1 ? findIndexOfLower(ctx, out) : 0
}

function resolveUpper(
  ctx: OverlayContext,
  parent: DirNode,
  upper: LayerDir,
  name: string,
  out: Resolution,
): number {
  const seen = probe(ctx, upper, name, out.stat, parent.lowers.length === 0 ? 'last' : 'above')
  if (seen < 0) return seen
  if (seen === ABSENT) return 0
  if (seen === WHITEOUT) {
    walk.stop = true
    return 0
  }
  out.found = true
  out.inUpper = true
  walk.isDir = (out.stat.mode & S_IFMT) === S_IFDIR
  if (walk.isDir) {
    const result = readUpperDirMarks(ctx, upper, name, out)
    const mayMerge = result === 0 && !out.opaque && (parent.lowers.length > 0 || walk.fromRoot)
    return mayMerge && honoursWh(ctx, upper) ? readForeignMarks(ctx, upper, name, out) : result
  }
  return readUpperFileMarks(ctx, parent, upper, name, out)
}

function readUpperDirMarks(
  ctx: OverlayContext,
  upper: LayerDir,
  name: string,
  out: Resolution,
): number {
  const fd = ctx.fds.fd(upper)
  if (fd < 0) return fd
  const names = namesOf(fd, name)
  if (typeof names === 'number') return names
  if (names.length === 0) return 0
  const { prefix } = ctx.xattrNames
  const opaque = isOpaque(fd, name, prefix, names)
  if (opaque < 0) return opaque
  out.opaque = opaque === 1
  out.impure = names.includes(`${prefix}impure`)
  out.hasOriginMark = names.includes(`${prefix}origin`)
  if (out.opaque) {
    walk.stop = true
    return 0
  }
  return readRedirect(ctx, fd, name, names)
}

/** Opaque marks of fuse-overlayfs in an upper that it wrote. */
function readForeignMarks(
  ctx: OverlayContext,
  upper: LayerDir,
  name: string,
  out: Resolution,
): number {
  const fd = ctx.fds.fd(upper)
  if (fd < 0) return fd
  const names = namesOf(fd, name)
  if (typeof names === 'number') return names
  let marked = hasForeignOpaque(fd, name, names, 'engine')
  if (marked === 0) marked = hasWhOpaqueAt(fd, name)
  if (marked <= 0) return marked
  out.opaque = true
  walk.stop = true
  return 0
}

function readUpperFileMarks(
  ctx: OverlayContext,
  parent: DirNode,
  upper: LayerDir,
  name: string,
  out: Resolution,
): number {
  walk.stop = true
  const fd = ctx.fds.fd(upper)
  if (fd < 0) return fd
  const { prefix } = ctx.xattrNames
  if (parent.impure) {
    const value = readXattr(fd, name, `${prefix}origin`)
    if (typeof value === 'number' && !lacksXattr(value)) return value
    const layer = typeof value === 'number' ? null : statOrigin(ctx.originLayers, value, originStat)
    if (typeof layer === 'number') return layer
    if (layer !== null) {
      const { fsid } = layer
      out.origin = String(value)
      if (originStat.nlink === 1) out.setOrigin(originStat, fsid)
      else {
        const indexed = findIndexOfUpper(ctx, out.origin, originStat, fsid, out)
        if (indexed < 0) return indexed
      }
    }
  }
  return Math.min(0, readMetacopy(ctx, fd, name, out.stat, out))
}

/**
 * Does a regular file hold metadata only? Its data is a hole, so others need not be asked. The walk
 * goes on then.
 * @returns 1, 0 or -errno
 */
function readMetacopy(
  ctx: OverlayContext,
  fd: number,
  name: string,
  stat: FileStat,
  out: Resolution,
): number {
  if ((stat.mode & S_IFMT) !== S_IFREG || stat.blocks > 8) return 0
  const { prefix } = ctx.xattrNames
  // All names rather than this one: most files have none, and will be asked for others.
  const names = namesOf(fd, name)
  if (typeof names === 'number') return lacksXattr(names) ? 0 : names
  if (names.length === 0 && stat === out.stat) out.bare = true
  if (!names.includes(`${prefix}metacopy`)) return 0
  if (!ctx.options.metacopy) return -EPERM
  out.metacopy = true
  walk.stop = false
  const result = readRedirect(ctx, fd, name, names)
  return result < 0 ? result : 1
}

function resolveLowers(ctx: OverlayContext, parent: DirNode, out: Resolution): number {
  let stack = parent.lowers
  let layerIndex = 0
  let switched = false
  for (let i = 0; ; i += 1) {
    if (walk.fromRoot && !switched) {
      // An absolute redirect goes on from the root, in the layers below the one that holds it.
      stack = ctx.root.lowers
      switched = true
      i = stack.findIndex((dir) => dir.layer.index > layerIndex)
      if (i < 0) break
    }
    const dir = stack[i]
    if (dir === undefined) break
    layerIndex = dir.layer.index
    // Like a symlink without its permission checks: only followed where that is allowed.
    if (walk.redirect !== null && ctx.options.redirectDir === 'nofollow') return -EPERM
    const result = resolveLower(ctx, dir, i === stack.length - 1 ? 'last' : 'above', out)
    if (result < 0) return result
    if (walk.stop) break
  }
  return out.metacopy && out.dataDir === null ? resolveDataOnly(ctx, out) : 0
}

function resolveLower(
  ctx: OverlayContext,
  start: LayerDir,
  place: ProbePlace,
  out: Resolution,
): number {
  let dir = start
  let name = walk.name
  if (name.includes('/')) {
    const inner = descend(ctx, start, name, place)
    if (typeof inner === 'number') return inner
    dir = inner
    name = name.slice(name.lastIndexOf('/') + 1)
  }
  if (isUnnameable(name)) return -EACCES
  const first = !out.found
  const stat = first ? out.stat : lowerStat
  const seen = probe(ctx, dir, name, stat, place)
  if (seen < 0) return seen
  if (seen === ABSENT) return 0
  if (seen === WHITEOUT) {
    walk.stop = true
    return 0
  }
  const isDir = (stat.mode & S_IFMT) === S_IFDIR
  if (!isDir) return takeLowerFile(ctx, dir, name, stat, first, out)
  if (!first && !walk.isDir) {
    walk.stop = true
    return 0
  }
  walk.isDir = true
  return takeLowerDir(ctx, new LayerDir(dir.layer, dir, name), stat, place, first, out)
}

function takeLowerFile(
  ctx: OverlayContext,
  dir: LayerDir,
  name: string,
  stat: FileStat,
  first: boolean,
  out: Resolution,
): number {
  walk.stop = true
  if (!first && walk.isDir) return 0
  if (!first && (stat.mode & S_IFMT) !== S_IFREG) return 0
  out.found = true
  if (out.lowerDir === null) {
    out.lowerDir = dir
    out.lowerName = name
    out.lowerNlink = stat.nlink
    // The data is to be that of the object that was copied up.
    if (ctx.index !== null && out.origin !== '' && originOf(ctx, dir, name) !== out.origin) {
      return -ESTALE
    }
    if (out.inUpper && stat.nlink === 1) out.setOrigin(stat, dir.layer.fsid)
  }
  const fd = ctx.fds.fd(dir)
  if (fd < 0) return fd
  const marked = readMetacopy(ctx, fd, name, stat, out)
  if (marked !== 0 || !out.metacopy) return Math.min(0, marked)
  out.dataDir = dir
  out.dataName = name
  out.dataBlocks = stat.blocks
  return 0
}

/** Origin value of a lower object, or -errno. */
function originOf(ctx: OverlayContext, dir: LayerDir, name: string): string | number {
  const fd = ctx.fds.fd(dir)
  return fd < 0 ? fd : encodeOrigin(dir.layer, fd, name)
}

function takeLowerDir(
  ctx: OverlayContext,
  lower: LayerDir,
  stat: FileStat,
  place: ProbePlace,
  first: boolean,
  out: Resolution,
): number {
  const isFirstLower = out.lowers.length === 0
  out.found = true
  out.lowers = isFirstLower ? [lower] : out.lowers
  if (!isFirstLower) out.lowers.push(lower)
  if (!first && isFirstLower) out.setOrigin(stat, lower.layer.fsid)
  return readLowerDirMarks(ctx, lower, place, '')
}

/** Data of a metadata-only file in a data-only layer, reached by absolute redirect alone. */
function resolveDataOnly(ctx: OverlayContext, out: Resolution): number {
  if (!walk.fromRoot) return 0
  for (const layer of ctx.stack.dataLayers) {
    const inner = descend(ctx, layer.root, walk.name, 'last')
    if (typeof inner === 'number') {
      if (inner < 0) return inner
      continue
    }
    const name = walk.name.slice(walk.name.lastIndexOf('/') + 1)
    const seen = probe(ctx, inner, name, lowerStat)
    if (seen < 0) return seen
    if (seen !== FOUND) continue
    if ((lowerStat.mode & S_IFMT) !== S_IFREG) return -ESTALE
    out.dataDir = inner
    out.dataName = name
    out.dataBlocks = lowerStat.blocks
    return 0
  }
  return 0
}

/**
 * Whether the lower layers of `parent` show `name`, so that removing it takes a whiteout. Only the
 * first layer that has the name at all counts.
 * @returns 1, 0 or -errno
 * @mirrors fs/overlayfs/namei.c:ovl_lower_positive
 */
export function isLowerPositive(ctx: OverlayContext, parent: DirNode, name: string): number {
  for (const dir of parent.lowers) {
    const seen = probe(ctx, dir, name, lowerStat)
    if (seen === FOUND) return 1
    if (seen === WHITEOUT) return 0
    if (seen < 0) return seen
  }
  return 0
}
