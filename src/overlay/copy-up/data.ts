/**
 * Copying a file's bytes: shared blocks where the file system can, else the kernel's own copy, else
 * through memory. Holes stay holes.
 * @mirrors fs/overlayfs/copy_up.c:ovl_copy_up_file
 */
import { SEEK_DATA, SEEK_HOLE } from '../../sys/constants.js'
import { EINVAL, EIO, ENOSYS, ENOTTY, ENXIO, EOPNOTSUPP, EXDEV } from '../../sys/errno.js'
import { copyFileRange, lseek, pread, pwrite, reflink } from '../../sys/io.js'
import { truncateFd } from '../../sys/attr.js'
import { NativeMemory } from '../../sys/memory.js'

const CHUNK_BYTES = 1 << 20

/** What earlier copies between two file systems taught. One record per overlay. */
export interface CopyMethods {
  reflink: boolean
  copyRange: boolean
}

/** Nothing is known yet: try everything. */
export function makeCopyMethods(): CopyMethods {
  return { reflink: true, copyRange: true }
}

let bounce: NativeMemory | null = null

function isUnsupported(result: number): boolean {
  return (
    result === -EOPNOTSUPP ||
    result === -EXDEV ||
    result === -EINVAL ||
    result === -ENOTTY ||
    result === -ENOSYS
  )
}

/**
 * Copy all data of `source` into the empty file `target`.
 * @param sizeBytes size of the source
 * @param blocks 512-byte blocks it occupies: with fewer than its size needs, holes are looked for
 * @returns 0 or -errno
 */
export function copyData(
  methods: CopyMethods,
  source: number,
  target: number,
  sizeBytes: number,
  blocks: number,
): number {
  if (sizeBytes === 0) return 0
  if (sharesBlocks(methods, source, target)) return 0
  if (blocks * 512 >= sizeBytes) return copyRange(methods, source, target, 0, sizeBytes)
  const copied = copySparse(methods, source, target, sizeBytes)
  return copied < 0 ? copied : truncateFd(target, sizeBytes)
}

/** Let `target` have the blocks of `source`, if the file system can. Whether it did. */
export function sharesBlocks(methods: CopyMethods, source: number, target: number): boolean {
  if (!methods.reflink) return false
  const shared = reflink(target, source)
  if (shared < 0 && isUnsupported(shared)) methods.reflink = false
  return shared === 0
}

function copySparse(
  methods: CopyMethods,
  source: number,
  target: number,
  sizeBytes: number,
): number {
  let offset = 0
  while (offset < sizeBytes) {
    const data = lseek(source, offset, SEEK_DATA)
    if (data === -ENXIO) return 0
    if (data < 0)
      return isUnsupported(data) ? copyRange(methods, source, target, offset, sizeBytes) : data
    const hole = lseek(source, data, SEEK_HOLE)
    const end = hole < 0 ? sizeBytes : Math.min(hole, sizeBytes)
    const copied = copyRange(methods, source, target, data, end)
    if (copied < 0) return copied
    offset = end
  }
  return 0
}

function copyRange(
  methods: CopyMethods,
  source: number,
  target: number,
  start: number,
  end: number,
): number {
  let offset = start
  while (offset < end) {
    const chunk = Math.min(end - offset, CHUNK_BYTES)
    const copied = methods.copyRange
      ? copyFileRange(source, offset, target, offset, chunk)
      : copyThroughMemory(source, target, offset, chunk)
    if (copied === 0) return 0
    if (copied < 0) {
      if (!methods.copyRange || !isUnsupported(copied)) return copied
      methods.copyRange = false
    } else offset += copied
  }
  return 0
}

function copyThroughMemory(source: number, target: number, offset: number, size: number): number {
  bounce ??= new NativeMemory(CHUNK_BYTES)
  const got = pread(source, bounce.address, size, offset)
  let done = 0
  while (done < got) {
    const put = pwrite(target, bounce.address + done, got - done, offset + done)
    if (put < 0) return put
    if (put === 0) return -EIO
    done += put
  }
  return got
}
