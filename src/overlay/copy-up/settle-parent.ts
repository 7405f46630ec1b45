/** What follows for a directory when an entry was copied up into it. */
import type { FileStat } from '../../sys/stat.js'
import type { OverlayContext } from '../context.js'
import type { DirNode } from '../node.js'
import { copyTimes } from './metadata.js'

/**
 * Copying up is not a change the user made: the parent's times stay. Best effort, as in the kernel.
 * @param before stat of the upper directory before
 */
export function settleParent(
  ctx: OverlayContext,
  parent: DirNode,
  upperFd: number,
  before: FileStat,
): void {
  copyTimes(before, upperFd, '')
  // Unseen by the VFS, the directory's change time is another, and it may have grown.
  if (parent.nlookup > 0) ctx.connection?.invalidateAttributes(parent.id)
}
