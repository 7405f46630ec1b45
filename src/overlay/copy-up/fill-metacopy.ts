/**
 * Giving a metadata-only copy its data. It is copied into the upper file itself: as long as the mark
 * is on, nobody reads it there, so a crash in between changes nothing.
 * @mirrors fs/overlayfs/copy_up.c:ovl_copy_up_meta_inode_data
 */
import { PARKED } from '../../fuse/raw-filesystem.js'
import { O_RDONLY, O_RDWR } from '../../sys/constants.js'
import { actAsSelf } from '../../sys/creds.js'
import { ENODATA, EROFS, ESTALE } from '../../sys/errno.js'
import { close, openAt, reopen } from '../../sys/open.js'
import { FileStat, statAt } from '../../sys/stat.js'
import { readXattr, removeXattr, writeXattr } from '../../sys/xattr.js'
import type { OverlayContext } from '../context.js'
import { locate, makeLocation } from '../location.js'
import type { FileNode } from '../node.js'
import { copyData } from './data.js'
import { flushCopy } from './flush.js'
import { LONG_COPY_BYTES } from './long-copies.js'

const CAPABILITY = 'security.capability'

const place = makeLocation()
const stat = new FileStat()

/**
 * Make an upper file whole.
 * @param intent what the caller is about to do: with `truncate` no data is copied
 * @returns 0, PARKED until the data is there, or -errno; the file still holds metadata only then
 */
export function fillMetacopy(
  ctx: OverlayContext,
  node: FileNode,
  intent: 'all' | 'truncate',
): number {
  if (ctx.work === null) return -EROFS
  actAsSelf()
  const found = locate(ctx, node, place)
  if (found < 0) return found
  const fd = place.name === '' ? reopen(place.fd, O_RDWR) : openAt(place.fd, place.name, O_RDWR)
  if (fd < 0) return fd
  let result = statAt(fd, '', stat)
  const capability = readXattr(fd, '', CAPABILITY)
  if (result === 0 && intent === 'all' && stat.sizeBytes > 0) result = fill(ctx, node, fd)
  // Writing takes a file's capabilities away.
  if (result === 0 && typeof capability === 'string') {
    result = writeXattr(fd, '', CAPABILITY, capability)
  }
  if (result === 0) result = removeXattr(fd, '', `${ctx.xattrNames.prefix}metacopy`)
  close(fd)
  if (result < 0 && result !== -ENODATA) return result
  node.metacopy = false
  node.dataDir = null
  ctx.onCopyUp(node)
  return 0
}

/** Copy the data, aside if it is much. */
function fill(ctx: OverlayContext, node: FileNode, target: number): number {
  const { dataDir } = node
  if (dataDir === null) return -ESTALE
  const key = `data of ${node.id}`
  const known = ctx.longCopies.get(key)
  if (known?.result === null) return PARKED
  if (known !== undefined) {
    ctx.longCopies.delete(key)
    return known.result
  }
  const dirfd = ctx.fds.fd(dataDir)
  const source = dirfd < 0 ? dirfd : openAt(dirfd, node.dataName, O_RDONLY)
  if (source < 0) return source
  const { sizeBytes } = stat
  if (ctx.aside !== null && ctx.connection !== null && sizeBytes >= LONG_COPY_BYTES) {
    return fillAside(ctx, node, key, source)
  }
  let result = copyData(ctx.copyMethods, source, target, sizeBytes, node.dataBlocks)
  if (result === 0) result = flushCopy(ctx.flush, target)
  close(source)
  return result
}

function fillAside(ctx: OverlayContext, node: FileNode, key: string, source: number): number {
  const target = place.name === '' ? reopen(place.fd, O_RDWR) : openAt(place.fd, place.name, O_RDWR)
  if (target < 0 || ctx.aside === null) {
    close(source)
    return target
  }
  const { sizeBytes, mtimeSec, mtimeNsec } = stat
  const copy = { temp: '', sizeBytes, mtimeSec, mtimeNsec, result: null as number | null }
  ctx.longCopies.set(key, copy)
  const order = { source, target, sizeBytes, blocks: node.dataBlocks, flush: ctx.flush }
  ctx.aside.copy(order, (result) => {
    copy.result = result
    ctx.connection?.retryParked()
    if (ctx.longCopies.get(key) === copy) ctx.longCopies.delete(key)
  })
  return PARKED
}
