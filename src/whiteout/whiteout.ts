/**
 * What hides a name: the forms of whiteouts, told from stat results, xattrs and names. The kernel
 * writes character devices 0/0; image tools write zero-size files with an xattr; AUFS-style layers
 * hold `.wh.NAME` files.
 */
import {
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  S_IFCHR,
  S_IFMT,
  S_IFREG,
} from '../sys/constants.js'
import { unlinkAt } from '../sys/node.js'
import { close, openAt } from '../sys/open.js'
import type { FileStat } from '../sys/stat.js'
import { getXattr, lacksXattr, writeXattr } from '../sys/xattr.js'

/** Whether a stat result is that of a character device 0/0. @mirrors include/linux/fs.h:IS_WHITEOUT */
export function isWhiteoutDevice(stat: FileStat): boolean {
  return (stat.mode & S_IFMT) === S_IFCHR && stat.rdevMajor === 0 && stat.rdevMinor === 0
}

/** Whether a stat result leaves it open that the object is a whiteout in xattr form. */
export function mayBeXattrWhiteout(stat: FileStat): boolean {
  return (stat.mode & S_IFMT) === S_IFREG && stat.sizeBytes === 0
}

/**
 * Make a whiteout in xattr form. Returns 0 or -errno; nothing is left behind then.
 * @param key the private xattr `whiteout`, with its prefix
 */
export function makeXattrWhiteout(dirfd: number, name: string, key: string): number {
  const fd = openAt(dirfd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  if (fd < 0) return fd
  close(fd)
  const marked = writeXattr(dirfd, name, key, 'y')
  if (marked < 0) unlinkAt(dirfd, name)
  return marked
}

/**
 * Whether an object is a whiteout in xattr form: a zero-size regular file with the private xattr
 * `whiteout`, of any value.
 * @returns 1, 0, or -errno: what a whiteout hides must not show because of an error
 * @mirrors fs/overlayfs/util.c:ovl_path_check_xwhiteout_xattr
 */
export function isXattrWhiteout(
  dirfd: number,
  name: string,
  stat: FileStat,
  privatePrefix: string,
): number {
  if (!mayBeXattrWhiteout(stat)) return 0
  const length = getXattr(dirfd, name, `${privatePrefix}whiteout`, 0, 0)
  if (length >= 0) return 1
  return lacksXattr(length) ? 0 : length
}
