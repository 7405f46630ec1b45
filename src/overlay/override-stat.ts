/**
 * Owner, mode and device type kept in an xattr, for file systems and users that cannot hold them in
 * the inode: `UID:GID:MODE[:TYPE]`, ids in decimal, mode in octal, as container engines write it. What
 * the xattr says is shown; the object itself belongs to the daemon. Only regular files and directories
 * carry it; a device, fifo or socket is stored as an empty regular file whose TYPE tells.
 */
import { chmodAt, chownAt } from '../sys/attr.js'
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_ISGID,
  S_ISUID,
  S_IXGRP,
} from '../sys/constants.js'
import { EINVAL, ENODATA, EOPNOTSUPP, EPERM } from '../sys/errno.js'
import { FileStat, statAt } from '../sys/stat.js'
import { readXattr, removeXattr, writeXattr } from '../sys/xattr.js'
import type { OverlayContext } from './context.js'
import type { StatOverride } from './layer.js'

/** The part of a layer that matters here. */
interface Overridable {
  readonly override: StatOverride | null
}

/** Mode bits of the objects that stand for others. */
export const STAND_IN_MODE = 0o755

const KEEP_ID = 0xffffffff
const CAPABILITY = 'user.containers.override_security.capability'

const TYPES: Readonly<Record<string, number>> = {
  pipe: S_IFIFO,
  socket: S_IFSOCK,
  block: S_IFBLK,
  char: S_IFCHR,
}

/** Whether an object, by its own type, can carry the xattr. */
export function canCarry(mode: number): boolean {
  const type = mode & S_IFMT
  return type === S_IFREG || type === S_IFDIR
}

/**
 * Change a stat result to what an xattr value says.
 * @returns false when the value is malformed
 */
export function applyOverride(value: string, stat: FileStat): boolean {
  const match = /^(\d{1,10}):(\d{1,10}):([0-7]{1,7})(?::([a-z]+)(?:-?(\d+)[-:](\d+))?)?\0?$/.exec(
    value,
  )
  if (match === null) return false
  const [, uid = '', gid = '', mode = '', type = '', major = '0', minor = '0'] = match
  stat.uid = Number(uid)
  stat.gid = Number(gid)
  const special = (stat.mode & S_IFMT) === S_IFREG ? TYPES[type] : undefined
  stat.mode = (special ?? stat.mode & S_IFMT) | (parseInt(mode, 8) & 0o7777)
  if (special === undefined) return true
  stat.rdevMajor = Number(major)
  stat.rdevMinor = Number(minor)
  return true
}

/** The xattr value for what is to be shown. */
export function formatOverride(stat: FileStat): string {
  const text = `${String(stat.uid)}:${String(stat.gid)}:${(stat.mode & 0o7777).toString(8)}`
  const device = `-${String(stat.rdevMajor)}-${String(stat.rdevMinor)}`
  switch (stat.mode & S_IFMT) {
    case S_IFBLK:
      return `${text}:block${device}`
    case S_IFCHR:
      return `${text}:char${device}`
    case S_IFIFO:
      return `${text}:pipe`
    case S_IFSOCK:
      return `${text}:socket`
    default:
      return text
  }
}

/**
 * Let a stat result show what the layer's xattr says, if the layer has such.
 * @returns 0 or -errno; EINVAL for a malformed value, since the object's own mode may be too wide
 */
export function showOverride(
  layer: Overridable | null,
  fd: number,
  name: string,
  stat: FileStat,
): number {
  const override = layer?.override ?? null
  if (override === null || !canCarry(stat.mode)) return 0
  for (const key of override.read) {
    const value = readXattr(fd, name, key)
    if (typeof value === 'string') return applyOverride(value, stat) ? 0 : -EINVAL
    if (value !== -ENODATA && value !== -EOPNOTSUPP) return value
  }
  return 0
}

/** As statAt, with what the layer's xattr says. Returns 0 or -errno. */
export function statShown(
  layer: Overridable | null,
  fd: number,
  name: string,
  into: FileStat,
): number {
  const result = statAt(fd, name, into)
  return result < 0 || layer === null || layer.override === null
    ? result
    : showOverride(layer, fd, name, into)
}

/** Write down for an upper object what it shows. Returns 0 or -errno. */
export function storeOverride(
  override: StatOverride,
  fd: number,
  name: string,
  shown: FileStat,
): number {
  const result = writeXattr(fd, name, override.write, formatOverride(shown))
  if (result < 0) return result
  // An older program's note would be read first.
  for (const key of override.read) if (key !== override.write) removeXattr(fd, name, key)
  return 0
}

const current = new FileStat()

/** Change what an upper object shows. @returns 0, -errno, or 1 when it cannot carry the xattr */
function amend(
  override: StatOverride,
  fd: number,
  name: string,
  change: (stat: FileStat) => void,
): number {
  const seen = statAt(fd, name, current)
  if (seen < 0) return seen
  if (!canCarry(current.mode)) return 1
  const shown = showOverride({ override }, fd, name, current)
  if (shown < 0) return shown
  change(current)
  return storeOverride(override, fd, name, current)
}

/** Change the owner of an upper object; 0xffffffff leaves an id as it is. Returns 0 or -errno. */
export function changeOwner(
  ctx: OverlayContext,
  fd: number,
  name: string,
  uid: number,
  gid: number,
): number {
  const override = ctx.upper?.override ?? null
  if (override === null) return chownAt(fd, name, uid, gid)
  const result = amend(override, fd, name, (stat) => {
    if (uid !== KEEP_ID) stat.uid = uid
    if (gid !== KEEP_ID) stat.gid = gid
    if ((stat.mode & S_IFMT) === S_IFDIR) return
    stat.mode &= ~S_ISUID
    if ((stat.mode & S_IXGRP) !== 0) stat.mode &= ~S_ISGID
    removeXattr(fd, name, CAPABILITY)
  })
  return result === 1 ? tryChown(fd, name, uid, gid) : result
}

/**
 * Give a symlink its owner, as far as we may: it carries no `user.` attribute, and nobody's rights
 * depend on its owner.
 */
export function tryChown(fd: number, name: string, uid: number, gid: number): number {
  const result = chownAt(fd, name, uid, gid)
  return result === -EPERM || result === -EINVAL ? 0 : result
}

/** Change the permission bits of an upper object. Returns 0 or -errno. */
export function changeMode(ctx: OverlayContext, fd: number, name: string, mode: number): number {
  const override = ctx.upper?.override ?? null
  if (override === null) return chmodAt(fd, name, mode)
  const result = amend(override, fd, name, (stat) => {
    stat.mode = (stat.mode & S_IFMT) | (mode & 0o7777)
  })
  return result === 1 ? chmodAt(fd, name, mode) : result
}

/** A write takes away a file's capabilities: those that are kept under another name, too. */
export function dropStoredCapability(ctx: OverlayContext, fd: number, name: string): void {
  if ((ctx.upper?.override ?? null) !== null) removeXattr(fd, name, CAPABILITY)
}
