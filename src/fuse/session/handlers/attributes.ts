/** Operations on attributes: getattr, statx, setattr, statfs. */
import { EFBIG } from '../../../sys/errno.js'
import { GETATTR_IN, SETATTR_IN, STATX_IN } from '../../protocol/abi.js'
import { FATTR_FH, FATTR_SIZE } from '../../protocol/flags/fattr.js'
import { FUSE_GETATTR_FH } from '../../protocol/flags/request.js'
import { putAttr, putStatfs, putStatx } from '../../protocol/writer.js'
import { BODY, type Exchange } from '../exchange.js'

/** FUSE_GETATTR */
export function getattr(x: Exchange): number {
  const { request } = x
  const hasHandle = (request.u32(GETATTR_IN.getattr_flags) & FUSE_GETATTR_FH) !== 0
  const fh = hasHandle ? request.u64(GETATTR_IN.fh) : -1
  const result = x.filesystem.getattr(request.context, request.nodeid, fh, x.attr)
  return result < 0 ? result : putAttr(x.reply, BODY, x.attr)
}

/** FUSE_STATX: all basic attributes and the birth time, whatever was asked. */
export function statx(x: Exchange): number {
  const { request } = x
  const hasHandle = (request.u32(STATX_IN.getattr_flags) & FUSE_GETATTR_FH) !== 0
  const fh = hasHandle ? request.u64(STATX_IN.fh) : -1
  const { attributes } = x.attr
  attributes.btimeSec = 0
  attributes.btimeNsec = 0
  const result = x.filesystem.getattr(request.context, request.nodeid, fh, x.attr)
  return result < 0 ? result : putStatx(x.reply, BODY, x.attr)
}

/** FUSE_SETATTR. @errno EFBIG a size that no file of ours can have (2^53 and more) */
export function setattr(x: Exchange): number {
  const { request, set } = x
  set.valid = request.u32(SETATTR_IN.valid)
  set.fh = (set.valid & FATTR_FH) !== 0 ? request.u64(SETATTR_IN.fh) : -1
  set.sizeBytes = request.u64(SETATTR_IN.size)
  if ((set.valid & FATTR_SIZE) !== 0 && set.sizeBytes > Number.MAX_SAFE_INTEGER) return -EFBIG
  set.atimeSec = request.s64(SETATTR_IN.atime)
  set.atimeNsec = request.u32(SETATTR_IN.atimensec)
  set.mtimeSec = request.s64(SETATTR_IN.mtime)
  set.mtimeNsec = request.u32(SETATTR_IN.mtimensec)
  set.mode = request.u32(SETATTR_IN.mode)
  set.uid = request.u32(SETATTR_IN.uid)
  set.gid = request.u32(SETATTR_IN.gid)
  const result = x.filesystem.setattr(request.context, request.nodeid, set, x.attr)
  return result < 0 ? result : putAttr(x.reply, BODY, x.attr)
}

/** FUSE_STATFS */
export function statfs(x: Exchange): number {
  const { request } = x
  const result = x.filesystem.statfs(request.context, request.nodeid, x.statfs)
  return result < 0 ? result : putStatfs(x.reply, BODY, x.statfs)
}
