/**
 * Replacing a directory that shows nothing, but holds whiteouts, by a clean opaque one: built in
 * work, exchanged in one step, the old one emptied where nobody looks.
 * @mirrors fs/overlayfs/dir.c:ovl_clear_empty
 */
import { RENAME_EXCHANGE } from '../sys/constants.js'
import { actAsSelf, useUmask } from '../sys/creds.js'
import { EROFS, ESTALE } from '../sys/errno.js'
import { mkdirAt } from '../sys/node.js'
import { FileStat } from '../sys/stat.js'
import { setOpaque } from '../whiteout/opaque.js'
import type { OverlayContext } from './context.js'
import { copyMode, copyOwner, copyTimes, copyXattrs } from './copy-up/metadata.js'
import type { DirNode } from './node.js'
import { statShown } from './override-stat.js'

/**
 * @precondition the directory is in upper, where xattrs can be written, and shows no names
 * @returns 0 or -errno
 */
export function clearEmpty(ctx: OverlayContext, dir: DirNode): number {
  const { work } = ctx
  if (work === null) return -EROFS
  if (dir.upper === null || dir.parent?.upper == null) return -ESTALE
  const parentFd = ctx.fds.fd(dir.parent.upper)
  if (parentFd < 0) return parentFd
  const stat = new FileStat()
  let result = statShown(ctx.upper, parentFd, dir.name, stat)
  if (result < 0) return result
  const temp = work.tempName()
  actAsSelf()
  useUmask(0)
  result = mkdirAt(work.fd, temp, 0o700)
  if (result < 0) return result
  result = copyOwner(ctx, stat, work.fd, temp)
  if (result === 0) result = copyXattrs(ctx, parentFd, dir.name, work.fd, temp)
  if (result === 0) result = copyMode(ctx, stat, work.fd, temp)
  // By the xattr alone: a file in it would be in the way again.
  if (result === 0) result = setOpaque(work.fd, temp, ctx.xattrNames.prefix)
  if (result === 0) result = copyTimes(stat, work.fd, temp)
  if (result === 0) result = work.install(temp, parentFd, dir.name, RENAME_EXCHANGE)
  work.discard(temp)
  if (result < 0) return result
  ctx.fds.release(dir.upper)
  dir.opaque = true
  dir.impure = false
  dir.redirect = null
  dir.lowers = []
  return 0
}
