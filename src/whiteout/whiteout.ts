/**
 * What hides a name: the forms of whiteouts, told from stat results, xattrs and names. The kernel
 * writes character devices 0/0; image tools write zero-size files with an xattr; AUFS-style layers
 * hold `.wh.NAME` files.
 */
import { S_IFCHR, S_IFMT, S_IFREG } from '../sys/constants.js'
import type { FileStat } from '../sys/stat.js'
import { getXattr } from '../sys/xattr.js'

/** Whether a stat result is that of a character device 0/0. @mirrors include/linux/fs.h:IS_WHITEOUT */
export function isWhiteoutDevice(stat: FileStat): boolean {
  return (stat.mode & S_IFMT) === S_IFCHR && stat.rdevMajor === 0 && stat.rdevMinor === 0
}

/**
 * Whether an object is a whiteout in xattr form: a zero-size regular file with the private xattr
 * `whiteout`, of any value.
 * @mirrors fs/overlayfs/util.c:ovl_path_check_xwhiteout_xattr
 */
export function isXattrWhiteout(
  dirfd: number,
  name: string,
  stat: FileStat,
  privatePrefix: string,
): boolean {
  if ((stat.mode & S_IFMT) !== S_IFREG || stat.sizeBytes !== 0) return false
  return getXattr(dirfd, name, `${privatePrefix}whiteout`, 0, 0) >= 0
}
