/** Opaque directories: the xattr that stops merging below. */
import { readXattr, writeXattr } from '../sys/xattr.js'
import { WH_OPAQUE } from './wh-prefix.js'
import { FileStat, statAt } from '../sys/stat.js'

/** Opaque marks other tools leave where they may not write `trusted.`; read in lower layers. */
const FOREIGN_MARKS = ['user.fuseoverlayfs.opaque'] as const
/** With those of the kernel, whichever prefix it was mounted with. */
const ALL_MARKS = ['trusted.overlay.opaque', 'user.overlay.opaque', ...FOREIGN_MARKS] as const

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

/**
 * Whether the directory carries an opaque mark of another program.
 * @param which `engine`: those of the kernel under either prefix, too
 */
export function hasForeignOpaque(
  dirfd: number,
  name: string,
  names: readonly string[],
  which: 'fuse-overlayfs' | 'engine',
): boolean {
  const marks = which === 'engine' ? ALL_MARKS : FOREIGN_MARKS
  return marks.some((key) => names.includes(key) && readXattr(dirfd, name, key) === 'y')
}

/** Whether an AUFS-style opaque marker lies in the directory. */
export function hasWhOpaque(dirfd: number): boolean {
  return statAt(dirfd, WH_OPAQUE, scratch) === 0
}

/** Whether an AUFS-style opaque marker lies in directory `name`. */
export function hasWhOpaqueAt(dirfd: number, name: string): boolean {
  return statAt(dirfd, `${name}/${WH_OPAQUE}`, scratch) === 0
}

/**
 * Note on a directory that it holds whiteouts in xattr form, unless it is opaque altogether.
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/namei.c:ovl_get_opaquedir_val
 */
export function noteXattrWhiteouts(dirfd: number, privatePrefix: string): number {
  const key = `${privatePrefix}opaque`
  const value = readXattr(dirfd, '', key)
  return value === 'x' || value === 'y' ? 0 : writeXattr(dirfd, '', key, 'x')
}

/** Mark a directory opaque. Returns 0 or -errno. @mirrors fs/overlayfs/dir.c:ovl_set_opaque */
export function setOpaque(dirfd: number, name: string, privatePrefix: string): number {
  return writeXattr(dirfd, name, `${privatePrefix}opaque`, 'y')
}
