/** Operations on extended attributes. */
import { EINVAL, ERANGE } from '../../../sys/errno.js'
import {
  COMPAT_SETXATTR_IN_SIZE,
  GETXATTR_IN,
  GETXATTR_OUT_SIZE,
  IN_HEADER_SIZE,
  SETXATTR_IN,
  SETXATTR_IN_SIZE,
} from '../../protocol/abi.js'
import { FUSE_SETXATTR_EXT, hasInitFlag } from '../../protocol/flags/init.js'
import { put64 } from '../../protocol/writer.js'
import { BODY, type Exchange } from '../exchange.js'

/** Answer with the bytes written, or with their number when the caller gave no room. */
function answerSized(x: Exchange, asked: number, length: number): number {
  if (length < 0) return length
  if (asked !== 0) return length > asked ? -ERANGE : length
  put64(x.reply, BODY, length)
  return GETXATTR_OUT_SIZE
}

/** FUSE_GETXATTR */
export function getxattr(x: Exchange): number {
  const { request } = x
  const name = request.text(GETXATTR_IN.name)
  if (name === null || name === '') return -EINVAL
  const asked = request.u32(GETXATTR_IN.size)
  const room = Math.min(asked, x.room)
  const { context, nodeid } = request
  const length = x.filesystem.getxattr(context, nodeid, name, room, x.reply, BODY)
  return answerSized(x, room, length)
}

/** FUSE_LISTXATTR */
export function listxattr(x: Exchange): number {
  const { request } = x
  const room = Math.min(request.u32(GETXATTR_IN.size), x.room)
  const { context, nodeid } = request
  const length = x.filesystem.listxattr(context, nodeid, room, x.reply, BODY)
  return answerSized(x, room, length)
}

/** FUSE_SETXATTR, in the form SETXATTR_EXT was or was not negotiated for. */
export function setxattr(x: Exchange): number {
  const { request, connection } = x
  const extended =
    connection !== null && hasInitFlag(connection.flags, connection.flags2, FUSE_SETXATTR_EXT)
  const nameAt = extended ? SETXATTR_IN_SIZE : COMPAT_SETXATTR_IN_SIZE
  const name = request.text(nameAt)
  const size = request.u32(SETXATTR_IN.size)
  if (name === null || name === '' || size > request.bodySize - request.nameEnd) return -EINVAL
  return x.filesystem.setxattr(
    request.context,
    request.nodeid,
    name,
    request.memory,
    IN_HEADER_SIZE + request.nameEnd,
    size,
    request.u32(SETXATTR_IN.flags),
    extended ? request.u32(SETXATTR_IN.setxattr_flags) : 0,
  )
}

/** FUSE_REMOVEXATTR */
export function removexattr(x: Exchange): number {
  const { request } = x
  const name = request.text(0)
  if (name === null || name === '') return -EINVAL
  return x.filesystem.removexattr(request.context, request.nodeid, name)
}
