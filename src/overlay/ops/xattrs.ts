/** GETXATTR, LISTXATTR, SETXATTR, REMOVEXATTR: the overlay's own marks hidden, users' escaped. */
import type { RawFilesystem } from '../../fuse/raw-filesystem.js'
import { S_ISGID } from '../../sys/constants.js'
import {
  EINVAL,
  ENODATA,
  ENOSYS,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  EROFS,
  ESTALE,
} from '../../sys/errno.js'
import { FileStat } from '../../sys/stat.js'
import { getXattr, removeXattr, setXattr, xattrNames } from '../../sys/xattr.js'
import type { OverlayContext } from '../context.js'
import { copyUp } from '../copy-up/copy-up.js'
import { layerOf, locate, makeLocation } from '../location.js'
import { ACL_UNKNOWN, type Node, XATTRS_NONE, XATTRS_SOME, XATTRS_UNKNOWN } from '../node.js'
import { decodedName, encodedName } from '../override-objects.js'
import { changeMode, statShown } from '../override-stat.js'
import { mayChange } from '../protection.js'
import { wantWrite } from '../read-only.js'

type XattrOps = Pick<RawFilesystem, 'getxattr' | 'listxattr' | 'setxattr' | 'removexattr'>

const SETXATTR_ACL_KILL_SGID = 1
/** Of names in any other, the file system says that it does not support them. */
const NAMESPACES = /^(?:user|trusted|security)\.|^system\.posix_acl_/
const ACL_PREFIX = 'system.posix_acl_'

function isInUpper(node: Node): boolean {
  return node.isDir ? node.upper !== null : node.inUpper
}

/** Operations on extended attributes, over one overlay. */
export function xattrOps(ctx: OverlayContext): XattrOps {
  const place = makeLocation()
  const stat = new FileStat()

  const acl = ctx.options.acl && (ctx.upper?.override ?? null) === null

  /** 0, or why a name cannot be used. After ENOSYS the kernel answers EOPNOTSUPP by itself. */
  function refusal(name: string): number {
    if (!ctx.options.xattrs) return -ENOSYS
    return !acl && name.startsWith(ACL_PREFIX) ? -EOPNOTSUPP : 0
  }

  /** Whether the node is known to have no xattrs at all; looked up once. */
  function hasNone(node: Node): boolean {
    if (node.xattrs === XATTRS_UNKNOWN) {
      const names = locate(ctx, node, place) < 0 ? [] : xattrNames(place.fd, place.name)
      node.xattrs = typeof names !== 'number' && names.length === 0 ? XATTRS_NONE : XATTRS_SOME
    }
    return node.xattrs === XATTRS_NONE
  }

  /** A file of the index has one, if not under this name: unlike others, this change needs no more. */
  function haveCopy(node: Node): number {
    return node.orphanFd >= 0 || isInUpper(node) ? 0 : copyUp(ctx, node, 'metadata')
  }

  /** 0 if there is something to remove; a name that is not there is no reason to copy up. */
  function seek(node: Node, name: string, onDisk: string): number {
    const present = getXattr(place.fd, place.name, onDisk, 0, 0)
    if (present >= 0 || (isInUpper(node) && name.startsWith(ACL_PREFIX))) return 0
    return wantWrite(ctx) || present
  }

  function clearSgid(): number {
    const seen = statShown(ctx.upper, place.fd, place.name, stat)
    if (seen < 0 || (stat.mode & S_ISGID) === 0) return seen
    return changeMode(ctx, place.fd, place.name, stat.mode & 0o7777 & ~S_ISGID)
  }

  return {
    getxattr: (_req, nodeid, name, size, out, outOffset) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      const refused = refusal(name)
      if (refused < 0) return refused
      if (name === ctx.xattrNames.prefix) return -EINVAL
      if (NAMESPACES.test(name) && hasNone(node)) return -ENODATA
      const onDisk = ctx.xattrNames.toDisk(name)
      if (onDisk === null) return ctx.xattrNames.isForbidden(name) ? -ENODATA : -EOPNOTSUPP
      const found = locate(ctx, node, place)
      if (found < 0) return found
      const encoded = encodedName(layerOf(ctx, node), name)
      if (encoded !== null) {
        const result = getXattr(place.fd, place.name, encoded, out.address + outOffset, size)
        if (result !== -ENODATA) return result
      }
      return getXattr(place.fd, place.name, onDisk, out.address + outOffset, size)
    },

    listxattr: (req, nodeid, size, out, outOffset) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (!ctx.options.xattrs) return -ENOSYS
      if (hasNone(node)) return 0
      const found = locate(ctx, node, place)
      if (found < 0) return found
      const names = xattrNames(place.fd, place.name)
      if (typeof names === 'number') return names
      let text = ''
      const layer = layerOf(ctx, node)
      for (const name of names) {
        const shown = decodedName(layer, name) ?? ctx.xattrNames.toUser(name)
        if (shown === null || names.includes(encodedName(layer, name) ?? '')) continue
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
      const refused = refusal(name)
      if (refused < 0) return refused
      if (ctx.xattrNames.isForbidden(name)) return -EPERM
      if (name === ctx.xattrNames.prefix) return -EINVAL
      const onDisk = encodedName(ctx.upper, name) ?? ctx.xattrNames.toDisk(name)
      if (onDisk === null) return -EOPNOTSUPP
      let result = mayChange(ctx, node)
      if (result === 0) result = haveCopy(node)
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
      const refused = refusal(name)
      if (refused < 0) return refused
      if (ctx.xattrNames.isForbidden(name)) return -EPERM
      if (name === ctx.xattrNames.prefix) return -EINVAL
      const plain = ctx.xattrNames.toDisk(name)
      if (plain === null) return -EOPNOTSUPP
      let result = mayChange(ctx, node)
      if (result === 0) result = locate(ctx, node, place)
      if (result < 0) return result
      const encoded = encodedName(layerOf(ctx, node), name)
      const isEncoded = encoded !== null && getXattr(place.fd, place.name, encoded, 0, 0) >= 0
      const onDisk = isEncoded ? encoded : plain
      result = seek(node, name, onDisk)
      if (result === 0) result = haveCopy(node)
      if (result === 0) result = locate(ctx, node, place)
      if (result < 0) return result
      node.xattrs = XATTRS_UNKNOWN
      if (node.isDir) node.defaultAcl = ACL_UNKNOWN
      const kept = encodedName(ctx.upper, name)
      const removed = kept === null ? -ENODATA : removeXattr(place.fd, place.name, kept)
      return removed === -ENODATA ? removeXattr(place.fd, place.name, plain) : removed
    },
  }
}
