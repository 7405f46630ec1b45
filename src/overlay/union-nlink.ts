/**
 * Link counts of files in the index: the names of the lower inode that are still as they were, and
 * those in upper. On disk that is the difference to a real link count, upper's or lower's. It is
 * written before the operation that changes the count, relative to the real count that changes with
 * it, or, where the union's stays, to the one that does not change. So a crash at any point leaves it right.
 * @mirrors fs/overlayfs/util.c:ovl_nlink_start, fs/overlayfs/inode.c:ovl_set_nlink_common
 */
import { ESTALE } from '../sys/errno.js'
import { unlinkAt } from '../sys/node.js'
import { FileStat, statAt } from '../sys/stat.js'
import { lacksXattr, readXattr, writeXattr } from '../sys/xattr.js'
import { openLog } from '../util/debug.js'
import type { OverlayContext } from './context.js'
import type { FileNode } from './node.js'

const log = openLog('node')
const FORM = /^[UL][+-][0-9]+$/
const stat = new FileStat()

/** What the count is told relative to: the links of upper's inode (the index entry is one), or lower's. */
export type NlinkBase = 'U' | 'L'

/** Text of a count that is `diff` above its base. */
export function unionNlinkText(base: NlinkBase, diff: number): string {
  return `${base}${diff < 0 ? '-' : '+'}${String(Math.abs(diff))}`
}

/**
 * Read the count of an index entry.
 * @returns the count; `fallback` where there is none, or none that can be; or -errno
 * @mirrors fs/overlayfs/inode.c:ovl_get_nlink
 */
export function readUnionNlink(
  indexFd: number,
  name: string,
  key: string,
  links: { readonly upper: number; readonly lower: number; readonly fallback: number },
): number {
  if (links.lower === 1) return links.fallback
  const value = readXattr(indexFd, name, key)
  if (typeof value === 'number') return lacksXattr(value) ? links.fallback : value
  const end = value.indexOf('\n')
  const text = end < 0 ? value : value.slice(0, end)
  if (!FORM.test(text)) return links.fallback
  const count = (text.startsWith('L') ? links.lower : links.upper) + Number(text.slice(1))
  return count > 0 ? count : links.fallback
}

/**
 * Note a file's count on disk, before what changes one of the counts.
 * @returns 0 or -errno
 */
export function storeUnionNlink(ctx: OverlayContext, node: FileNode, base: NlinkBase): number {
  if (ctx.index === null || !node.indexed) return -ESTALE
  const { fd } = ctx.index
  const seen = base === 'L' ? 0 : statAt(fd, node.indexName, stat)
  if (seen < 0) return seen
  const diff = node.unionNlink - (base === 'L' ? node.lowerNlink : stat.nlink)
  return writeXattr(fd, node.indexName, `${ctx.xattrNames.prefix}nlink`, unionNlinkText(base, diff))
}

/**
 * A name of a file in the index is gone, from upper and from the union. With the last one the entry
 * goes, too.
 */
export function dropUnionLink(ctx: OverlayContext, node: FileNode): void {
  node.unionNlink -= 1
  if (node.unionNlink === 0) cleanIndexEntry(ctx, node)
}

/**
 * Best effort: the next mount removes what stays.
 * @mirrors fs/overlayfs/util.c:ovl_cleanup_index
 */
function cleanIndexEntry(ctx: OverlayContext, node: FileNode): void {
  if (ctx.index === null) return
  const { fd } = ctx.index
  const seen = statAt(fd, node.indexName, stat)
  if (seen === 0 && stat.nlink !== 1) {
    // Someone has added names to the lower inode meanwhile: what upper has of them counts.
    node.unionNlink = stat.nlink - 1
    const stored = storeUnionNlink(ctx, node, 'U')
    if (stored < 0) log('index entry %s: link count not stored: %d', node.indexName, stored)
    return
  }
  const removed = seen < 0 ? seen : unlinkAt(fd, node.indexName)
  if (removed < 0) log('index entry %s stays: %d', node.indexName, removed)
  node.indexed = false
  ctx.nodes.setIndexName(node, '')
}
