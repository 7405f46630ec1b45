/** Opaque directories: the xattr that stops merging below. */
import { ERANGE } from '../sys/errno.js'
import { FileStat, isThere } from '../sys/stat.js'
import { lacksXattr, readXattr, writeXattr } from '../sys/xattr.js'
import { WH_OPAQUE } from './wh-prefix.js'

/** Opaque marks other tools leave where they may not write `trusted.`; read in lower layers. */
const FOREIGN_MARKS = ['user.fuseoverlayfs.opaque'] as const
/** With those of the kernel, whichever prefix it was mounted with. */
const ALL_MARKS = ['trusted.overlay.opaque', 'user.overlay.opaque', ...FOREIGN_MARKS] as const

const scratch = new FileStat()

/** Whether an xattr says `y`: exactly that one byte. 1, 0 or -errno */
function saysYes(dirfd: number, name: string, key: string): number {
  const value = readXattr(dirfd, name, key)
  if (typeof value === 'string') return Number(value === 'y')
  return value === -ERANGE || lacksXattr(value) ? 0 : value
}

/**
 * Whether a directory's private xattr says `y`.
 * @param names the directory's xattr names, to spare a read when there is none
 * @returns 1, 0, or -errno: what an opaque directory hides must not show because of an error
 * @mirrors fs/overlayfs/namei.c:ovl_get_opaquedir_val
 */
export function isOpaque(
  dirfd: number,
  name: string,
  privatePrefix: string,
  names: readonly string[],
): number {
  const key = `${privatePrefix}opaque`
  return names.includes(key) ? saysYes(dirfd, name, key) : 0
}

/**
 * Whether the directory carries an opaque mark of another program.
 * @param which `engine`: those of the kernel under either prefix, too
 * @returns 1, 0 or -errno
 */
export function hasForeignOpaque(
  dirfd: number,
  name: string,
  names: readonly string[],
  which: 'fuse-overlayfs' | 'engine',
): number {
  for (const key of which === 'engine' ? ALL_MARKS : FOREIGN_MARKS) {
    const marked = names.includes(key) ? saysYes(dirfd, name, key) : 0
    if (marked !== 0) return marked
  }
  return 0
}

/** Whether an AUFS-style opaque marker lies in the directory. 1, 0 or -errno */
export function hasWhOpaque(dirfd: number): number {
  return isThere(dirfd, WH_OPAQUE, scratch)
}

/** Whether an AUFS-style opaque marker lies in directory `name`. 1, 0 or -errno */
export function hasWhOpaqueAt(dirfd: number, name: string): number {
  return isThere(dirfd, `${name}/${WH_OPAQUE}`, scratch)
}

/**
 * Note on a directory that it holds whiteouts in xattr form, unless it is opaque altogether.
 * @returns 0 or -errno
 * @mirrors fs/overlayfs/namei.c:ovl_get_opaquedir_val
 */
export function noteXattrWhiteouts(dirfd: number, privatePrefix: string): number {
  const key = `${privatePrefix}opaque`
  const value = readXattr(dirfd, '', key)
  if (typeof value === 'number' && !lacksXattr(value)) return value
  return value === 'x' || value === 'y' ? 0 : writeXattr(dirfd, '', key, 'x')
}

/** Mark a directory opaque. Returns 0 or -errno. @mirrors fs/overlayfs/dir.c:ovl_set_opaque */
export function setOpaque(dirfd: number, name: string, privatePrefix: string): number {
  return writeXattr(dirfd, name, `${privatePrefix}opaque`, 'y')
}
