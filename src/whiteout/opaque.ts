/** Opaque directories: the xattr that stops merging below. */
import { readXattr, writeXattr } from '../sys/xattr.js'
import { WH_OPAQUE } from './wh-prefix.js'
import { FileStat, statAt } from '../sys/stat.js'

/** Opaque marks other tools leave where they may not write `trusted.`; read in lower layers. */
const FOREIGN_MARKS = ['user.fuseoverlayfs.opaque'] as const

const scratch = new FileStat()

/**
 * Whether a directory's private xattr says `y`: exactly that one byte.
 * @param names the directory's xattr names, to spare a read when there is none
 * @mirrors fs/overlayfs/namei.c:ovl_get_opaquedir_val
 */
export function isOpaque(
  dirfd: number,
  name: string,
  privatePrefix: string,
  names: readonly string[],
): boolean {
  const key = `${privatePrefix}opaque`
  return names.includes(key) && readXattr(dirfd, name, key) === 'y'
}

/** Whether the directory carries an opaque mark of fuse-overlayfs. */
export function hasForeignOpaque(dirfd: number, name: string, names: readonly string[]): boolean {
  return FOREIGN_MARKS.some((key) => names.includes(key) && readXattr(dirfd, name, key) === 'y')
}

/** Whether an AUFS-style opaque marker lies in the directory. */
export function hasWhOpaque(dirfd: number): boolean {
  return statAt(dirfd, WH_OPAQUE, scratch) === 0
}

/** Mark a directory opaque. Returns 0 or -errno. @mirrors fs/overlayfs/dir.c:ovl_set_opaque */
export function setOpaque(dirfd: number, name: string, privatePrefix: string): number {
  return writeXattr(dirfd, name, `${privatePrefix}opaque`, 'y')
}
