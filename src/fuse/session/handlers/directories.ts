/** Operations on directories: listing, and the opens we do without. */
import { ENOSYS } from '../../../sys/errno.js'
import { READ_IN } from '../../protocol/abi.js'
import { BODY, type Exchange } from '../exchange.js'

/**
 * FUSE_OPENDIR: refused once, upon which the kernel opens and closes directories by itself and
 * keeps their listings.
 */
export function opendir(): number {
  return -ENOSYS
}

/** FUSE_RELEASEDIR: of nothing that was opened. */
export function releasedir(): number {
  return 0
}

/** FUSE_READDIR. Records already written win over an error, which the next call meets again. */
export function readdir(x: Exchange): number {
  const { request, dirents } = x
  dirents.begin(BODY, request.u32(READ_IN.size))
  const result = x.filesystem.readdir(
    request.context,
    request.nodeid,
    request.u64(READ_IN.fh),
    request.u64(READ_IN.offset),
    dirents,
  )
  return result < 0 && dirents.used === 0 ? result : dirents.used
}

/** FUSE_READDIRPLUS. As {@link readdir}: the records written have counted lookups. */
export function readdirplus(x: Exchange): number {
  const { request, direntsPlus } = x
  direntsPlus.begin(BODY, request.u32(READ_IN.size))
  const result = x.filesystem.readdirplus(
    request.context,
    request.nodeid,
    request.u64(READ_IN.fh),
    request.u64(READ_IN.offset),
    direntsPlus,
  )
  return result < 0 && direntsPlus.used === 0 ? result : direntsPlus.used
}
