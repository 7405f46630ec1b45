/**
 * Writing whiteouts as AUFS does, as files named `.wh.NAME`: for file systems and namespaces that take
 * neither devices nor xattrs. Kernel overlayfs does not understand them; fuse-overlayfs and image
 * tools do.
 */
import { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } from '../sys/constants.js'
import { EEXIST, ENOENT } from '../sys/errno.js'
import { unlinkAt } from '../sys/node.js'
import { close, openAt, openDirPath } from '../sys/open.js'
import { WH_OPAQUE, whNameOf } from './wh-prefix.js'

function touch(dirfd: number, name: string): number {
  const fd = openAt(dirfd, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  if (fd < 0) return fd === -EEXIST ? 0 : fd
  close(fd)
  return 0
}

/**
 * Put the file that hides `name` in the layers below; what this layer has of that name still shows.
 * @returns 0 or -errno: ENAMETOOLONG for a name of more than 251 bytes
 */
export function placeWh(dirfd: number, name: string): number {
  return touch(dirfd, whNameOf(name))
}

/** Take away the file that hides `name`, if there is one. Returns 0 or -errno. */
export function removeWh(dirfd: number, name: string): number {
  const result = unlinkAt(dirfd, whNameOf(name))
  return result === -ENOENT ? 0 : result
}

/** Make a directory (`''`: the descriptor's own) opaque. Returns 0 or -errno. */
export function placeWhOpaque(dirfd: number, name: string): number {
  if (name === '') return touch(dirfd, WH_OPAQUE)
  const fd = openDirPath(dirfd, name)
  if (fd < 0) return fd
  const result = touch(fd, WH_OPAQUE)
  close(fd)
  return result
}
