/**
 * Deciding a rename, before anything is touched: plain data in, plain data out.
 * @mirrors fs/overlayfs/dir.c:ovl_rename
 */
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../../sys/constants.js'
import { EEXIST, EINVAL, EISDIR, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV } from '../../sys/errno.js'

/** What the plan needs to know of one side. */
export interface RenameSide {
  readonly isDir: boolean
  /** A directory with lower content: merged, or lower only. */
  readonly hasLower: boolean
  /** A file whose data stays in a lower layer. */
  readonly metacopy: boolean
  /** Upper directory that carries the opaque mark. */
  readonly opaque: boolean
  /** Has an origin, or gets one by being copied up. */
  readonly hasOrigin: boolean
  /** The lower layers show this name at this place. */
  readonly lowerPositive: boolean
  /** Its parent merges lower directories. */
  readonly parentMerged: boolean
}

export interface RenameQuestion {
  readonly source: RenameSide
  /** null when nothing visible has the new name. */
  readonly target: RenameSide | null
  /** Upper holds a whiteout under the new name. */
  readonly targetWhiteout: boolean
  /** The target is a directory that shows no names. */
  readonly targetEmpty: boolean
  readonly sameParent: boolean
  /** The new parent merges lower directories. */
  readonly newParentMerged: boolean
  /** RENAME_* as asked. */
  readonly flags: number
  readonly redirects: boolean
}

/** How a moved directory keeps lower content from showing, or, as a metadata-only file, its own. */
export type DirMark = 'none' | 'redirect' | 'opaque'

export interface RenamePlan {
  /** RENAME_* for the one system call that moves. */
  readonly flags: number
  /** The target must first be replaced by a clean opaque directory. */
  readonly clearTarget: boolean
  /** The target shows names of upper: the move itself will give ENOTEMPTY. */
  readonly targetInTheWay: boolean
  /** After an exchange, the whiteout that went to the old name has to be removed. */
  readonly dropOldWhiteout: boolean
  readonly sourceMark: DirMark
  readonly targetMark: DirMark
  readonly newParentImpure: boolean
  readonly oldParentImpure: boolean
}

function markFor(side: RenameSide, otherParentMerged: boolean): DirMark {
  if (!side.isDir) return side.metacopy ? 'redirect' : 'none'
  if (side.hasLower) return 'redirect'
  return !side.opaque && otherParentMerged ? 'opaque' : 'none'
}

function refuse(question: RenameQuestion): number {
  const { source, target, flags } = question
  if ((flags & RENAME_WHITEOUT) !== 0) return -EINVAL
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -EINVAL
  if (flags === (RENAME_NOREPLACE | RENAME_EXCHANGE)) return -EINVAL
  const exchange = (flags & RENAME_EXCHANGE) !== 0
  if (target === null) {
    if (exchange) return -ENOENT
  } else {
    if ((flags & RENAME_NOREPLACE) !== 0) return -EEXIST
    if (!exchange && source.isDir && !target.isDir) return -ENOTDIR
    if (!exchange && !source.isDir && target.isDir) return -EISDIR
  }
  return refuseDirs(question, exchange)
}

function refuseDirs(question: RenameQuestion, exchange: boolean): number {
  const { source, target } = question
  const moves = (side: RenameSide | null): boolean =>
    side === null || !side.isDir || !side.hasLower || question.redirects
  // Before ENOTEMPTY, and before anything is copied up: mv falls back on EXDEV alone.
  if (!moves(source) || (exchange && !moves(target))) return -EXDEV
  // A pure upper target is found not to be empty later, as in the kernel: once all is copied up.
  const merges = target?.isDir === true && target.hasLower
  return !exchange && merges && !question.targetEmpty ? -ENOTEMPTY : 0
}

/**
 * Decide a rename.
 * @returns the plan, or -errno: EINVAL, ENOENT, EEXIST, ENOTDIR, EISDIR, EXDEV, ENOTEMPTY
 */
export function planRename(question: RenameQuestion): RenamePlan | number {
  const refused = refuse(question)
  if (refused < 0) return refused
  const { source, target, sameParent, targetWhiteout } = question
  const exchange = (question.flags & RENAME_EXCHANGE) !== 0
  let flags = exchange ? RENAME_EXCHANGE : 0
  let dropOldWhiteout = false
  if (!exchange && source.lowerPositive) {
    // A directory cannot replace a device: there the two whiteouts change places.
    flags = targetWhiteout ? RENAME_EXCHANGE : RENAME_WHITEOUT
  } else if (!exchange && source.isDir && targetWhiteout) {
    flags = RENAME_EXCHANGE
    dropOldWhiteout = true
  }
  return {
    flags,
    clearTarget: !exchange && target?.isDir === true,
    targetInTheWay: !exchange && target?.isDir === true && !question.targetEmpty,
    dropOldWhiteout,
    sourceMark: markFor(source, question.newParentMerged),
    targetMark: exchange && target !== null ? markFor(target, source.parentMerged) : 'none',
    newParentImpure: !sameParent && source.hasOrigin,
    oldParentImpure: exchange && !sameParent && target?.hasOrigin === true,
  }
}
