/**
 * Owners as the mount shows them and as the disk holds them: id maps and squashing. Without either,
 * ids pass unchanged.
 */
import type { IdRange, OverlayOptions } from './options.js'

/** Shown for an id that no range covers. @mirrors /proc/sys/kernel/overflowuid */
const OVERFLOW_ID = 65534
/** "Leave as it is" in chown. */
const KEEP = 0xffffffff

/** The id shown for one on disk. */
export function shownId(ranges: readonly IdRange[], squash: number | null, host: number): number {
  if (squash !== null) return squash
  if (ranges.length === 0) return host
  for (const range of ranges) {
    if (host >= range.host && host < range.host + range.count)
      return host - range.host + range.shown
  }
  return OVERFLOW_ID
}

/** The id on disk for one that a caller gave; null when no range covers it. */
export function hostId(ranges: readonly IdRange[], shown: number): number | null {
  if (ranges.length === 0 || shown === KEEP) return shown
  for (const range of ranges) {
    if (shown >= range.shown && shown < range.shown + range.count) {
      return shown - range.shown + range.host
    }
  }
  return null
}

/**
 * The id on disk for one that makes a new object. One that no range covers (the engine itself, outside
 * the container) makes it too, owned by the overflow id until it is given away.
 * @mirrors fuse-overlayfs
 */
export function creatorId(ranges: readonly IdRange[], shown: number): number {
  return hostId(ranges, shown) ?? OVERFLOW_ID
}

/** Whether chown has no effect because every owner is shown as one id. */
export function isSquashed(options: OverlayOptions): boolean {
  return options.squashUid !== null || options.squashGid !== null
}
