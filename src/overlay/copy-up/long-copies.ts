/**
 * Copying up large files without stopping the loop. The first request that needs such a copy has its
 * data copied aside, into a temporary of the work directory, and is parked; so are all others that
 * need the same copy. When the data is there they are served anew, and the first finds its copy-up
 * half done. Nothing in the engine's state changes before that.
 */
import { PARKED } from '../../fuse/raw-filesystem.js'
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR } from '../../sys/constants.js'
import { actAsSelf, useUmask } from '../../sys/creds.js'
import { close, openAt } from '../../sys/open.js'
import type { FileStat } from '../../sys/stat.js'
import type { LongCopy } from '../aside.js'
import type { OverlayContext } from '../context.js'
import type { FileNode } from '../node.js'
import { sharesBlocks } from './data.js'

/** Smaller files are copied at once: that takes a few milliseconds at most. */
export const LONG_COPY_BYTES = 8 << 20

/** A temporary that holds all data of the lower file. */
export interface ReadyCopy {
  readonly temp: string
}

/**
 * The data of a lower file, copied aside.
 * @param fromFd directory of the lower file, `fromName` its name there, `stat` what it looks like
 * @returns the temporary, to be moved into place or discarded by the caller; PARKED when the request
 *   must wait; null when the file is to be copied at once; or -errno
 */
export function prepareCopy(
  ctx: OverlayContext,
  node: FileNode,
  fromFd: number,
  fromName: string,
  stat: FileStat,
): ReadyCopy | null | number {
  const { parent } = node
  if (ctx.aside === null || ctx.connection === null || parent === null) return null
  if (stat.sizeBytes < LONG_COPY_BYTES) return null
  const key = node.indexName === '' ? `${parent.id}/${node.name}` : node.indexName
  const known = ctx.longCopies.get(key)
  if (known?.result === null) return PARKED
  if (known !== undefined) {
    ctx.longCopies.delete(key)
    if (known.result === 0 && isOf(known, stat)) return known
    ctx.work?.discard(known.temp)
    if (known.result < 0) return known.result
  }
  return start(ctx, key, fromFd, fromName, stat)
}

function start(
  ctx: OverlayContext,
  key: string,
  fromFd: number,
  fromName: string,
  stat: FileStat,
): ReadyCopy | number | null {
  const { work, aside } = ctx
  if (work === null || aside === null) return null
  actAsSelf()
  useUmask(0)
  const source = openAt(fromFd, fromName, O_RDONLY)
  if (source < 0) return source
  const temp = work.tempName()
  const target = openAt(work.fd, temp, O_CREAT | O_EXCL | O_RDWR, 0o600)
  if (target < 0) {
    close(source)
    return target
  }
  // Where blocks can be shared, a copy takes no time.
  if (sharesBlocks(ctx.copyMethods, source, target)) {
    close(source)
    close(target)
    return { temp }
  }
  const { sizeBytes, blocks, mtimeSec, mtimeNsec } = stat
  const copy: LongCopy = { temp, sizeBytes, mtimeSec, mtimeNsec, result: null }
  ctx.longCopies.set(key, copy)
  aside.copy({ source, target, sizeBytes, blocks, flush: ctx.flush }, (result) => {
    copy.result = result
    ctx.connection?.retryParked()
    // Whoever wanted it has had its chance: the file may be gone, or truncated meanwhile.
    if (ctx.longCopies.get(key) !== copy) return
    ctx.longCopies.delete(key)
    work.discard(temp)
  })
  return PARKED
}

/** Remove what is not finished; for the end of the mount. */
export function discardCopies(ctx: OverlayContext): void {
  for (const { temp } of ctx.longCopies.values()) if (temp !== '') ctx.work?.discard(temp)
  ctx.longCopies.clear()
}

function isOf(copy: LongCopy, stat: FileStat): boolean {
  return (
    copy.sizeBytes === stat.sizeBytes &&
    copy.mtimeSec === stat.mtimeSec &&
    copy.mtimeNsec === stat.mtimeNsec
  )
}
