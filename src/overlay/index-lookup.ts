/**
 * Finding a lower hard link's copy in the index. A name that only a lower layer has may be one of a
 * file that was copied up under another name; a name in upper may be the one of a copy that other
 * names share.
 * @mirrors fs/overlayfs/namei.c:ovl_lookup_index
 */
import { S_IFMT, S_IFREG } from '../sys/constants.js'
import { EIO, ENOENT } from '../sys/errno.js'
import { FileStat, statAt } from '../sys/stat.js'
import { getXattr, lacksXattr, readXattr } from '../sys/xattr.js'
import { isWhiteoutDevice } from '../whiteout/whiteout.js'
import type { OverlayContext } from './context.js'
import { type IndexDir, indexNameOf } from './index-dir.js'
import { encodeOrigin } from './origin.js'
import { redirectOf } from './redirect.js'
import type { Resolution } from './resolution.js'
import { readUnionNlink } from './union-nlink.js'

const entryStat = new FileStat()

/**
 * Stat an index entry into `entryStat`.
 * @param type S_IFMT bits of the lower object
 * @returns 1 if it is there, 0, or -errno: EIO for one of another type
 */
function statEntry(index: IndexDir, name: string, type: number): number {
  const seen = statAt(index.fd, name, entryStat)
  if (seen < 0) return seen === -ENOENT ? 0 : seen
  if (isWhiteoutDevice(entryStat) || (entryStat.mode & S_IFMT) !== type) return -EIO
  return 1
}

/** Note what is known of the entry in `entryStat`. Returns 0 or -errno. */
function take(ctx: OverlayContext, index: IndexDir, name: string, out: Resolution): number {
  const links = { upper: entryStat.nlink, lower: out.lowerNlink, fallback: entryStat.nlink }
  const count = readUnionNlink(index.fd, name, `${ctx.xattrNames.prefix}nlink`, links)
  if (count < 0) return count
  out.indexName = name
  out.indexed = true
  out.unionNlink = count
  return 0
}

/**
 * Whether an upper file is the copy in the index of the lower object it comes from.
 * @param origin its origin mark, `lower` the stat of what that names, on file system `fsid`
 * @returns 0 or -errno
 */
export function findIndexOfUpper(
  ctx: OverlayContext,
  origin: string,
  lower: FileStat,
  fsid: number,
  out: Resolution,
): number {
  if (ctx.index === null) return 0
  const name = indexNameOf(origin)
  const there = statEntry(ctx.index, name, lower.mode & S_IFMT)
  if (there <= 0) return there
  if (entryStat.inoLo !== out.stat.inoLo || entryStat.inoHi !== out.stat.inoHi) return 0
  out.lowerNlink = lower.nlink
  out.setOrigin(lower, fsid)
  return take(ctx, ctx.index, name, out)
}

/**
 * Have a name of a lower hard link, found in no upper directory, mean the copy, if there is one.
 * @returns 0 or -errno
 */
export function findIndexOfLower(ctx: OverlayContext, out: Resolution): number {
  const { index } = ctx
  if (index === null || out.lowerDir === null) return 0
  const { layer } = out.lowerDir
  const dirfd = ctx.fds.fd(out.lowerDir)
  const origin = dirfd < 0 ? dirfd : encodeOrigin(layer, dirfd, out.lowerName)
  if (typeof origin === 'number') return origin
  // Handles were to be had when the layer was mounted.
  if (origin === '') return -EIO
  const name = indexNameOf(origin)
  out.indexName = name
  const there = statEntry(index, name, out.stat.mode & S_IFMT)
  if (there <= 0) return there
  const taken = take(ctx, index, name, out)
  if (taken < 0) return taken
  out.setOrigin(out.stat, layer.fsid)
  return showEntry(ctx, index, name, out)
}

/** The copy shows instead of the lower object. Returns 0 or -errno. */
function showEntry(ctx: OverlayContext, index: IndexDir, name: string, out: Resolution): number {
  const { prefix } = ctx.xattrNames
  const redirect = readXattr(index.fd, name, `${prefix}redirect`)
  if (typeof redirect === 'number' && !lacksXattr(redirect)) return redirect
  out.redirect = typeof redirect === 'string' ? redirectOf(redirect) : null
  const isRegular = (entryStat.mode & S_IFMT) === S_IFREG
  const marked = isRegular ? getXattr(index.fd, name, `${prefix}metacopy`, 0, 0) : -1
  if (isRegular && marked < 0 && !lacksXattr(marked)) return marked
  if (marked < 0) out.dataDir = null
  else if (!out.metacopy) {
    out.dataDir = out.lowerDir
    out.dataName = out.lowerName
    out.dataBlocks = out.stat.blocks
  }
  out.metacopy = marked >= 0
  out.inUpper = true
  out.bare = false
  Object.assign(out.stat, entryStat)
  return 0
}
