/**
 * The move itself, in one system call where the file system knows RENAME_WHITEOUT. Elsewhere, and with
 * whiteouts of other forms, in steps whose order keeps the source from being lost: what a crash between
 * them leaves is the old state, or the new one with both names.
 */
import { RENAME_EXCHANGE, RENAME_WHITEOUT } from '../../sys/constants.js'
import { EINVAL, ENOENT } from '../../sys/errno.js'
import { renameAt, unlinkAt } from '../../sys/node.js'
import { FileStat, statAt } from '../../sys/stat.js'
import { removeWh } from '../../whiteout/aufs.js'
import type { OverlayContext } from '../context.js'
import type { WorkDir } from '../workdir.js'
import type { RenamePlan } from './plan.js'

/** What is moved where: names in upper directories. */
export interface Move {
  readonly work: WorkDir
  readonly oldFd: number
  readonly oldName: string
  readonly newFd: number
  readonly newName: string
  /** A `.wh.` file of upper may hide the new name. */
  readonly overWh: boolean
}

const scratch = new FileStat()

/**
 * Move an upper object as planned.
 * @param overDir the new name is that of an upper directory that shows nothing
 * @returns 0 or -errno
 */
export function moveObject(
  ctx: OverlayContext,
  move: Move,
  plan: RenamePlan,
  overDir: boolean,
): number {
  const leavesWhiteout = (plan.flags & RENAME_WHITEOUT) !== 0
  const result = move.work.form === 'wh-file' ? moveWithWhFile() : moveWithObject()
  // A `.wh.` file of an upper that another program wrote hides nothing any more.
  if (result === 0 && move.overWh) removeWh(move.newFd, move.newName)
  return result

  function moveWithWhFile(): number {
    const { work, oldFd, oldName } = move
    const placed = leavesWhiteout ? work.linkWhiteout(oldFd, oldName) : 0
    if (placed < 0) return placed
    const moved = moveOver(plan.flags & ~RENAME_WHITEOUT)
    if (moved < 0 && leavesWhiteout) removeWh(oldFd, oldName)
    return moved
  }

  function moveWithObject(): number {
    if (!leavesWhiteout) return moveOver(plan.flags)
    const { work, oldFd, oldName, newFd, newName } = move
    if (work.form === 'device' && (ctx.canMark || !overDir)) {
      const moved = renameAt(oldFd, oldName, newFd, newName, plan.flags)
      if (moved !== -EINVAL) return moved
    }
    return exchangeWithWhiteout(move)
  }

  /** Without a whiteout to leave. A directory that cannot be emptied beforehand goes aside. */
  function moveOver(flags: number): number {
    const { work, oldFd, oldName, newFd, newName } = move
    const asideFirst = overDir && plan.clearTarget && !ctx.canMark && flags === 0
    if (!asideFirst) return renameAt(oldFd, oldName, newFd, newName, flags)
    const aside = work.tempName()
    const away = renameAt(newFd, newName, work.fd, aside, 0)
    if (away < 0) return away
    const moved = renameAt(oldFd, oldName, newFd, newName, 0)
    if (moved < 0) renameAt(work.fd, aside, newFd, newName, 0)
    else work.discard(aside)
    return moved
  }
}

/** Leave a whiteout by exchanging the object with one, or with what it replaces. */
function exchangeWithWhiteout(move: Move): number {
  const { work, oldFd, oldName, newFd, newName } = move
  const seen = statAt(newFd, newName, scratch)
  if (seen === -ENOENT) {
    const placed = work.linkWhiteout(newFd, newName)
    if (placed < 0) return placed
    const swapped = renameAt(oldFd, oldName, newFd, newName, RENAME_EXCHANGE)
    if (swapped === 0) return 0
    unlinkAt(newFd, newName)
    return swapped === -EINVAL ? moveThenHide(move) : swapped
  }
  if (seen < 0) return seen
  const isDir = (scratch.mode & 0o170000) === 0o040000
  const swapped = renameAt(oldFd, oldName, newFd, newName, RENAME_EXCHANGE)
  if (swapped === -EINVAL) return moveThenHide(move)
  return swapped < 0 ? swapped : work.replaceByWhiteout(oldFd, oldName, isDir ? 'dir' : 'file')
}

/** For file systems that cannot exchange names. */
function moveThenHide({ work, oldFd, oldName, newFd, newName }: Move): number {
  const moved = renameAt(oldFd, oldName, newFd, newName, 0)
  return moved < 0 ? moved : work.linkWhiteout(oldFd, oldName)
}
