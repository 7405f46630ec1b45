/** Attributes: getattr, fgetattr, chmod, chown, truncate, ftruncate, utimens, readlink, statfs. */
import { EBADF } from '../../../../sys/errno.js'
import {
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_FH,
  FATTR_GID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
} from '../../../protocol/flags/fattr.js'
import type { Adapter } from '../adapter.js'

/** An id that chown(2) leaves as it is. */
const KEEP_ID = 0xffffffff
const MAX_MODE = 0o7777
/** The modification time changes even where the size does not. */
const TOUCH = FATTR_MTIME | FATTR_MTIME_NOW

function show(x: Adapter, path: string, nodeid: number, fh: number): number {
  const result = x.filesystem.getattr(x.request, nodeid, fh, x.attr)
  // Of the links of a file that it removed itself libfuse takes one away.
  if (result === 0 && x.paths.isHidden(path)) x.attr.attributes.nlink += 1
  return result
}

/** Attributes of what is at a path, into `x.attr`. */
export function getattr(x: Adapter, path: string): number {
  const nodeid = x.paths.resolve(path)
  return nodeid < 0 ? nodeid : show(x, path, nodeid, -1)
}

/** Attributes of an open file, into `x.attr`. @errno EBADF no such handle */
export function fgetattr(x: Adapter, path: string, number: number): number {
  const handle = x.handles.get(number)
  return handle === undefined ? -EBADF : show(x, path, handle.nodeid, handle.fh)
}

function change(x: Adapter, nodeid: number, valid: number, fh = -1): number {
  x.set.valid = fh < 0 ? valid : valid | FATTR_FH
  x.set.fh = fh
  return x.filesystem.setattr(x.request, nodeid, x.set, x.attr)
}

/** Set the permission bits. */
export function chmod(x: Adapter, path: string, mode: number): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  x.set.mode = mode & MAX_MODE
  return change(x, nodeid, FATTR_MODE)
}

/** Set owner and group; 2^32 - 1 leaves one as it is. */
export function chown(x: Adapter, path: string, uid: number, gid: number): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  x.set.uid = uid
  x.set.gid = gid
  return change(x, nodeid, (uid === KEEP_ID ? 0 : FATTR_UID) | (gid === KEEP_ID ? 0 : FATTR_GID))
}

/**
 * Set the size of what is at a path. O_TRUNC arrives as size 0 of a file that is open by then; it
 * changes the modification time of an empty file, too, and truncate(2) does not.
 */
export function truncate(x: Adapter, path: string, sizeBytes: number): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  x.set.sizeBytes = sizeBytes
  const isOpening = sizeBytes === 0 && x.handles.isOpen(nodeid)
  return change(x, nodeid, isOpening ? FATTR_SIZE | TOUCH : FATTR_SIZE)
}

/** Set the size of an open file. @errno EBADF no such handle */
export function ftruncate(x: Adapter, number: number, sizeBytes: number): number {
  const handle = x.handles.get(number)
  if (handle === undefined) return -EBADF
  x.set.sizeBytes = sizeBytes
  return change(x, handle.nodeid, FATTR_SIZE | TOUCH, handle.fh)
}

/** How long after its time a request to set the times to now may arrive, ms. */
const RECENT_MS = 1000
const MS_NSEC = 1_000_000

/**
 * Set both times, in ms since the epoch. "Now" arrives like any other time, without its last six
 * digits: it must not become earlier than what was written just before.
 */
export function utimens(
  x: Adapter,
  path: string,
  atimeMs: number,
  mtimeMs: number,
  nowMs = Date.now(),
): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  const isRecent = atimeMs === mtimeMs && atimeMs <= nowMs && nowMs - atimeMs < RECENT_MS
  if (isRecent && atimeMs === nowMs) {
    return change(x, nodeid, FATTR_ATIME | FATTR_ATIME_NOW | TOUCH)
  }
  const restNsec = isRecent ? MS_NSEC - 1 : 0
  const { set } = x
  set.atimeSec = Math.floor(atimeMs / 1000)
  set.atimeNsec = (atimeMs - set.atimeSec * 1000) * MS_NSEC + restNsec
  set.mtimeSec = Math.floor(mtimeMs / 1000)
  set.mtimeNsec = (mtimeMs - set.mtimeSec * 1000) * MS_NSEC + restNsec
  return change(x, nodeid, FATTR_ATIME | FATTR_MTIME)
}

/** The target of a symlink, at the start of `x.memory`. Returns its length. */
export function readlink(x: Adapter, path: string): number {
  const nodeid = x.paths.resolve(path)
  return nodeid < 0 ? nodeid : x.filesystem.readlink(x.request, nodeid, x.memory, 0)
}

/** Sizes and counts of the file system, into `x.statfs`. */
export function statfs(x: Adapter, path: string): number {
  const nodeid = x.paths.resolve(path)
  return nodeid < 0 ? nodeid : x.filesystem.statfs(x.request, nodeid, x.statfs)
}
