/**
 * Giving a copy everything but the data. The order matters: chown clears suid and capabilities, so
 * it comes before xattrs and mode; an ACL rewrites group bits, so the mode comes after it; times are
 * changed by everything, so they come last.
 * @mirrors fs/overlayfs/copy_up.c:ovl_copy_xattr, ovl_set_attr
 */
import { chmodAt, chownAt, utimesAt } from '../../sys/attr.js'
import { S_IFLNK, S_IFMT, UTIME_NOW } from '../../sys/constants.js'
import { EINVAL, ENODATA, EOPNOTSUPP, EOVERFLOW } from '../../sys/errno.js'
import { isOwn } from '../../sys/creds.js'
import type { FileStat } from '../../sys/stat.js'
import { readXattr, writeXattr, xattrNames } from '../../sys/xattr.js'
import type { OverlayContext } from '../context.js'
import type { Recoding } from '../override-objects.js'
import { STAND_IN_MODE, storeOverride, tryChown } from '../override-stat.js'

/** xattrs whose loss would widen access: a copy without them must fail. */
function mustCopy(name: string): boolean {
  return name.startsWith('security.') || name.startsWith('system.posix_acl_')
}

/**
 * Copy xattrs, the overlay's own marks excepted.
 * @param recode null: under the same names
 * @returns 0 or -errno
 */
export function copyXattrs(
  ctx: OverlayContext,
  fromFd: number,
  fromName: string,
  toFd: number,
  toName: string,
  recode: Recoding | null = null,
): number {
  const names = xattrNames(fromFd, fromName)
  if (typeof names === 'number') return names === -EOPNOTSUPP ? 0 : names
  for (const name of names) {
    if (ctx.xattrNames.isPrivate(name)) continue
    const target = recode === null ? name : recode(name)
    if (target === null) continue
    const value = readXattr(fromFd, fromName, name)
    if (value === -ENODATA) continue
    if (typeof value === 'number') return value
    const result = writeXattr(toFd, toName, target, value)
    if (result === 0) continue
    if (result === -EOPNOTSUPP && (!mustCopy(name) || !ctx.canMark)) continue
    return result
  }
  return 0
}

/** Give `to` the owner of `stat`, unless it has it already. Returns 0 or -errno. */
export function copyOwner(
  ctx: OverlayContext,
  stat: FileStat,
  toFd: number,
  toName: string,
): number {
  if ((ctx.upper?.override ?? null) !== null) {
    const type = stat.mode & S_IFMT
    return type === S_IFLNK ? tryChown(toFd, toName, stat.uid, stat.gid) : 0
  }
  if (isOwn(stat.uid, stat.gid)) return 0
  const result = chownAt(toFd, toName, stat.uid, stat.gid)
  // An owner that the user namespace has no id for is shown as one that it has not either.
  return result === -EINVAL ? -EOVERFLOW : result
}

/** Give `to` the permission bits of `stat`. Returns 0 or -errno. */
export function copyMode(
  ctx: OverlayContext,
  stat: FileStat,
  toFd: number,
  toName: string,
): number {
  const override = ctx.upper?.override ?? null
  if (override !== null && (stat.mode & S_IFMT) !== S_IFLNK) {
    const opened = chmodAt(toFd, toName, STAND_IN_MODE)
    return opened < 0 ? opened : storeOverride(override, toFd, toName, stat)
  }
  return (stat.mode & S_IFMT) === S_IFLNK ? 0 : chmodAt(toFd, toName, stat.mode & 0o7777)
}

/** Give `to` the access and modification time of `stat`. Returns 0 or -errno. */
export function copyTimes(stat: FileStat, toFd: number, toName: string): number {
  return utimesAt(toFd, toName, stat.atimeSec, stat.atimeNsec, stat.mtimeSec, stat.mtimeNsec)
}

/** Give `to` the access time of `stat` and let it have been modified now. Returns 0 or -errno. */
export function copyAccessTime(stat: FileStat, toFd: number, toName: string): number {
  return utimesAt(toFd, toName, stat.atimeSec, stat.atimeNsec, 0, UTIME_NOW)
}
