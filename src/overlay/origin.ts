/**
 * The origin mark of a copied-up object: a file handle of the lower one, by which its inode number
 * survives copy-up and remount. The bytes are the kernel's: 00 fb LEN FLAGS TYPE uuid[16] fid.
 * @mirrors fs/overlayfs/copy_up.c:ovl_encode_real_fh, namei.c:ovl_decode_real_fh
 */
import { endianness } from 'node:os'
import { O_PATH } from '../sys/constants.js'
import {
  EINVAL,
  EIO,
  EMFILE,
  ENODATA,
  ENFILE,
  ENOMEM,
  ENOSYS,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
} from '../sys/errno.js'
import { type FileHandle, fileHandle, openHandle } from '../sys/handle.js'
import { close } from '../sys/open.js'
import { type FileStat, statAt } from '../sys/stat.js'
import type { Layer } from './layer.js'

const MAGIC = 0xfb
/** Bytes before the file system's handle. */
export const HEADER_BYTES = 21
const FLAG_BIG_ENDIAN = 1
const FLAG_ANY_ENDIAN = 2
const FLAG_PATH_UPPER = 4
const CPU_FLAG = endianness() === 'BE' ? FLAG_BIG_ENDIAN : 0

/** What name_to_handle_at(2) says where there are no handles, or we may not have them. */
const NO_HANDLES: readonly number[] = [-EOPNOTSUPP, -EOVERFLOW, -ENOSYS, -EPERM, -EINVAL]

/**
 * Origin value for `name` below `dirfd` in a layer; empty where handles cannot be had, which means
 * "copied up, origin unknown".
 * @returns the value, or -errno (EIO, ENOMEM …)
 */
export function encodeOrigin(
  layer: Layer,
  dirfd: number,
  name: string,
  upper = false,
): string | number {
  const handle = fileHandle(dirfd, name)
  if (typeof handle === 'number') return NO_HANDLES.includes(handle) ? '' : handle
  const head = String.fromCharCode(
    0,
    MAGIC,
    HEADER_BYTES + handle.bytes.length,
    CPU_FLAG | (upper ? FLAG_PATH_UPPER : 0),
    handle.type,
  )
  return head + layer.facts.uuid + handle.bytes
}

/**
 * Whether the bytes before the handle are those of an origin value.
 * @returns 0, or -errno: EINVAL for something else, ENODATA for one that only others can read
 * @mirrors fs/overlayfs/namei.c:ovl_check_fb_len
 */
export function checkOriginHead(value: string): number {
  if (value.length < HEADER_BYTES || value.length < value.charCodeAt(2)) return -EINVAL
  if (value.charCodeAt(1) !== MAGIC) return -EINVAL
  const flags = value.charCodeAt(3)
  if (value.charCodeAt(0) !== 0) return -ENODATA
  if ((flags & ~(FLAG_BIG_ENDIAN | FLAG_ANY_ENDIAN | FLAG_PATH_UPPER)) !== 0) return -ENODATA
  const readable = (flags & FLAG_ANY_ENDIAN) !== 0 || (flags & FLAG_BIG_ENDIAN) === CPU_FLAG
  return readable ? 0 : -ENODATA
}

/** The parts of an origin value; null when it is empty, malformed or of another byte order. */
export function decodeOrigin(value: string): { uuid: string; handle: FileHandle } | null {
  if (checkOriginHead(value) < 0 || value.charCodeAt(2) !== value.length) return null
  if (value.length === HEADER_BYTES) return null
  return {
    uuid: value.slice(5, HEADER_BYTES),
    handle: { type: value.charCodeAt(4), bytes: value.slice(HEADER_BYTES) },
  }
}

/** What says nothing about the object: whoever tries again may find it. */
const NO_MEANS: readonly number[] = [-EMFILE, -ENFILE, -ENOMEM, -EIO]

/**
 * Find the lower object an origin value names and stat it.
 * @returns the layer it is taken to be in; null when it is gone, foreign or not ours to open; or
 *   -errno (EMFILE, EIO …)
 * @mirrors fs/overlayfs/namei.c:ovl_check_origin_fh
 */
export function statOrigin(
  layers: readonly Layer[],
  value: string,
  into: FileStat,
): Layer | null | number {
  const origin = decodeOrigin(value)
  if (origin === null) return null
  let tried = -1
  for (const layer of layers) {
    if (layer.facts.uuid !== origin.uuid || layer.fsid === tried) continue
    tried = layer.fsid
    const mountFd = layer.handleFd()
    const fd = mountFd < 0 ? mountFd : openHandle(mountFd, origin.handle, O_PATH)
    if (NO_MEANS.includes(fd)) return fd
    if (fd < 0) continue
    const result = statAt(fd, '', into)
    close(fd)
    if (result === 0) return layer
    if (NO_MEANS.includes(result)) return result
  }
  return null
}
