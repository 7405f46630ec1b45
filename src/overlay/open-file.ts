/**
 * Open files. One descriptor a node serves all cached handles, so after a copy-up every one of them
 * sees the upper file; passthrough handles read and write the backing file without us, through one
 * backing id a node. A node is in one mode at a time while handles are open: mixing them fails in the
 * kernel.
 *
 * A lower backing id never serves a handle that can write: the kernel would open the lower file for
 * writing. A write-open that meets open lower passthrough handles gets a new node and ESTALE; the VFS
 * retries and finds it.
 */
import { FOPEN_KEEP_CACHE, FOPEN_NOFLUSH, FOPEN_PASSTHROUGH } from '../fuse/protocol/flags/fopen.js'
import type { OpenReply } from '../fuse/raw-filesystem.js'
import {
  O_ACCMODE,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  S_IFREG,
} from '../sys/constants.js'
import { ELOOP, EOPNOTSUPP, EPERM, ESTALE } from '../sys/errno.js'
import { pread } from '../sys/io.js'
import { NativeMemory } from '../sys/memory.js'
import { close, openAt, reopen } from '../sys/open.js'
import { FileStat, statAt } from '../sys/stat.js'
import { register } from './children.js'
import type { OverlayContext } from './context.js'
import { copyUp } from './copy-up/copy-up.js'
import { locate, makeLocation } from './location.js'
import {
  FileNode,
  MODE_CACHED,
  MODE_NONE,
  MODE_PASSTHROUGH_LOWER,
  MODE_PASSTHROUGH_UPPER,
  type Node,
} from './node.js'
import { type Caller, killSuidSgid } from './privileges.js'
import { mayOpen } from './protection.js'
import { wantWrite } from './read-only.js'

/** FUSE_OPEN_KILL_SUIDGID and FUSE_WRITE_KILL_SUIDGID have their own bits; both end here. */
export const OPEN_KILL_SUIDGID = 1

/** Lower files of at least this size are passed through with passthrough=auto. */
const PASSTHROUGH_MIN_BYTES = 1 << 20
/** Backing ids of files that nobody has open, kept for the next open. */
const IDLE_BACKINGS = 4096
const ELF_MAGIC = 0x464c457f

const place = makeLocation()
const stat = new FileStat()
const magic = new NativeMemory(8)

/** Whether open(2) flags can change the file. Access mode 3 cannot. */
export function isWriteOpen(flags: number): boolean {
  return canWrite(flags) || (flags & O_TRUNC) !== 0
}

/** Whether a handle opened with these flags can write. */
function canWrite(flags: number): boolean {
  const mode = flags & O_ACCMODE
  return mode === O_WRONLY || mode === O_RDWR
}

/** Open the object a node's data is in. Returns descriptor or -errno. */
export function openData(ctx: OverlayContext, node: FileNode, flags: number): number {
  if (node.metacopy && node.dataDir !== null) {
    const fd = ctx.fds.fd(node.dataDir)
    return fd < 0 ? fd : openAt(fd, node.dataName, flags)
  }
  const found = locate(ctx, node, place)
  if (found < 0) return found
  return place.name === '' ? reopen(place.fd, flags) : openAt(place.fd, place.name, flags)
}

/**
 * Serve OPEN.
 * @param flags O_*
 * @returns 0 or -errno; ESTALE once when the name must be looked up anew
 */
export function openNode(
  ctx: OverlayContext,
  caller: Caller,
  node: FileNode,
  flags: number,
  openFlags: number,
  out: OpenReply,
): number {
  const truncates = (flags & O_TRUNC) !== 0
  if (isWriteOpen(flags)) {
    const allowed = mayOpen(ctx, node, flags)
    if (allowed < 0) return allowed
    if (node.mode === MODE_PASSTHROUGH_LOWER && node.opens > 0) return rebind(ctx, node, truncates)
    // The kernel makes EIO of whatever it meets when it opens the backing file.
    let ready = node.inUpper ? wantWrite(ctx) : 0
    if (ready === 0) ready = copyUp(ctx, node, truncates ? 'truncate' : 'all')
    if (ready < 0) return ready
  }
  if (truncates) {
    const fd = openData(ctx, node, O_WRONLY | O_TRUNC)
    if (fd < 0) return fd
    close(fd)
    if ((openFlags & OPEN_KILL_SUIDGID) !== 0) {
      const killed = killSuidSgid(ctx, node, caller)
      if (killed < 0) return killed
    }
  }
  admit(ctx, node, flags, out)
  return 0
}

/** Count one more open handle, opened with `flags`, and say how it reaches the data. */
export function admit(ctx: OverlayContext, node: FileNode, flags: number, out: OpenReply): void {
  if (node.opens === 0) node.mode = chooseMode(ctx, node)
  node.opens += 1
  if (canWrite(flags)) node.writers += 1
  out.fh = 0
  if (node.mode === MODE_CACHED) {
    out.openFlags = ctx.ttlSec > 0 ? FOPEN_KEEP_CACHE | FOPEN_NOFLUSH : FOPEN_NOFLUSH
    out.backingId = 0
    return
  }
  out.openFlags = FOPEN_PASSTHROUGH | FOPEN_NOFLUSH
  out.backingId = node.backingId
}

function chooseMode(ctx: OverlayContext, node: FileNode): number {
  const lower = !node.inUpper || node.metacopy
  const wanted = lower ? MODE_PASSTHROUGH_LOWER : MODE_PASSTHROUGH_UPPER
  if (node.backingId !== 0) {
    if (node.backingUpper === !lower) {
      ctx.backings.delete(node)
      return wanted
    }
    closeBacking(ctx, node)
  }
  if (lower ? !ctx.passthroughLower || !isWorthwhile(ctx, node) : !ctx.passthroughUpper) {
    return MODE_CACHED
  }
  return openBacking(ctx, node, !lower) ? wanted : MODE_CACHED
}

/** Programs, libraries and large files: read-mostly, and shared between mounts. */
function isWorthwhile(ctx: OverlayContext, node: FileNode): boolean {
  if (ctx.options.passthrough === 'all') return true
  if (node.passthroughWorth !== null) return node.passthroughWorth
  const fd = openData(ctx, node, O_RDONLY)
  if (fd < 0) return false
  const seen = statAt(fd, '', stat)
  const worth =
    seen === 0 &&
    (stat.sizeBytes >= PASSTHROUGH_MIN_BYTES ||
      (pread(fd, magic.address, 4, 0) === 4 && magic.u32[0] === ELF_MAGIC))
  close(fd)
  node.passthroughWorth = worth
  return worth
}

function openBacking(ctx: OverlayContext, node: FileNode, upper: boolean): boolean {
  const { connection } = ctx
  if (connection === null) return false
  const fd = openData(ctx, node, O_PATH)
  if (fd < 0) return false
  const id = connection.openBacking(fd)
  close(fd)
  if (id <= 0) {
    // What the kernel refuses for one file of a kind it refuses for all of them.
    if (id === -EPERM || id === -EOPNOTSUPP || id === -ELOOP) {
      if (upper) ctx.passthroughUpper = false
      else ctx.passthroughLower = false
    }
    return false
  }
  node.backingId = id
  node.backingUpper = upper
  return true
}

/** Give a node's backing id back to the kernel. */
export function closeBacking(ctx: OverlayContext, node: FileNode): void {
  if (node.backingId === 0) return
  ctx.connection?.closeBacking(node.backingId)
  node.backingId = 0
  ctx.backings.delete(node)
}

/** Let a write-open go to a new node, since this one has lower passthrough handles open. */
function rebind(ctx: OverlayContext, node: FileNode, truncates: boolean): number {
  const { parent, name } = node
  if (parent === null) return -ESTALE
  const fresh = new FileNode(ctx.nodes.nextId(), parent, name, S_IFREG, node.inUpper)
  fresh.lowerDir = node.lowerDir
  fresh.lowerName = node.lowerName
  fresh.lowerHardLink = node.lowerHardLink
  fresh.indexName = node.indexName
  fresh.indexed = node.indexed
  fresh.lowerNlink = node.lowerNlink
  fresh.unionNlink = node.unionNlink
  fresh.metacopy = node.metacopy
  fresh.dataDir = node.dataDir
  fresh.dataName = node.dataName
  fresh.dataBlocks = node.dataBlocks
  fresh.redirect = node.redirect
  fresh.protection = node.protection
  fresh.hasOrigin = node.hasOrigin
  fresh.originLo = node.originLo
  fresh.originHi = node.originHi
  fresh.originFsid = node.originFsid
  const ready = copyUp(ctx, fresh, truncates ? 'truncate' : 'all')
  if (ready < 0) return ready
  register(ctx, parent, name, fresh)
  if (node.indexName !== '') inheritNames(ctx, node, fresh)
  node.inUpper = false
  node.indexed = false
  node.parent = null
  return -ESTALE
}

/** All names of a lower hard link go to one node. */
function inheritNames(ctx: OverlayContext, node: FileNode, fresh: FileNode): void {
  const { indexName } = node
  ctx.nodes.setIndexName(node, '')
  ctx.nodes.setIndexName(fresh, indexName)
  fresh.aliases = node.aliases
  node.aliases = null
  for (const { parent, name } of fresh.aliases ?? []) parent.children.set(name, fresh)
}

/** A descriptor for reading or writing a cached node's data; or -errno. */
export function dataFd(ctx: OverlayContext, node: FileNode, write: boolean): number {
  const upper = node.inUpper && !node.metacopy
  if (node.fd >= 0) {
    if (node.fdUpper === upper && (!write || node.fdWritable)) return node.fd
    close(node.fd)
    node.fd = -1
  }
  const fd = openData(ctx, node, write ? O_RDWR : O_RDONLY)
  if (fd < 0) return fd
  node.fd = fd
  node.fdWritable = write
  node.fdUpper = upper
  return fd
}

/** Close what serves a node's cached handles; it is reopened on demand. */
export function closeData(node: FileNode): void {
  if (node.fd < 0) return
  close(node.fd)
  node.fd = -1
}

/**
 * Serve RELEASE: one handle less.
 * @param flags O_* of the handle
 */
export function releaseNode(ctx: OverlayContext, node: FileNode, flags: number): void {
  const passthrough = node.mode !== MODE_CACHED && node.mode !== MODE_NONE
  // Stores through a shared mapping of a passthrough file change times unseen by the kernel's cache.
  if (passthrough && (flags & O_ACCMODE) !== O_RDONLY) {
    ctx.connection?.invalidateAttributes(node.id)
  }
  if (canWrite(flags)) node.writers = Math.max(0, node.writers - 1)
  node.opens = Math.max(0, node.opens - 1)
  if (node.opens > 0) return
  node.mode = MODE_NONE
  closeData(node)
  if (node.backingId === 0) return
  if (node.parent === null) {
    closeBacking(ctx, node)
    return
  }
  ctx.backings.add(node)
  if (ctx.backings.size > IDLE_BACKINGS) {
    for (const oldest of ctx.backings) {
      closeBacking(ctx, oldest)
      break
    }
  }
}

/** After a copy-up: cached handles move to the copy, and the kernel asks for attributes again. */
export function moveToCopy(ctx: OverlayContext, node: Node): void {
  if (!node.isDir) {
    closeData(node)
    if (node.opens === 0) closeBacking(ctx, node)
  }
  if (node.nlookup > 0) ctx.connection?.invalidateAttributes(node.id)
}

/** As a write-open: truncate(2) of a file with lower passthrough handles goes to a new node. */
export function rebindForWrite(ctx: OverlayContext, node: FileNode): number {
  return rebind(ctx, node, false)
}
