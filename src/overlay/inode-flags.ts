/**
 * FS_IOC_GETFLAGS and SETFLAGS, FSGETXATTR and FSSETXATTR (lsattr, chattr).
 * @mirrors fs/overlayfs/inode.c:ovl_fileattr_get, ovl_fileattr_set
 */
import {
  FS_IOC_FSSETXATTR,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  O_DIRECTORY,
  O_RDONLY,
} from '../sys/constants.js'
import { ENOTTY, EROFS } from '../sys/errno.js'
import { ioctl } from '../sys/io.js'
import { NativeMemory } from '../sys/memory.js'
import { close, openAt, reopen } from '../sys/open.js'
import type { OverlayContext } from './context.js'
import { copyUp } from './copy-up/copy-up.js'
import { locate, makeLocation } from './location.js'
import type { Node } from './node.js'
import {
  FS_APPEND_FL,
  FS_IMMUTABLE_FL,
  flagsOfProtection,
  protectionOf,
  protectionOfFlags,
  storeProtection,
} from './protection.js'

const FS_XFLAG_IMMUTABLE = 0x8
const FS_XFLAG_APPEND = 0x10
/** Size of struct fsxattr. */
export const FSXATTR_BYTES = 28
const PROTECT_FLAGS = FS_IMMUTABLE_FL | FS_APPEND_FL
const PROTECT_XFLAGS = FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND

const place = makeLocation()
const word = new NativeMemory(32)

function xflagsOf(flags: number): number {
  const append = (flags & FS_APPEND_FL) !== 0 ? FS_XFLAG_APPEND : 0
  return append | ((flags & FS_IMMUTABLE_FL) !== 0 ? FS_XFLAG_IMMUTABLE : 0)
}

function flagsOfXflags(xflags: number): number {
  const append = (xflags & FS_XFLAG_APPEND) !== 0 ? FS_APPEND_FL : 0
  return append | ((xflags & FS_XFLAG_IMMUTABLE) !== 0 ? FS_IMMUTABLE_FL : 0)
}

/** A readable descriptor of the real object, or -errno. */
function openReal(ctx: OverlayContext, node: Node): number {
  const found = locate(ctx, node, place)
  if (found < 0) return found
  if (node.isDir) return openAt(place.fd, '.', O_RDONLY | O_DIRECTORY)
  return place.name === '' ? reopen(place.fd, O_RDONLY) : openAt(place.fd, place.name, O_RDONLY)
}

function isInUpper(node: Node): boolean {
  return node.isDir ? node.upper !== null : node.inUpper
}

/**
 * Read the flags of a node.
 * @param cmd FS_IOC_GETFLAGS (4 bytes, FS_*_FL) or FS_IOC_FSGETXATTR (28 bytes, struct fsxattr)
 * @param out receives the answer at `outOffset`
 * @returns bytes, or -errno: ENOTTY where the layer's file system knows no flags
 */
export function readFlags(
  ctx: OverlayContext,
  node: Node,
  cmd: number,
  out: NativeMemory,
  outOffset: number,
): number {
  const fd = openReal(ctx, node)
  if (fd < 0) return fd
  const isWord = cmd === FS_IOC_GETFLAGS
  const size = isWord ? 4 : FSXATTR_BYTES
  word.bytes.fill(0, 0, FSXATTR_BYTES)
  const result = ioctl(fd, cmd, word.address)
  close(fd)
  if (result < 0) return result
  const protection = isInUpper(node) ? flagsOfProtection(protectionOf(ctx, node)) : 0
  word.u32[0] = (word.u32[0] ?? 0) | (isWord ? protection : xflagsOf(protection))
  word.bytes.copy(out.bytes, outOffset, 0, size)
  return size
}

/**
 * Change the flags of a node: it is copied up, append-only and immutable go into its attribute, the
 * rest to the real inode. That the caller may is the VFS's to check.
 * @param cmd FS_IOC_SETFLAGS or FS_IOC_FSSETXATTR
 * @param input holds the argument, 4 or 28 bytes, at `inputOffset`
 * @returns 0 or -errno: EROFS, ENOTTY, EPERM where upper takes no marks
 */
export function writeFlags(
  ctx: OverlayContext,
  node: Node,
  cmd: number,
  input: NativeMemory,
  inputOffset: number,
): number {
  if (ctx.work === null) return -EROFS
  const isWord = cmd === FS_IOC_SETFLAGS
  if (!isWord && cmd !== FS_IOC_FSSETXATTR) return -ENOTTY
  const ready = node.orphanFd >= 0 ? 0 : copyUp(ctx, node, 'metadata')
  if (ready < 0) return ready
  input.bytes.copy(word.bytes, 0, inputOffset, inputOffset + (isWord ? 4 : FSXATTR_BYTES))
  const asked = word.u32[0] ?? 0
  const protection = protectionOfFlags(isWord ? asked : flagsOfXflags(asked))
  const before = protectionOf(ctx, node)
  const found = locate(ctx, node, place)
  if (found < 0) return found
  if (protection !== before) {
    const stored = storeProtection(ctx, place.fd, place.name, protection)
    if (stored < 0) return stored
    node.protection = protection
  }
  const fd = openReal(ctx, node)
  if (fd < 0) return fd
  word.u32[0] = asked & ~(isWord ? PROTECT_FLAGS : PROTECT_XFLAGS)
  const result = ioctl(fd, cmd, word.address)
  close(fd)
  return result
}
