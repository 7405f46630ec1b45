/**
 * Giving a file of the index one more of its names in upper.
 * @mirrors fs/overlayfs/copy_up.c:ovl_link_up
 */
import { actAsSelf } from '../../sys/creds.js'
import { ESTALE } from '../../sys/errno.js'
import { linkAt } from '../../sys/node.js'
import { FileStat, isThere, statAt } from '../../sys/stat.js'
import type { OverlayContext } from '../context.js'
import { markImpure } from '../marks.js'
import type { FileNode } from '../node.js'
import { storeUnionNlink } from '../union-nlink.js'
import { settleParent } from './settle-parent.js'

const stat = new FileStat()

/**
 * Have the name of `node` that is used now in upper. The union's link count stays: until upper's has
 * grown it is kept relative to lower's.
 * @precondition the name's directory is in upper, or the file has lost all known names
 * @returns 0 or -errno
 */
export function linkUp(ctx: OverlayContext, node: FileNode): number {
  const { parent, name } = node
  if (parent === null) return 0
  if (parent.upper === null || ctx.index === null) return -ESTALE
  const dirfd = ctx.fds.fd(parent.upper)
  if (dirfd < 0) return dirfd
  const there = isThere(dirfd, name, stat)
  if (there !== 0) return Math.min(0, there)
  actAsSelf()
  let result = markImpure(ctx, parent)
  if (result === 0) result = storeUnionNlink(ctx, node, 'L')
  if (result === 0) result = statAt(dirfd, '', stat)
  if (result === 0) result = linkAt(ctx.index.fd, node.indexName, dirfd, name)
  if (result < 0) return result
  settleParent(ctx, parent, dirfd, stat)
  return storeUnionNlink(ctx, node, 'U')
}
