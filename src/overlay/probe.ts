/**
 * One name in one directory of one layer: absent, hidden by a whiteout, or there. All whiteout forms
 * are told apart here and nowhere else.
 * @mirrors fs/overlayfs/namei.c:ovl_lookup_single
 */
import { ENAMETOOLONG, ENOENT } from '../sys/errno.js'
import { FileStat, isThere, statAt } from '../sys/stat.js'
import { isWhName, whNameOf } from '../whiteout/wh-prefix.js'
import { isWhiteoutDevice, isXattrWhiteout, mayBeXattrWhiteout } from '../whiteout/whiteout.js'
import type { OverlayContext } from './context.js'
import type { LayerDir } from './layer.js'
import { readLayerNames } from './layer-names.js'
import { showOverride } from './override-stat.js'

export const ABSENT = 0
export const WHITEOUT = 1
export const FOUND = 2

/** After so many fruitless probes a lower directory's names are read as a whole. */
const MISSES_BEFORE_READING = 6

const whStat = new FileStat()

/** Whether layers below are looked at after this one. */
export type ProbePlace = 'above' | 'last'

/** Whether AUFS-style names count in a layer. */
export function honoursWh(ctx: OverlayContext, dir: LayerDir): boolean {
  return dir.layer.index > 0 || ctx.options.whPrefix === 'all'
}

/**
 * Look for `name` in one layer directory.
 * @param place `last`: nothing below could be hidden, so an AUFS-style whiteout does not matter
 * @param stat filled when the result is FOUND
 * @returns ABSENT, WHITEOUT, FOUND or -errno
 */
export function probe(
  ctx: OverlayContext,
  dir: LayerDir,
  name: string,
  stat: FileStat,
  place: ProbePlace = 'above',
): number {
  const wh = honoursWh(ctx, dir)
  if (wh && isWhName(name)) return ABSENT
  if (dir.names !== null && !dir.names.types.has(name)) {
    return dir.names.hasWh && dir.names.types.has(whNameOf(name)) ? WHITEOUT : ABSENT
  }
  const fd = ctx.fds.fd(dir)
  if (fd < 0) return fd
  const result = statAt(fd, name, stat)
  if (result === 0) {
    const hidden = isWhiteoutDevice(stat) ? 1 : hasWhiteoutXattr(ctx, fd, name, stat)
    if (hidden !== 0) return hidden < 0 ? hidden : WHITEOUT
    const shown = dir.layer.override === null ? 0 : showOverride(dir.layer, fd, name, stat)
    return shown < 0 ? shown : FOUND
  }
  if (result !== -ENOENT && result !== -ENAMETOOLONG) return result
  return wh && place === 'above' ? missed(ctx, dir, fd, name) : ABSENT
}

/** 1, 0 or -errno */
function hasWhiteoutXattr(ctx: OverlayContext, fd: number, name: string, stat: FileStat): number {
  if (!mayBeXattrWhiteout(stat)) return 0
  for (const prefix of ctx.xattrNames.prefixes) {
    const hidden = isXattrWhiteout(fd, name, stat, prefix)
    if (hidden !== 0) return hidden
  }
  return 0
}

/** The name is not there: is it hidden by `.wh.NAME`? Reads all names once that pays. */
function missed(ctx: OverlayContext, dir: LayerDir, fd: number, name: string): number {
  dir.misses += 1
  if (dir.misses > MISSES_BEFORE_READING && dir.layer.index > 0 && ctx.ttlSec > 0) {
    const names = readLayerNames(fd)
    if (typeof names !== 'number') {
      dir.names = names
      return names.hasWh && names.types.has(whNameOf(name)) ? WHITEOUT : ABSENT
    }
  }
  const hidden = isThere(fd, whNameOf(name), whStat)
  if (hidden < 0) return hidden
  return hidden === 1 ? WHITEOUT : ABSENT
}
