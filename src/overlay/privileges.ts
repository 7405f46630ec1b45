/**
 * Who may make the kernel ask for set-user-id and set-group-id to go. A write does, and so does
 * chown(2) to the present owner, by whomever: for FUSE the kernel leaves out the check that only the
 * owner may.
 */
import { S_ISGID, S_ISUID, S_IXGRP } from '../sys/constants.js'
import { EPERM } from '../sys/errno.js'
import { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import { layerOf, locate, makeLocation } from './location.js'
import type { Node } from './node.js'
import { statShown } from './override-stat.js'
import { creatorId, isSquashed } from './ownership.js'

const place = makeLocation()
const stat = new FileStat()

/** The mode bits that a write by an unprivileged user takes away. */
export function privilegedBits(mode: number): number {
  return mode & (S_ISUID | ((mode & S_IXGRP) !== 0 ? S_ISGID : 0))
}

/**
 * Whether a caller may take a file's privileges away without changing anything else: the owner, root,
 * and anyone while the file is open for writing, since a write looks the same and must do it.
 * @returns 0, EPERM, or another -errno
 */
export function mayDropPrivileges(ctx: OverlayContext, node: Node, uid: number): number {
  if (uid === 0 || node.isDir || node.writers > 0 || isSquashed(ctx.options)) return 0
  const found = locate(ctx, node, place)
  const seen = found < 0 ? found : statShown(layerOf(ctx, node), place.fd, place.name, stat)
  if (seen < 0) return seen
  if (privilegedBits(stat.mode) === 0) return 0
  return creatorId(ctx.options.uidMap, uid) === stat.uid ? 0 : -EPERM
}
