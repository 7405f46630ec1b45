/**
 * From the real object's stat to what the mount shows: stable inode numbers, link counts of merged
 * directories, mapped owners.
 * @mirrors fs/overlayfs/inode.c:ovl_getattr
 */
import type { AttrReply, Attributes, Entry } from '../fuse/raw-filesystem.js'
import type { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import type { FileNode, Node } from './node.js'
import { shownId } from './ownership.js'

/** Layer number of the file system that the shown inode number is of. */
function fsidOf(node: Node): number {
  if (node.isDir) return node.upper === null ? (node.lowers[0]?.layer.fsid ?? 0) : 0
  return node.inUpper ? 0 : (node.lowerDir?.layer.fsid ?? 0)
}

function linksOf({ options }: OverlayContext, node: Node, stat: FileStat): number {
  if (node.isDir) return node.merged || options.staticNlink ? 1 : stat.nlink
  return node.indexed ? node.unionNlink : stat.nlink
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
  out.nlink = linksOf(ctx, node, stat)
  out.uid = shownId(options.uidMap, options.squashUid, stat.uid)
  out.gid = shownId(options.gidMap, options.squashGid, stat.gid)
  out.rdevMajor = stat.rdevMajor
  out.rdevMinor = stat.rdevMinor
  out.blksize = stat.blksize
}

/**
 * Fill an entry for `node`, counting one more lookup of it.
 *
 * After an unlink the VFS takes one from the link count it has. A lookup that is answered between
 * ours and that may have told the new count already; the VFS would come to 0 for a file that has
 * another name, and refuse to link it. So a lookup soon after an unlink tells one link more, for an
 * attribute lifetime of nothing: who asks for the count gets the true one from GETATTR. Names of
 * files that have several are looked up each time, so that no wrong count stays.
 * @mirrors fs/fuse/dir.c:fuse_entry_unlinked
 */
export function fillEntry(ctx: OverlayContext, node: Node, stat: FileStat, out: Entry): void {
  out.nodeid = node.id
  out.entryTtlSec = ctx.ttlSec
  out.attrTtlSec = ctx.ttlSec
  fillAttributes(ctx, node, stat, out.attributes)
  node.nlookup += 1
  if (node.isDir) return
  // Which of its names is used next decides what upper gets.
  if (node.indexName !== '') out.entryTtlSec = 0
  if (!node.inUpper) return
  if (isUnlinkRecent(node)) {
    out.entryTtlSec = 0
    out.attrTtlSec = 0
    out.attributes.nlink += 1
  } else if (stat.nlink > 1) {
    out.entryTtlSec = 0
  }
}

/** How long after an unlink the VFS may still be about to count it, in ms. */
const UNLINK_SETTLES_MS = 5000

function isUnlinkRecent(node: FileNode): boolean {
  if (node.unlinkedMs === 0) return false
  if (performance.now() - node.unlinkedMs < UNLINK_SETTLES_MS) return true
  node.unlinkedMs = 0
  return false
}

/** Fill a GETATTR or SETATTR reply. */
export function fillAttrReply(
  ctx: OverlayContext,
  node: Node,
  stat: FileStat,
  out: AttrReply,
): void {
  out.attrTtlSec = node.isDir || !isUnlinkRecent(node) ? ctx.ttlSec : 0
  fillAttributes(ctx, node, stat, out.attributes)
}
