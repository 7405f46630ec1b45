/**
 * From the real object's stat to what the mount shows: stable inode numbers, link counts of merged
 * directories, mapped owners.
 * @mirrors fs/overlayfs/inode.c:ovl_getattr
 */
import type { AttrReply, Attributes, Entry } from '../fuse/raw-filesystem.js'
import type { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import type { Node } from './node.js'
import { shownId } from './ownership.js'

/** Layer number of the file system that the shown inode number is of. */
function fsidOf(node: Node): number {
  if (node.isDir) return node.upper === null ? (node.lowers[0]?.layer.fsid ?? 0) : 0
  return node.inUpper ? 0 : (node.lowerDir?.layer.fsid ?? 0)
}

/** Write what stat shows for `node`, whose real object has `stat`, into `out`. */
export function fillAttributes(
  ctx: OverlayContext,
  node: Node,
  stat: FileStat,
  out: Attributes,
): void {
  const { options } = ctx
  if (node.hasOrigin) {
    out.inoLo = node.originLo
    out.inoHi = ctx.inodeNumbers.high(node.originHi, node.originFsid)
  } else {
    out.inoLo = stat.inoLo
    out.inoHi = ctx.inodeNumbers.high(stat.inoHi, fsidOf(node))
  }
  out.sizeBytes = stat.sizeBytes
  out.blocks = stat.blocks
  out.atimeSec = stat.atimeSec
  out.atimeNsec = stat.atimeNsec
  out.mtimeSec = stat.mtimeSec
  out.mtimeNsec = stat.mtimeNsec
  out.ctimeSec = stat.ctimeSec
  out.ctimeNsec = stat.ctimeNsec
  out.btimeSec = stat.btimeSec
  out.btimeNsec = stat.btimeNsec
  out.mode = stat.mode
  out.nlink = node.isDir && (node.merged || options.staticNlink) ? 1 : stat.nlink
  out.uid = shownId(options.uidMap, options.squashUid, stat.uid)
  out.gid = shownId(options.gidMap, options.squashGid, stat.gid)
  out.rdevMajor = stat.rdevMajor
  out.rdevMinor = stat.rdevMinor
  out.blksize = stat.blksize
}

/** Fill an entry for `node`, counting one more lookup of it. */
export function fillEntry(ctx: OverlayContext, node: Node, stat: FileStat, out: Entry): void {
  out.nodeid = node.id
  out.entryTtlSec = ctx.ttlSec
  out.attrTtlSec = ctx.ttlSec
  fillAttributes(ctx, node, stat, out.attributes)
  node.nlookup += 1
}

/** Fill a GETATTR or SETATTR reply. */
export function fillAttrReply(
  ctx: OverlayContext,
  node: Node,
  stat: FileStat,
  out: AttrReply,
): void {
  out.attrTtlSec = ctx.ttlSec
  fillAttributes(ctx, node, stat, out.attributes)
}
