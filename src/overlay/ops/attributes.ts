/** GETATTR, SETATTR, READLINK, STATFS. */
import {
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_GID,
  FATTR_KILL_SUIDGID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
} from '../../fuse/protocol/flags/fattr.js'
import type { RawFilesystem, SetAttributes } from '../../fuse/raw-filesystem.js'
import { chownAt, truncateFd, truncateQuietly, utimesAt } from '../../sys/attr.js'
import { O_WRONLY, S_ISGID, S_ISUID, UTIME_NOW, UTIME_OMIT } from '../../sys/constants.js'
import { EINVAL, EISDIR, EROFS, ESTALE } from '../../sys/errno.js'
import { readlinkAt } from '../../sys/node.js'
import { close } from '../../sys/open.js'
import { FileStat, fsUsage } from '../../sys/stat.js'
import { fillAttrReply } from '../attributes.js'
import type { OverlayContext } from '../context.js'
import { copyUp } from '../copy-up/copy-up.js'
import { WH_NAME_MAX } from '../create.js'
import { layerOf, locate, makeLocation, statNode } from '../location.js'
import { MODE_PASSTHROUGH_LOWER, type FileNode, type Node } from '../node.js'
import { openData, rebindForWrite } from '../open-file.js'
import { changeMode, changeOwner, statShown } from '../override-stat.js'
import { hostId, isSquashed } from '../ownership.js'
import { type Caller, chownDropsSgid, killSuidSgid, mayDropPrivileges } from '../privileges.js'
import { mayChange, mayWrite } from '../protection.js'
import { fileOf } from './names.js'

type AttributeOps = Pick<RawFilesystem, 'getattr' | 'setattr' | 'readlink' | 'statfs'>

const KEEP_ID = 0xffffffff
const CHANGES =
  FATTR_MODE |
  FATTR_UID |
  FATTR_GID |
  FATTR_SIZE |
  FATTR_ATIME |
  FATTR_MTIME |
  FATTR_ATIME_NOW |
  FATTR_MTIME_NOW
const TIMES = FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW

/** An append-only object's times may be set to now, and nothing else. @mirrors fs/attr.c:may_setattr */
function maySet(ctx: OverlayContext, node: Node, valid: number): number {
  const now = FATTR_ATIME_NOW | FATTR_MTIME_NOW
  // A write, through a descriptor from before the file was protected, has privileges taken away.
  if ((valid & CHANGES) === 0 && !node.isDir && node.writers > 0) return 0
  const touches = (valid & now) !== 0 && (valid & CHANGES & ~(TIMES | now)) === 0
  return touches ? mayWrite(ctx, node) : mayChange(ctx, node)
}

/** Operations on attributes, over one overlay. */
export function attributeOps(ctx: OverlayContext): AttributeOps {
  const stat = new FileStat()
  const place = makeLocation()

  function setSize(req: Caller, node: FileNode, set: SetAttributes, changes: boolean): number {
    // truncate(2) asks for a new mtime only where the size changes, ftruncate(2) and O_TRUNC always.
    const quietly = (set.valid & FATTR_MTIME) === 0 && !changes
    const cutTo = quietly ? truncateQuietly : truncateFd
    const isOpen = node.fd >= 0 && node.fdWritable && node.fdUpper
    const fd = isOpen ? node.fd : openData(ctx, node, O_WRONLY)
    if (fd < 0) return fd
    const cut = cutTo(fd, set.sizeBytes)
    if (!isOpen) close(fd)
    if (cut < 0) return cut
    return (set.valid & FATTR_KILL_SUIDGID) !== 0 ? killSuidSgid(ctx, node, req) : 0
  }

  function setOwner(req: Caller, node: Node, set: SetAttributes): number {
    const uid = (set.valid & FATTR_UID) !== 0 ? hostId(ctx.options.uidMap, set.uid) : KEEP_ID
    const gid = (set.valid & FATTR_GID) !== 0 ? hostId(ctx.options.gidMap, set.gid) : KEEP_ID
    const squashed = isSquashed(ctx.options)
    if (uid === null || gid === null) return squashed ? 0 : -EINVAL
    const found = locate(ctx, node, place)
    if (found < 0) return found
    const seen = node.isDir ? 0 : statShown(layerOf(ctx, node), place.fd, place.name, stat)
    if (seen < 0) return seen
    const keeps = node.isDir || !chownDropsSgid(ctx, req, stat)
    const changed = changeOwner(ctx, place.fd, place.name, uid, gid)
    if (changed < 0 || keeps) return squashed ? 0 : changed
    return changeMode(ctx, place.fd, place.name, stat.mode & 0o7777 & ~(S_ISUID | S_ISGID))
  }

  function setTimes(node: Node, set: SetAttributes): number {
    const found = locate(ctx, node, place)
    if (found < 0) return found
    const { valid } = set
    const nsec = (given: number, now: number, value: number): number => {
      if ((valid & now) !== 0) return UTIME_NOW
      return (valid & given) !== 0 ? value : UTIME_OMIT
    }
    return utimesAt(
      place.fd,
      place.name,
      set.atimeSec,
      nsec(FATTR_ATIME, FATTR_ATIME_NOW, set.atimeNsec),
      set.mtimeSec,
      nsec(FATTR_MTIME, FATTR_MTIME_NOW, set.mtimeNsec),
    )
  }

  function setMode(node: Node, set: SetAttributes): number {
    const found = locate(ctx, node, place)
    return found < 0 ? found : changeMode(ctx, place.fd, place.name, set.mode & 0o7777)
  }

  /**
   * An empty SETATTR is how a write on a passthrough file asks for suid and sgid to go, and what
   * chown(2) without a new owner makes, which is a change all the same.
   */
  function changeNothing(req: Caller, node: Node): number {
    const killed = node.isDir ? 0 : killSuidSgid(ctx, node, req)
    if (killed < 0 || (ctx.upper?.override ?? null) !== null) return killed
    const found = locate(ctx, node, place)
    if (found < 0) return found
    const changed = chownAt(place.fd, place.name, KEEP_ID, KEEP_ID)
    return isSquashed(ctx.options) ? 0 : changed
  }

  function apply(req: Caller, node: Node, set: SetAttributes, sizeChanges: boolean): number {
    const { valid } = set
    if ((valid & CHANGES) === 0) return changeNothing(req, node)
    let result = 0
    if ((valid & FATTR_SIZE) !== 0)
      result = node.isDir ? -EISDIR : setSize(req, node, set, sizeChanges)
    // chown clears suid, so a mode given with it comes after.
    if (result === 0 && (valid & (FATTR_UID | FATTR_GID)) !== 0) result = setOwner(req, node, set)
    if (result === 0 && (valid & FATTR_MODE) !== 0) result = setMode(node, set)
    if (result === 0 && (valid & TIMES) !== 0) result = setTimes(node, set)
    return result
  }

  return {
    getattr: (_req, nodeid, _fh, out) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      const seen = statNode(ctx, node, stat)
      if (seen < 0) return seen
      fillAttrReply(ctx, node, stat, out)
      return 0
    },

    setattr: (req, nodeid, set, out) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (ctx.work === null) return -EROFS
      let allowed = maySet(ctx, node, set.valid)
      if (allowed === 0 && (set.valid & CHANGES) === 0) {
        allowed = mayDropPrivileges(ctx, node, req)
      }
      if (allowed < 0) return allowed
      const resizes = (set.valid & FATTR_SIZE) !== 0
      if (resizes && !node.isDir && node.mode === MODE_PASSTHROUGH_LOWER && node.opens > 0) {
        return rebindForWrite(ctx, node)
      }
      const truncates = resizes && set.sizeBytes === 0
      // What is not copied up for being cut off was there all the same.
      const emptied = truncates && !node.isDir && !node.inUpper && statNode(ctx, node, stat) === 0
      const sizeChanges = emptied && stat.sizeBytes > 0
      let result = copyForChange(ctx, node, set)
      if (result === 0) result = apply(req, node, set, sizeChanges)
      if (result === 0) result = statNode(ctx, node, stat)
      if (result < 0) {
        // Some of it may be done: the VFS must not go by what it knew.
        ctx.connection?.invalidateAttributes(nodeid)
        return result
      }
      fillAttrReply(ctx, node, stat, out)
      return 0
    },

    readlink: (_req, nodeid, out, offset) => {
      const node = fileOf(ctx, nodeid)
      if (typeof node === 'number') return node
      const found = locate(ctx, node, place)
      return found < 0 ? found : readlinkAt(place.fd, place.name, out, offset, 4095)
    },

    statfs: (_req, _nodeid, out) => {
      const layer = ctx.upper ?? ctx.stack.lowers[0]
      if (layer === undefined) return -ESTALE
      const result = fsUsage(layer.root.fd, out)
      for (const lower of ctx.stack.lowers) {
        out.namelen = Math.max(out.namelen, lower.facts.namelen)
      }
      if (ctx.work?.form === 'wh-file') out.namelen = Math.min(out.namelen, WH_NAME_MAX)
      return result
    },
  }
}

/** Have an object in upper as far as SETATTR needs it there; one that lost its names stays put. */
function copyForChange(ctx: OverlayContext, node: Node, set: SetAttributes): number {
  const resizes = (set.valid & FATTR_SIZE) !== 0
  if (node.orphanFd >= 0 && (node.isDir || !node.metacopy)) return 0
  if (!resizes) return copyUp(ctx, node, 'metadata')
  return copyUp(ctx, node, set.sizeBytes === 0 ? 'truncate' : 'all')
}
