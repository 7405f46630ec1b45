/**
 * Copying a file's bytes piece by piece on other threads: the kernel's own copy, else through memory.
 * Holes stay holes. The sources of truth are the same as in src/overlay/copy-up/data.ts, which copies
 * small files without leaving its thread.
 */
import type { CopyOrder, FlushKind } from '../overlay/aside.js'
import { truncateFd } from '../sys/attr.js'
import { SEEK_DATA, SEEK_HOLE } from '../sys/constants.js'
import { EINTR, EINVAL, EIO, ENOSYS, ENXIO, EOPNOTSUPP, EXDEV } from '../sys/errno.js'
import { lseek } from '../sys/io.js'
import { NativeMemory } from '../sys/memory.js'
import {
  copyRangeThreaded,
  fsyncThreaded,
  preadThreaded,
  pwriteThreaded,
  startWriteoutThreaded,
} from '../sys/threaded-io.js'

/** Between two pieces it is asked whether to go on. */
const PIECE_BYTES = 64 << 20
const BOUNCE_BYTES = 4 << 20

const unsupported = [-EOPNOTSUPP, -EXDEV, -EINVAL, -ENOSYS]

type Piece = (offset: number, size: number) => Promise<number>

/** The next stretch of data from `offset` on, up to `sizeBytes`; null when only a hole is left. */
function nextData(fd: number, offset: number, sizeBytes: number): [number, number] | null | number {
  const start = lseek(fd, offset, SEEK_DATA)
  if (start === -ENXIO) return null
  if (start < 0) return unsupported.includes(start) ? [offset, sizeBytes] : start
  const hole = lseek(fd, start, SEEK_HOLE)
  return [start, hole < 0 ? sizeBytes : Math.min(hole, sizeBytes)]
}

function throughMemory(order: CopyOrder): Piece {
  const bounce = new NativeMemory(BOUNCE_BYTES)
  return async (offset, size) => {
    const got = await preadThreaded(order.source, bounce, Math.min(size, BOUNCE_BYTES), offset)
    let done = 0
    while (done < got) {
      const put = await pwriteThreaded(order.target, bounce, done, got - done, offset + done)
      if (put <= 0) return put === 0 ? -EIO : put
      done += put
    }
    return got
  }
}

/**
 * Copy all data, then flush.
 * @param goesOn asked between pieces; false ends the copy
 * @returns 0 or -errno; EINTR when told not to go on
 */
export async function copyAside(order: CopyOrder, goesOn: () => boolean): Promise<number> {
  const { source, target, sizeBytes, blocks } = order
  const isSparse = blocks * 512 < sizeBytes
  let piece: Piece = (offset, size) => copyRangeThreaded(source, target, offset, size)
  let isFallback = false
  let offset = 0
  while (offset < sizeBytes) {
    const stretch = isSparse ? nextData(source, offset, sizeBytes) : [offset, sizeBytes]
    if (typeof stretch === 'number') return stretch
    if (stretch === null) break
    const [start = 0, end = 0] = stretch
    offset = start
    while (offset < end) {
      if (!goesOn()) return -EINTR
      const copied = await piece(offset, Math.min(end - offset, PIECE_BYTES))
      if (copied === 0) return finish(order)
      if (copied > 0) offset += copied
      else if (isFallback || !unsupported.includes(copied)) return copied
      else {
        isFallback = true
        piece = throughMemory(order)
      }
    }
  }
  return finish(order)
}

async function finish({ target, sizeBytes, flush }: CopyOrder): Promise<number> {
  const sized = truncateFd(target, sizeBytes)
  return sized < 0 ? sized : flushes[flush](target)
}

const flushes: Readonly<Record<FlushKind, (fd: number) => Promise<number>>> = {
  none: () => Promise.resolve(0),
  writeout: startWriteoutThreaded,
  fsync: fsyncThreaded,
}
