/** Operations on names: lookup, the create family, removal, rename, links. */
import { EINVAL, ENAMETOOLONG } from '../../../sys/errno.js'
import {
  CREATE_IN,
  ENTRY_OUT_SIZE,
  LINK_IN,
  MAX_LINK_LENGTH,
  MKDIR_IN,
  MKNOD_IN,
  RENAME2_IN,
  RENAME_IN,
} from '../../protocol/abi.js'
import { putEntry, putOpen } from '../../protocol/writer.js'
import { BODY, type Exchange } from '../exchange.js'

function answerEntry(x: Exchange, result: number): number {
  return result < 0 ? result : putEntry(x.reply, BODY, x.entry)
}

function answerCreated(x: Exchange, result: number): number {
  if (result < 0) return result
  putEntry(x.reply, BODY, x.entry)
  return ENTRY_OUT_SIZE + putOpen(x.reply, BODY + ENTRY_OUT_SIZE, x.open)
}

/** FUSE_LOOKUP */
export function lookup(x: Exchange): number {
  const { request } = x
  const name = request.component(0)
  if (name === null) return -EINVAL
  return answerEntry(x, x.filesystem.lookup(request.context, request.nodeid, name, x.entry))
}

/** FUSE_SYMLINK */
export function symlink(x: Exchange): number {
  const { request } = x
  const name = request.component(0)
  const target = name === null ? null : request.text(request.nameEnd)
  if (name === null || target === null) return -EINVAL
  return answerEntry(
    x,
    x.filesystem.symlink(request.context, request.nodeid, name, target, x.entry),
  )
}

/** FUSE_MKNOD */
export function mknod(x: Exchange): number {
  const { request } = x
  const name = request.component(MKNOD_IN.name)
  if (name === null) return -EINVAL
  return answerEntry(
    x,
    x.filesystem.mknod(
      request.context,
      request.nodeid,
      name,
      request.u32(MKNOD_IN.mode),
      request.u32(MKNOD_IN.rdev),
      request.u32(MKNOD_IN.umask),
      x.entry,
    ),
  )
}

/** FUSE_MKDIR */
export function mkdir(x: Exchange): number {
  const { request } = x
  const name = request.component(MKDIR_IN.name)
  if (name === null) return -EINVAL
  return answerEntry(
    x,
    x.filesystem.mkdir(
      request.context,
      request.nodeid,
      name,
      request.u32(MKDIR_IN.mode),
      request.u32(MKDIR_IN.umask),
      x.entry,
    ),
  )
}

/** FUSE_CREATE */
export function create(x: Exchange): number {
  const { request } = x
  const name = request.component(CREATE_IN.name)
  if (name === null) return -EINVAL
  return answerCreated(
    x,
    x.filesystem.create(
      request.context,
      request.nodeid,
      name,
      request.u32(CREATE_IN.flags),
      request.u32(CREATE_IN.mode),
      request.u32(CREATE_IN.umask),
      request.u32(CREATE_IN.open_flags),
      x.entry,
      x.clearOpen(),
    ),
  )
}

/** FUSE_TMPFILE; the name in the message means nothing. */
export function tmpfile(x: Exchange): number {
  const { request } = x
  return answerCreated(
    x,
    x.filesystem.tmpfile(
      request.context,
      request.nodeid,
      request.u32(CREATE_IN.flags),
      request.u32(CREATE_IN.mode),
      request.u32(CREATE_IN.umask),
      request.u32(CREATE_IN.open_flags),
      x.entry,
      x.clearOpen(),
    ),
  )
}

/** FUSE_LINK */
export function link(x: Exchange): number {
  const { request } = x
  const name = request.component(LINK_IN.name)
  if (name === null) return -EINVAL
  const nodeid = request.u64(LINK_IN.oldnodeid)
  return answerEntry(x, x.filesystem.link(request.context, nodeid, request.nodeid, name, x.entry))
}

/** FUSE_UNLINK */
export function unlink(x: Exchange): number {
  const { request } = x
  const name = request.component(0)
  return name === null ? -EINVAL : x.filesystem.unlink(request.context, request.nodeid, name)
}

/** FUSE_RMDIR */
export function rmdir(x: Exchange): number {
  const { request } = x
  const name = request.component(0)
  return name === null ? -EINVAL : x.filesystem.rmdir(request.context, request.nodeid, name)
}

function renameWith(x: Exchange, newParent: number, flags: number, namesAt: number): number {
  const { request } = x
  const name = request.component(namesAt)
  const newName = name === null ? null : request.component(request.nameEnd)
  if (name === null || newName === null) return -EINVAL
  return x.filesystem.rename(request.context, request.nodeid, name, newParent, newName, flags)
}

/** FUSE_RENAME */
export function rename(x: Exchange): number {
  return renameWith(x, x.request.u64(RENAME_IN.newdir), 0, RENAME_IN.name)
}

/** FUSE_RENAME2 */
export function rename2(x: Exchange): number {
  const { request } = x
  const flags = request.u32(RENAME2_IN.flags)
  return renameWith(x, request.u64(RENAME2_IN.newdir), flags, RENAME2_IN.name)
}

/** FUSE_READLINK. @errno ENAMETOOLONG the target is longer than the kernel takes */
export function readlink(x: Exchange): number {
  const { request } = x
  const length = x.filesystem.readlink(request.context, request.nodeid, x.reply, BODY)
  return length > MAX_LINK_LENGTH ? -ENAMETOOLONG : length
}
