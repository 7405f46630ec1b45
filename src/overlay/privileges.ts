/**
 * Set-user-id and set-group-id, which a write or a change of owner takes away, and who may make the
 * kernel ask for that. A write does, and so does chown(2) to the present owner, by whomever: for FUSE
 * the kernel leaves out the check that only the owner may.
 */
import type { RequestContext } from '../fuse/raw-filesystem.js'
import { groupsOf } from '../sys/caller.js'
import { S_ISGID, S_ISUID, S_IXGRP } from '../sys/constants.js'
import { EPERM } from '../sys/errno.js'
import { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import { layerOf, locate, makeLocation } from './location.js'
import type { FileNode, Node } from './node.js'
import { changeMode, dropStoredCapability, statShown } from './override-stat.js'
import { creatorId, isSquashed } from './ownership.js'

/** Who asks; ids as the request has them. */
export type Caller = Pick<RequestContext, 'uid' | 'gid' | 'pid'>

const place = makeLocation()
const stat = new FileStat()

/** Whether a caller is root, or in the group that a file on disk has. */
function isMember(ctx: OverlayContext, caller: Caller, gid: number): boolean {
  const { gidMap } = ctx.options
  if (caller.uid === 0 || creatorId(gidMap, caller.gid) === gid) return true
  return groupsOf(caller.pid).some((group) => creatorId(gidMap, group) === gid)
}

/**
 * The mode bits that a write by an unprivileged caller takes away. Set-group-id of a file that its
 * group cannot execute is no privilege, but only members of the group may have it so.
 * @mirrors fs/attr.c:setattr_should_drop_suidgid
 */
function droppedBits(ctx: OverlayContext, caller: Caller, { mode, gid }: FileStat): number {
  return (mode & S_ISUID) | (dropsSgid(ctx, caller, mode, gid) ? S_ISGID : 0)
}

function dropsSgid(ctx: OverlayContext, caller: Caller, mode: number, gid: number): boolean {
  if ((mode & S_ISGID) === 0) return false
  return (mode & S_IXGRP) !== 0 || !isMember(ctx, caller, gid)
}

/**
 * Take set-user-id and set-group-id from a file in upper, as a write by an unprivileged caller does.
 * @returns 0 or -errno
 */
export function killSuidSgid(ctx: OverlayContext, node: FileNode, caller: Caller): number {
  const found = locate(ctx, node, place)
  if (found < 0) return found
  const seen = statShown(layerOf(ctx, node), place.fd, place.name, stat)
  if (seen < 0) return seen
  dropStoredCapability(ctx, place.fd, place.name)
  const dropped = droppedBits(ctx, caller, stat)
  if (dropped === 0) return 0
  return changeMode(ctx, place.fd, place.name, stat.mode & 0o7777 & ~dropped)
}

/**
 * Whether chown(2) by a caller takes set-group-id, beyond what the file system does: that sees root
 * call, who keeps it where the group cannot execute the file.
 * @param before the file before the change
 * @mirrors fs/attr.c:setattr_should_drop_sgid
 */
export function chownDropsSgid(ctx: OverlayContext, caller: Caller, before: FileStat): boolean {
  if ((before.mode & S_IXGRP) !== 0) return false
  return dropsSgid(ctx, caller, before.mode, before.gid)
}

/**
 * Whether a caller may take a file's privileges away without changing anything else: the owner, root,
 * and anyone while the file is open for writing, since a write looks the same and must do it.
 * @returns 0, EPERM, or another -errno
 */
export function mayDropPrivileges(ctx: OverlayContext, node: Node, caller: Caller): number {
  if (caller.uid === 0 || node.isDir || node.writers > 0 || isSquashed(ctx.options)) return 0
  const found = locate(ctx, node, place)
  const seen = found < 0 ? found : statShown(layerOf(ctx, node), place.fd, place.name, stat)
  if (seen < 0) return seen
  if (creatorId(ctx.options.uidMap, caller.uid) === stat.uid) return 0
  return droppedBits(ctx, caller, stat) === 0 ? 0 : -EPERM
}
