/**
 * Merging the names of a directory's layers: a name belongs to the topmost layer that has it, and a
 * whiteout hides it in all layers below. Names of the lowest layer come first, in that layer's order,
 * the others after, from the top down.
 * @mirrors fs/overlayfs/readdir.c:ovl_dir_read_merged
 */
import { DT_CHR, DT_REG, DT_UNKNOWN, S_IFMT } from '../sys/constants.js'
import { readDirents } from '../sys/dirents.js'
import { close, openDirRead } from '../sys/open.js'
import { FileStat } from '../sys/stat.js'
import { lacksXattr, readXattr } from '../sys/xattr.js'
import { isWhName } from '../whiteout/wh-prefix.js'
import type { OverlayContext } from './context.js'
import { DirListing } from './dir-listing.js'
import type { LayerDir } from './layer.js'
import type { DirNode } from './node.js'
import { FOUND, honoursWh, probe } from './probe.js'

/** Type of a hidden name while merging: no errno. */
const HIDDEN = -1000
const WH_PREFIX_LENGTH = '.wh.'.length
const scratch = new FileStat()

/**
 * Read and merge the names of a directory.
 * @returns the listing, or -errno
 */
export function readMerged(ctx: OverlayContext, dir: DirNode): DirListing | number {
  const sources = dir.upper === null ? dir.lowers : [dir.upper, ...dir.lowers]
  const [only] = sources
  if (sources.length === 1 && only !== undefined) return readSingle(ctx, dir, only)
  const merged = new Map<string, number>()
  let lowest: string[] = []
  for (const [i, source] of sources.entries()) {
    const isLowest = i === sources.length - 1
    const names: string[] = []
    const result = mergeLayer(ctx, source, isLowest, merged, names)
    if (result < 0) return result
    if (isLowest) lowest = names
  }
  return order(merged, lowest)
}

function order(merged: ReadonlyMap<string, number>, lowest: readonly string[]): DirListing {
  const names: string[] = []
  const types: number[] = []
  const inLowest = new Set(lowest)
  for (const name of lowest) {
    const type = merged.get(name) ?? HIDDEN
    if (type === HIDDEN) continue
    names.push(name)
    types.push(type)
  }
  for (const [name, type] of merged) {
    if (type === HIDDEN || inLowest.has(name)) continue
    names.push(name)
    types.push(type)
  }
  return new DirListing(names, types, null)
}

/** Add one layer's names to the merge. `names` receives those it has itself. */
function mergeLayer(
  ctx: OverlayContext,
  source: LayerDir,
  isLowest: boolean,
  merged: Map<string, number>,
  names: string[],
): number {
  const wh = honoursWh(ctx, source)
  const hiddenBelow: string[] = []
  const xattrWhiteouts = isLowest ? 0 : hasXattrWhiteoutMark(ctx, source)
  if (xattrWhiteouts < 0) return xattrWhiteouts
  let failed = 0
  const result = eachName(ctx, source, (name, type) => {
    if (wh && isWhName(name)) {
      hiddenBelow.push(name.slice(WH_PREFIX_LENGTH))
      return
    }
    names.push(name)
    if (merged.has(name)) return
    const suspect =
      type === DT_CHR || type === DT_UNKNOWN || (xattrWhiteouts === 1 && type === DT_REG)
    const visible = suspect ? visibleType(ctx, source, name) : type
    if (visible < 0 && visible !== HIDDEN) failed = visible
    merged.set(name, visible)
  })
  if (failed < 0) return failed
  // Only after the whole layer: a `.wh.` file never hides an entry of its own layer.
  for (const name of hiddenBelow) if (!merged.has(name)) merged.set(name, HIDDEN)
  return result
}

/** Whether a directory says that it may hold whiteouts in xattr form. 1, 0 or -errno */
function hasXattrWhiteoutMark(ctx: OverlayContext, source: LayerDir): number {
  if (source.layer.index === 0 && ctx.work?.form !== 'xattr') return 0
  const fd = ctx.fds.fd(source)
  if (fd < 0) return fd
  for (const prefix of ctx.xattrNames.prefixes) {
    const value = readXattr(fd, '', `${prefix}opaque`)
    if (value === 'x') return 1
    if (typeof value === 'number' && !lacksXattr(value)) return value
  }
  return 0
}

/** DT_* type of a name that may be a whiteout; HIDDEN if it is one, or -errno. */
function visibleType(ctx: OverlayContext, source: LayerDir, name: string): number {
  const seen = probe(ctx, source, name, scratch)
  if (seen < 0) return seen
  return seen === FOUND ? (scratch.mode & S_IFMT) >>> 12 : HIDDEN
}

/** Visit the raw names of one layer directory. Collected first: visitors make system calls. */
function eachName(
  ctx: OverlayContext,
  source: LayerDir,
  visit: (name: string, type: number) => void,
): number {
  if (source.names !== null) {
    for (const [name, type] of source.names.types) visit(name, type)
    return 0
  }
  const dirfd = ctx.fds.fd(source)
  if (dirfd < 0) return dirfd
  const fd = openDirRead(dirfd)
  if (fd < 0) return fd
  const result = readDirents(fd, (name, type) => {
    visit(name, type)
  })
  close(fd)
  return result
}

function readSingle(ctx: OverlayContext, dir: DirNode, source: LayerDir): DirListing | number {
  const dirfd = ctx.fds.fd(source)
  if (dirfd < 0) return dirfd
  const fd = openDirRead(dirfd)
  if (fd < 0) return fd
  const names: string[] = []
  const types: number[] = []
  const wh = honoursWh(ctx, source)
  const rawInos = !dir.impure && !dir.hasOrigin
  const inos: number[] = []
  const suspects: number[] = []
  const result = readDirents(fd, (name, type, inoLo, inoHi) => {
    if (wh && isWhName(name)) return
    if (type === DT_CHR || type === DT_UNKNOWN) suspects.push(names.length)
    names.push(name)
    types.push(type)
    if (rawInos) inos.push(inoLo, ctx.inodeNumbers.high(inoHi, source.layer.fsid))
  })
  close(fd)
  if (result < 0) return result
  const listing = new DirListing(names, types, rawInos ? inos : null)
  for (const place of suspects) {
    const name = names[place]
    if (name === undefined) continue
    const type = visibleType(ctx, source, name)
    if (type === HIDDEN) listing.remove(name)
    else if (type < 0) return type
    else listing.add(name, type)
  }
  return listing
}
