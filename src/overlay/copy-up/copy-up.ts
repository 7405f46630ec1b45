/**
 * Copy-up: giving an object that only a lower layer has its own copy in upper, with all missing
 * parents first. Each object is built under a temporary name in the work directory and moved into
 * place in one step, so a copy is either there and complete, or not there.
 * @mirrors fs/overlayfs/copy_up.c:ovl_copy_up_flags
 */
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
  RENAME_NOREPLACE,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../../sys/constants.js'
import { actAsSelf, useUmask } from '../../sys/creds.js'
import { EEXIST, ENOTDIR, EROFS, ESTALE } from '../../sys/errno.js'
import { NativeMemory } from '../../sys/memory.js'
import { mkdirAt, mknodAt, readlinkAt, symlinkAt } from '../../sys/node.js'
import { close, openAt, openDirRead } from '../../sys/open.js'
import { FileStat, statAt } from '../../sys/stat.js'
import { truncateFd } from '../../sys/attr.js'
import { readXattr, writeXattr } from '../../sys/xattr.js'
import type { OverlayContext } from '../context.js'
import { type Layer, LayerDir } from '../layer.js'
import { markImpure, writeOrigin } from '../marks.js'
import type { DirNode, FileNode, Node } from '../node.js'
import { encodeOrigin } from '../origin.js'
import { statShown } from '../override-stat.js'
import { type Recoding, makeStandIn, recodingFor } from '../override-objects.js'
import type { WorkDir } from '../workdir.js'
import { protectionOfStat, storeProtection } from '../protection.js'
import { copyData } from './data.js'
import { fillMetacopy } from './fill-metacopy.js'
import { flushCopy } from './flush.js'
import { copyInodeFlags } from './inode-flags.js'
import { prepareCopy } from './long-copies.js'
import { copyAccessTime, copyMode, copyOwner, copyTimes, copyXattrs } from './metadata.js'

/** What the caller is about to do, and so how much of the data it needs. */
export type CopyUpIntent =
  /** Read or write: all of it. */
  | 'all'
  /** Cut off: none. */
  | 'truncate'
  /** Change attributes, names or links: none with metacopy=on, else all. */
  | 'metadata'

/** One object on its way up. */
interface CopyUp {
  readonly ctx: OverlayContext
  readonly work: WorkDir
  readonly layer: Layer
  readonly fromFd: number
  readonly fromName: string
  readonly stat: FileStat
  /** Name in the work directory. */
  temp: string
  readonly intent: CopyUpIntent
  /** The file whose data may be copied aside. */
  readonly file: FileNode | null
  /** The temporary is there, with all data. */
  isFilled: boolean
}

const parentStat = new FileStat()
const target = new NativeMemory(4096)

/**
 * Copy a node up unless it is in upper already.
 * @returns 0 or -errno: EROFS without upper, ESTALE for a detached node, ENOSPC, EDQUOT, EIO …;
 *   upper is unchanged then
 */
export function copyUp(ctx: OverlayContext, node: Node, intent: CopyUpIntent): number {
  if (node.isDir) return copyUpDir(ctx, node)
  if (node.inUpper) {
    return node.metacopy && intent !== 'metadata' ? fillMetacopy(ctx, node, intent) : 0
  }
  if (intent !== 'metadata') return copyUpFile(ctx, node, intent)
  return copyUpFile(ctx, node, leavesData(ctx, node) ? 'metadata' : 'all')
}

/**
 * Whether the copy of a file, made for its attributes, leaves the data in the lower layer. Not in the
 * layers of engines: fuse-overlayfs, which may mount them next, would show a hole.
 */
export function leavesData({ options, canMark }: OverlayContext, node: FileNode): boolean {
  return options.metacopy && canMark && !options.engineMarks && node.type === S_IFREG
}

/** Make sure a directory is in upper. Returns 0 or -errno. */
export function copyUpDir(ctx: OverlayContext, dir: DirNode): number {
  if (dir.upper !== null) return 0
  const { work } = ctx
  if (work === null) return -EROFS
  const { parent } = dir
  const [lower] = dir.lowers
  // Removed while open: kernel overlayfs finds the whiteout in its way, and that is no directory.
  if (dir.removed) return -ENOTDIR
  if (parent === null || lower === undefined) return -ESTALE
  const above = copyUpDir(ctx, parent)
  if (above < 0) return above
  if (parent.upper === null) return -ESTALE
  const fromFd = ctx.fds.fd(lower)
  if (fromFd < 0) return fromFd
  const stat = new FileStat()
  const temp = work.tempName()
  const { layer } = lower
  const from = { layer, fromFd, fromName: '', stat }
  const up: CopyUp = { ctx, work, ...from, temp, intent: 'all', file: null, isFilled: false }
  const origin = encodeOrigin(lower.layer, fromFd, '')
  if (typeof origin === 'number') return origin
  const result = buildAndInstall(up, parent, parent.upper, dir.name, origin)
  const isRaced = result === -EEXIST && carries(ctx, parent.upper, dir.name, origin)
  if (result < 0 && !isRaced) return result
  dir.upper = new LayerDir(parent.upper.layer, parent.upper, dir.name)
  dir.hasOrigin = true
  dir.originLo = stat.inoLo
  dir.originHi = stat.inoHi
  dir.originFsid = lower.layer.fsid
  ctx.onCopyUp(dir)
  return 0
}

/**
 * Whether upper has a copy of the same lower directory: another instance over this upper was faster,
 * and there is nothing left to do.
 */
function carries(ctx: OverlayContext, upper: LayerDir, name: string, origin: string): boolean {
  const fd = ctx.fds.fd(upper)
  return fd >= 0 && readXattr(fd, name, `${ctx.xattrNames.prefix}origin`) === origin
}

function copyUpFile(ctx: OverlayContext, node: FileNode, intent: CopyUpIntent): number {
  const { work } = ctx
  if (work === null) return -EROFS
  const { parent, lowerDir } = node
  if (lowerDir === null) return -ESTALE
  // The name is gone (unlinked while open): kernel overlayfs finds the whiteout in its way.
  if (parent === null) return -EEXIST
  const above = copyUpDir(ctx, parent)
  if (above < 0) return above
  if (parent.upper === null) return -ESTALE
  const fromFd = ctx.fds.fd(lowerDir)
  if (fromFd < 0) return fromFd
  const stat = new FileStat()
  const { lowerName } = node
  const temp = work.tempName()
  const { layer } = lowerDir
  const from = { layer, fromFd, fromName: lowerName, stat }
  const up: CopyUp = { ctx, work, ...from, temp, intent, file: node, isFilled: false }
  // A lower hard link is separated from its other names: they must not share an inode number.
  const origin = node.lowerHardLink ? null : encodeOrigin(lowerDir.layer, fromFd, lowerName)
  if (typeof origin === 'number') return origin
  const result = buildAndInstall(up, parent, parent.upper, node.name, origin)
  if (result < 0) return result
  node.inUpper = true
  if (intent === 'metadata' && !node.metacopy) {
    node.dataDir = lowerDir
    node.dataName = lowerName
    node.dataBlocks = stat.blocks
  }
  node.metacopy = intent === 'metadata'
  node.redirect = null
  node.hasOrigin = !node.lowerHardLink
  node.originLo = stat.inoLo
  node.originHi = stat.inoHi
  node.originFsid = lowerDir.layer.fsid
  ctx.onCopyUp(node)
  return 0
}

function buildAndInstall(
  up: CopyUp,
  parent: DirNode,
  upper: LayerDir,
  name: string,
  origin: string | null,
): number {
  const { ctx, work } = up
  const seen = statShown(up.layer, up.fromFd, up.fromName, up.stat)
  if (seen < 0) return seen
  const prepared = prepareData(up)
  if (prepared < 0) return prepared
  const { temp } = up
  const marked = markImpure(ctx, parent)
  if (marked < 0) {
    if (up.isFilled) work.discard(temp)
    return marked
  }
  const built = build(up, origin)
  if (built < 0) {
    work.discard(temp)
    return built
  }
  const upperFd = ctx.fds.fd(upper)
  const noted = upperFd < 0 ? upperFd : statAt(upperFd, '', parentStat)
  const installed = noted < 0 ? noted : work.install(temp, upperFd, name, RENAME_NOREPLACE)
  if (installed < 0) {
    work.discard(temp)
    return installed
  }
  // Copying up is not a change the user made: the parent's times stay. Best effort, as in the kernel.
  copyTimes(parentStat, upperFd, '')
  // Unseen by the VFS, the directory's change time is another, and it may have grown.
  if (parent.nlookup > 0) ctx.connection?.invalidateAttributes(parent.id)
  return 0
}

/** Have a large file's data copied aside. Returns 0, PARKED until it is there, or -errno. */
function prepareData(up: CopyUp): number {
  const { ctx, file, stat } = up
  if (file === null || file.metacopy || up.intent !== 'all' || (stat.mode & S_IFMT) !== S_IFREG)
    return 0
  const ready = prepareCopy(ctx, file, up.fromFd, up.fromName, stat)
  if (typeof ready === 'number') return ready
  if (ready === null) return 0
  up.temp = ready.temp
  up.isFilled = true
  return 0
}

/** Whether the copy, being without data, is what the caller makes of the file: cut off. */
function isCutOff({ intent, stat }: CopyUp): boolean {
  return intent === 'truncate' && stat.sizeBytes > 0
}

/** Under which names the copy holds xattrs. Cutting a file off takes its capability away. */
function recodingOf(up: CopyUp): Recoding | null {
  const recode = recodingFor(up.ctx, up.layer)
  if (!isCutOff(up)) return recode
  return (name) => {
    const target = recode === null ? name : recode(name)
    return target?.endsWith('security.capability') === true ? null : target
  }
}

function build(up: CopyUp, origin: string | null): number {
  const { ctx, work, stat, temp } = up
  actAsSelf()
  useUmask(0)
  const made = makeObject(up)
  if (made < 0) return made
  const recode = recodingOf(up)
  let result = copyOwner(ctx, stat, work.fd, temp)
  if (result === 0) result = copyXattrs(ctx, up.fromFd, up.fromName, work.fd, temp, recode)
  const protection = protectionOfStat(stat.attributes)
  if (result === 0 && protection !== 0 && ctx.canMark) {
    result = storeProtection(ctx, work.fd, temp, protection)
  }
  if (result === 0) result = copyMode(ctx, stat, work.fd, temp)
  if (result === 0 && origin !== null) {
    result = writeOrigin(ctx, work.fd, temp, stat.mode & S_IFMT, origin)
  }
  if (result === 0 && up.intent === 'metadata') {
    result = writeXattr(work.fd, temp, `${ctx.xattrNames.prefix}metacopy`, '')
  }
  if (result < 0) return result
  return isCutOff(up) ? copyAccessTime(stat, work.fd, temp) : copyTimes(stat, work.fd, temp)
}

/** Make the temporary, with its data. Returns 0 or -errno. */
function makeObject(up: CopyUp): number {
  const { work, stat, temp } = up
  switch (stat.mode & S_IFMT) {
    case S_IFREG:
      return makeRegular(up)
    case S_IFDIR:
      return makeDirectory(up)
    case S_IFLNK: {
      const length = readlinkAt(up.fromFd, up.fromName, target, 0, 4096)
      if (length < 0) return length
      return symlinkAt(target.bytes.latin1Slice(0, length), work.fd, temp)
    }
    default:
      if ((up.ctx.upper?.override ?? null) !== null) return makeStandIn(work.fd, temp)
      return mknodAt(work.fd, temp, stat.mode & S_IFMT, stat.rdevMajor, stat.rdevMinor)
  }
}

function makeDirectory(up: CopyUp): number {
  const { work, temp } = up
  const made = mkdirAt(work.fd, temp, 0o700)
  if (made < 0) return made
  const source = openDirRead(up.fromFd)
  const target = source < 0 ? source : openAt(work.fd, temp, O_RDONLY | O_DIRECTORY)
  const result = target < 0 ? target : copyInodeFlags(source, target)
  if (source >= 0) close(source)
  if (target >= 0) close(target)
  return result
}

function makeRegular(up: CopyUp): number {
  const { work, temp } = up
  const how = up.isFilled ? O_RDWR : O_CREAT | O_EXCL | O_RDWR
  const fd = openAt(work.fd, temp, how, 0o600)
  if (fd < 0) return fd
  const source = openSource(up)
  const result = source < 0 ? source : fillRegular(up, source, fd)
  if (source >= 0) close(source)
  close(fd)
  return result
}

/** The file whose data is copied: not the one with the attributes where that holds nothing else. */
function openSource({ ctx, file, fromFd, fromName }: CopyUp): number {
  return file?.metacopy === true && file.dataDir !== null
    ? openAt(ctx.fds.fd(file.dataDir), file.dataName, O_RDONLY)
    : openAt(fromFd, fromName, O_RDONLY)
}

function fillRegular(up: CopyUp, source: number, fd: number): number {
  const { ctx, stat } = up
  if (up.intent === 'metadata') {
    const sized = truncateFd(fd, stat.sizeBytes)
    if (sized < 0) return sized
  }
  if (!up.isFilled && up.intent === 'all' && stat.sizeBytes > 0) {
    const blocks = up.file?.metacopy === true ? up.file.dataBlocks : stat.blocks
    let result = copyData(ctx.copyMethods, source, fd, stat.sizeBytes, blocks)
    if (result === 0) result = flushCopy(ctx.flush, fd)
    if (result < 0) return result
  }
  return copyInodeFlags(source, fd)
}
