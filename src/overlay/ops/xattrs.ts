/** GETXATTR, LISTXATTR, SETXATTR, REMOVEXATTR: the overlay's own marks hidden, users' escaped. */
import type { RawFilesystem } from '../../fuse/raw-filesystem.js'
import { chmodAt } from '../../sys/attr.js'
import { S_ISGID } from '../../sys/constants.js'
import { EINVAL, ENODATA, EOPNOTSUPP, ERANGE, EROFS, ESTALE } from '../../sys/errno.js'
import { FileStat, statAt } from '../../sys/stat.js'
import { getXattr, removeXattr, setXattr, xattrNames } from '../../sys/xattr.js'
import type { OverlayContext } from '../context.js'
import { copyUp } from '../copy-up/copy-up.js'
import { locate, makeLocation } from '../location.js'
import { ACL_UNKNOWN, type Node, XATTRS_NONE, XATTRS_SOME, XATTRS_UNKNOWN } from '../node.js'

type XattrOps = Pick<RawFilesystem, 'getxattr' | 'listxattr' | 'setxattr' | 'removexattr'>

const SETXATTR_ACL_KILL_SGID = 1
const ACL_PREFIX = 'system.posix_acl_'

/** Operations on extended attributes, over one overlay. */
export function xattrOps(ctx: OverlayContext): XattrOps {
  const place = makeLocation()
  const stat = new FileStat()

  function isRefused(name: string): boolean {
    return !ctx.options.xattrs || (!ctx.options.acl && name.startsWith(ACL_PREFIX))
  }

  /** Whether the node is known to have no xattrs at all; looked up once. */
  function hasNone(node: Node): boolean {
    if (node.xattrs === XATTRS_UNKNOWN) {
      const names = locate(ctx, node, place) < 0 ? [] : xattrNames(place.fd, place.name)
      node.xattrs = typeof names !== 'number' && names.length === 0 ? XATTRS_NONE : XATTRS_SOME
    }
    return node.xattrs === XATTRS_NONE
  }

  /**
   * Removing an ACL that an upper object does not have succeeds, as on a plain file system.
   * @mirrors fs/overlayfs/inode.c:ovl_set_or_remove_acl
   */
  function isAbsentAcl(node: Node, name: string, present: number): boolean {
    const inUpper = node.isDir ? node.upper !== null : node.inUpper
    return inUpper && present === -ENODATA && name.startsWith(ACL_PREFIX)
  }

  function clearSgid(): number {
    const seen = statAt(place.fd, place.name, stat)
    if (seen < 0 || (stat.mode & S_ISGID) === 0) return seen
    return chmodAt(place.fd, place.name, stat.mode & 0o7777 & ~S_ISGID)
  }

  return {
    getxattr: (_req, nodeid, name, size, out, outOffset) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (isRefused(name)) return -EOPNOTSUPP
      if (hasNone(node)) return -ENODATA
      const onDisk = ctx.xattrNames.toDisk(name)
      if (onDisk === null) return -ENODATA
      const found = locate(ctx, node, place)
      if (found < 0) return found
      return getXattr(place.fd, place.name, onDisk, out.address + outOffset, size)
    },

    listxattr: (req, nodeid, size, out, outOffset) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (!ctx.options.xattrs) return -EOPNOTSUPP
      if (hasNone(node)) return 0
      const found = locate(ctx, node, place)
      if (found < 0) return found
      const names = xattrNames(place.fd, place.name)
      if (typeof names === 'number') return names
      let text = ''
      for (const name of names) {
        const shown = ctx.xattrNames.toUser(name)
        if (shown === null) continue
        if (shown.startsWith('trusted.') && req.uid !== 0) continue
        text += `${shown}\0`
      }
      if (size === 0) return text.length
      if (text.length > size) return -ERANGE
      return out.bytes.latin1Write(text, outOffset)
    },

    setxattr: (_req, nodeid, name, value, valueOffset, size, flags, extFlags) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (ctx.work === null) return -EROFS
      if (isRefused(name)) return -EOPNOTSUPP
      if (name === ctx.xattrNames.prefix) return -EINVAL
      const onDisk = ctx.xattrNames.toDisk(name)
      if (onDisk === null) return -EOPNOTSUPP
      let result = node.orphanFd >= 0 ? 0 : copyUp(ctx, node)
      if (result === 0) result = locate(ctx, node, place)
      if (result < 0) return result
      node.xattrs = XATTRS_UNKNOWN
      if (node.isDir) node.defaultAcl = ACL_UNKNOWN
      result = setXattr(place.fd, place.name, onDisk, value.address + valueOffset, size, flags)
      if (result === 0 && (extFlags & SETXATTR_ACL_KILL_SGID) !== 0) result = clearSgid()
      return result
    },

    removexattr: (_req, nodeid, name) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (ctx.work === null) return -EROFS
      if (isRefused(name)) return -EOPNOTSUPP
      const onDisk = ctx.xattrNames.toDisk(name)
      if (onDisk === null) return -EOPNOTSUPP
      let result = locate(ctx, node, place)
      if (result < 0) return result
      // A name that is not there is no reason to copy up.
      const present = getXattr(place.fd, place.name, onDisk, 0, 0)
      if (present < 0) return isAbsentAcl(node, name, present) ? 0 : present
      result = node.orphanFd >= 0 ? 0 : copyUp(ctx, node)
      if (result === 0) result = locate(ctx, node, place)
      if (result < 0) return result
      node.xattrs = XATTRS_UNKNOWN
      if (node.isDir) node.defaultAcl = ACL_UNKNOWN
      return removeXattr(place.fd, place.name, onDisk)
    },
  }
}
