/** Operations on open files: open, read, write, release, sync, ranges, ioctl. */
import { EFBIG, EINVAL, EIO, EOVERFLOW } from '../../../sys/errno.js'
import {
  COPY_FILE_RANGE_IN,
  FALLOCATE_IN,
  FLUSH_IN,
  FSYNC_IN,
  IN_HEADER_SIZE,
  IOCTL_IN,
  IOCTL_OUT_SIZE,
  LSEEK_IN,
  LSEEK_OUT_SIZE,
  OPEN_IN,
  READ_IN,
  RELEASE_IN,
  WRITE_IN,
  WRITE_OUT_SIZE,
} from '../../protocol/abi.js'
import { FUSE_FSYNC_FDATASYNC } from '../../protocol/flags/request.js'
import { put64, putOpen } from '../../protocol/writer.js'
import { BODY, type Exchange } from '../exchange.js'

const LARGEST = Number.MAX_SAFE_INTEGER
/** The most one copy_file_range(2) moves. @mirrors linux/fs.h:MAX_RW_COUNT */
const MAX_RW_COUNT = 0x7ffff000

/** FUSE_OPEN */
export function open(x: Exchange): number {
  const { request } = x
  const flags = request.u32(OPEN_IN.flags)
  const openFlags = request.u32(OPEN_IN.open_flags)
  const result = x.filesystem.open(request.context, request.nodeid, flags, openFlags, x.clearOpen())
  return result < 0 ? result : putOpen(x.reply, BODY, x.open)
}

/**
 * FUSE_READ: the file system reads straight into the reply.
 * @errno EOVERFLOW an offset that no file of ours can have
 */
export function read(x: Exchange): number {
  const { request } = x
  const offset = request.u64(READ_IN.offset)
  const size = request.u32(READ_IN.size)
  if (offset > LARGEST) return -EOVERFLOW
  // A shorter answer would mean end of file to the kernel.
  if (size > x.room) return -EIO
  const fh = request.u64(READ_IN.fh)
  const { context, nodeid } = request
  const result = x.filesystem.read(context, nodeid, fh, offset, size, x.reply, BODY)
  return result > size ? -EIO : result
}

/** FUSE_WRITE: the data is handed over where it arrived. @errno EINVAL less data than announced */
export function write(x: Exchange): number {
  const { request } = x
  const offset = request.u64(WRITE_IN.offset)
  const size = request.u32(WRITE_IN.size)
  if (size > request.bodySize - WRITE_IN.data) return -EINVAL
  if (offset + size > LARGEST) return -EFBIG
  const written = x.filesystem.write(
    request.context,
    request.nodeid,
    request.u64(WRITE_IN.fh),
    offset,
    size,
    request.memory,
    IN_HEADER_SIZE + WRITE_IN.data,
    request.u32(WRITE_IN.write_flags),
    request.u32(WRITE_IN.flags),
  )
  if (written < 0) return written
  return written > size ? -EIO : answerCount(x, written)
}

/** Answer with a u32 count and 4 bytes of padding, or a u64: the same bytes below 2^32. */
function answerCount(x: Exchange, count: number): number {
  put64(x.reply, BODY, count)
  return WRITE_OUT_SIZE
}

/** FUSE_RELEASE */
export function release(x: Exchange): number {
  const { request } = x
  const fh = request.u64(RELEASE_IN.fh)
  const flags = request.u32(RELEASE_IN.flags)
  return x.filesystem.release(request.context, request.nodeid, fh, flags)
}

/** FUSE_FLUSH */
export function flush(x: Exchange): number {
  const { request } = x
  return x.filesystem.flush(request.context, request.nodeid, request.u64(FLUSH_IN.fh))
}

function isDataOnly(x: Exchange): boolean {
  return (x.request.u32(FSYNC_IN.fsync_flags) & FUSE_FSYNC_FDATASYNC) !== 0
}

/** FUSE_FSYNC */
export function fsync(x: Exchange): number {
  const { request } = x
  const fh = request.u64(FSYNC_IN.fh)
  return x.filesystem.fsync(request.context, request.nodeid, fh, isDataOnly(x))
}

/** FUSE_FSYNCDIR */
export function fsyncdir(x: Exchange): number {
  const { request } = x
  const fh = request.u64(FSYNC_IN.fh)
  return x.filesystem.fsyncdir(request.context, request.nodeid, fh, isDataOnly(x))
}

/** FUSE_SYNCFS */
export function syncfs(x: Exchange): number {
  return x.filesystem.syncfs(x.request.context, x.request.nodeid)
}

/** FUSE_FALLOCATE. @errno EFBIG a range that no file of ours can have */
export function fallocate(x: Exchange): number {
  const { request } = x
  const offset = request.u64(FALLOCATE_IN.offset)
  const length = request.u64(FALLOCATE_IN.length)
  if (offset + length > LARGEST) return -EFBIG
  return x.filesystem.fallocate(
    request.context,
    request.nodeid,
    request.u64(FALLOCATE_IN.fh),
    offset,
    length,
    request.u32(FALLOCATE_IN.mode),
  )
}

/** FUSE_LSEEK, for SEEK_DATA and SEEK_HOLE. @errno EOVERFLOW an offset no file of ours can have */
export function lseek(x: Exchange): number {
  const { request } = x
  const offset = request.s64(LSEEK_IN.offset)
  if (Math.abs(offset) > LARGEST) return -EOVERFLOW
  const result = x.filesystem.lseek(
    request.context,
    request.nodeid,
    request.u64(LSEEK_IN.fh),
    offset,
    request.u32(LSEEK_IN.whence),
  )
  if (result < 0) return result
  put64(x.reply, BODY, result)
  return LSEEK_OUT_SIZE
}

/** FUSE_COPY_FILE_RANGE and FUSE_COPY_FILE_RANGE_64. @errno EFBIG as in fallocate */
export function copyFileRange(x: Exchange): number {
  const { request } = x
  const offsetIn = request.u64(COPY_FILE_RANGE_IN.off_in)
  const offsetOut = request.u64(COPY_FILE_RANGE_IN.off_out)
  const length = Math.min(request.u64(COPY_FILE_RANGE_IN.len), MAX_RW_COUNT)
  if (offsetIn + length > LARGEST || offsetOut + length > LARGEST) return -EFBIG
  const copied = x.filesystem.copyFileRange(
    request.context,
    request.nodeid,
    request.u64(COPY_FILE_RANGE_IN.fh_in),
    offsetIn,
    request.u64(COPY_FILE_RANGE_IN.nodeid_out),
    request.u64(COPY_FILE_RANGE_IN.fh_out),
    offsetOut,
    length,
    request.u32(COPY_FILE_RANGE_IN.flags),
  )
  if (copied < 0) return copied
  return copied > length ? -EIO : answerCount(x, copied)
}

/** FUSE_IOCTL, of the restricted kind: the kernel knows both sizes. @errno EINVAL short input */
export function ioctl(x: Exchange): number {
  const { request, reply } = x
  const inSize = request.u32(IOCTL_IN.in_size)
  if (inSize > request.bodySize - IOCTL_IN.data) return -EINVAL
  const maxOutSize = Math.min(request.u32(IOCTL_IN.out_size), x.room - IOCTL_OUT_SIZE)
  const out = x.ioctl
  out.result = 0
  out.outSize = 0
  out.offset = BODY + IOCTL_OUT_SIZE
  const result = x.filesystem.ioctl(
    request.context,
    request.nodeid,
    request.u64(IOCTL_IN.fh),
    request.u32(IOCTL_IN.flags),
    request.u32(IOCTL_IN.cmd),
    request.memory,
    IN_HEADER_SIZE + IOCTL_IN.data,
    inSize,
    maxOutSize,
    out,
  )
  if (result < 0) return result
  if (out.outSize > maxOutSize) return -EIO
  reply.u32.fill(0, BODY >> 2, (BODY + IOCTL_OUT_SIZE) >> 2)
  reply.i32[BODY >> 2] = out.result
  return IOCTL_OUT_SIZE + out.outSize
}
