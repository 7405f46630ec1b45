/**
 * Making new objects. A name that upper does not have is created in place, owned by the caller from
 * its first instant; over a whiteout the object is built in work and moved onto it, a directory
 * opaque before it becomes visible.
 * @mirrors fs/overlayfs/dir.c:ovl_create_or_link
 */
import type { RequestContext } from '../fuse/raw-filesystem.js'
import {
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_ISGID,
} from '../sys/constants.js'
import { actAs, actAsSelf, useUmask } from '../sys/creds.js'
import { EEXIST, EINVAL, ENAMETOOLONG, ENODATA, EOPNOTSUPP, EROFS, ESTALE } from '../sys/errno.js'
import { linkAt, mkdirAt, mknodAt, symlinkAt } from '../sys/node.js'
import { close, openAt, openDirPath } from '../sys/open.js'
import { FileStat, isThere, statAt } from '../sys/stat.js'
import { readXattr, writeXattr } from '../sys/xattr.js'
import { removeWh } from '../whiteout/aufs.js'
import { isWhName } from '../whiteout/wh-prefix.js'
import { register } from './children.js'
import type { OverlayContext } from './context.js'
import { copyUpDir } from './copy-up/copy-up.js'
import { LayerDir } from './layer.js'
import { markOpaque } from './marks.js'
import { ACL_NONE, ACL_PRESENT, ACL_UNKNOWN, DirNode, FileNode, type Node } from './node.js'
import { creatorId } from './ownership.js'
import { dressNew, isMadeAsItself } from './override-objects.js'
import { STAND_IN_MODE } from './override-stat.js'
import { FOUND, WHITEOUT, honoursWh, probe } from './probe.js'
import { mayWrite } from './protection.js'
import type { WorkDir } from './workdir.js'

/** Longest name that leaves room for `.wh.` before it, in bytes. */
export const WH_NAME_MAX = 251

const DEFAULT_ACL = 'system.posix_acl_default'

/** A new object, as the caller asked for it. */
export interface NewObject {
  /** S_IFMT and permission bits, before the umask. */
  readonly mode: number
  readonly umask: number
  readonly rdevMajor: number
  readonly rdevMinor: number
  /** Symlink target. */
  readonly target: string
  /** O_* flags: make a regular file by opening it, and leave the descriptor in `fd`. */
  readonly openFlags: number
  /** Existing object to link to instead of making one. */
  readonly linkFd: number
  readonly linkName: string
  /** That object has no name yet. Once given one and robbed of it, it could never have another. */
  readonly nameless: boolean
  /** The temporary that was left to it for that reason; '' = none. */
  parked: string
  fd: number
}

/** A NewObject with nothing but a mode. */
export function newObject(mode: number, umask: number): NewObject {
  return {
    mode,
    umask,
    rdevMajor: 0,
    rdevMinor: 0,
    target: '',
    openFlags: 0,
    linkFd: -1,
    linkName: '',
    nameless: false,
    parked: '',
    fd: -1,
  }
}

const scratch = new FileStat()

/** Own new objects as the caller, as the disk holds owners. */
export function actAsCaller(ctx: OverlayContext, req: RequestContext): void {
  actAs(creatorId(ctx.options.uidMap, req.uid), creatorId(ctx.options.gidMap, req.gid))
}

/** Make the object as `name` in a real directory. Returns 0 or -errno. */
function makeAt(dirfd: number, name: string, what: NewObject, umask: number): number {
  if (what.linkFd >= 0) return linkAt(what.linkFd, what.linkName, dirfd, name)
  useUmask(umask)
  switch (what.mode & S_IFMT) {
    case S_IFDIR:
      return mkdirAt(dirfd, name, what.mode & 0o7777)
    case S_IFLNK:
      return symlinkAt(what.target, dirfd, name)
    case S_IFREG: {
      if (what.openFlags === 0) return mknodAt(dirfd, name, what.mode, 0, 0)
      const fd = openAt(dirfd, name, what.openFlags, what.mode & 0o7777)
      if (fd < 0) return fd
      what.fd = fd
      return 0
    }
    default:
      return mknodAt(dirfd, name, what.mode, what.rdevMajor, what.rdevMinor)
  }
}

/**
 * Create `name` in `parent`, on disk only; `register`ing a node is the caller's.
 * @precondition the caller holds that the name is not visible
 * @returns 0 or -errno: EROFS, EEXIST when something visible is there after all
 */
export function createOnDisk(
  ctx: OverlayContext,
  req: RequestContext,
  parent: DirNode,
  name: string,
  what: NewObject,
): number {
  const { work } = ctx
  if (work === null) return -EROFS
  let usable = checkName(ctx, name)
  if (usable === 0) usable = mayWrite(ctx, parent)
  if (usable < 0) return usable
  const above = copyUpDir(ctx, parent)
  if (above < 0) return above
  if (parent.upper === null) return -ESTALE
  if (what.linkFd < 0) actAsCaller(ctx, req)
  const dirfd = ctx.fds.fd(parent.upper)
  if (dirfd < 0) return dirfd
  const creation = { ctx, req, work, parent, name, what }
  const through = needsWork(creation, parent.upper)
  if (through !== 0) return through < 0 ? through : createThroughWork(creation, parent.upper)
  const made = makeAt(dirfd, name, what, what.umask)
  if (made === -EEXIST) {
    const seen = probe(ctx, parent.upper, name, scratch)
    if (seen < 0) return seen
    return seen === WHITEOUT ? createOverWhiteout(creation) : -EEXIST
  }
  if (made < 0) return made
  if (work.form === 'wh-file' && parent.lowers.length > 0) removeWh(dirfd, name)
  return opaqueFromStart(ctx, parent, what) ? markNewDirOpaque(ctx, dirfd, name) : 0
}

/**
 * Whether a name can be given where `.wh.` files count: not one of theirs, and none too long to be
 * hidden by one where only they can be written.
 * @returns 0, EINVAL or ENAMETOOLONG
 */
export function checkName(ctx: OverlayContext, name: string): number {
  if (ctx.options.whPrefix !== 'all') return 0
  if (isWhName(name)) return -EINVAL
  return ctx.work?.form === 'wh-file' && name.length > WH_NAME_MAX ? -ENAMETOOLONG : 0
}

/** One new object on its way to its name. */
interface Creation {
  readonly ctx: OverlayContext
  readonly req: RequestContext
  readonly work: WorkDir
  readonly parent: DirNode
  readonly name: string
  readonly what: NewObject
}

/**
 * Whether the object must be complete before it gets its name though nothing is in its way: its owner
 * is kept in an xattr, or it is a directory that a `.wh.` file beside it does not keep from merging.
 * @returns 1, 0 or -errno
 */
function needsWork({ ctx, parent, name, what }: Creation, upper: LayerDir): number {
  if (what.linkFd >= 0) return 0
  if (ctx.upper !== null && ctx.upper.override !== null) return 1
  const merges = (what.mode & S_IFMT) === S_IFDIR && parent.lowers.length > 0
  if (!merges || !honoursWh(ctx, upper)) return 0
  const seen = probe(ctx, upper, name, scratch)
  return seen < 0 ? seen : Number(seen === WHITEOUT)
}

/** Build the object in work and move it to its name. Returns 0 or -errno. */
function createThroughWork(creation: Creation, upper: LayerDir): number {
  const { ctx, work, parent, name, what } = creation
  const seen = probe(ctx, upper, name, scratch)
  if (seen < 0) return seen
  if (seen === WHITEOUT) return createOverWhiteout(creation)
  if (seen === FOUND) return -EEXIST
  const temp = work.tempName()
  let result = makeInWork(creation, temp)
  const dirfd = ctx.fds.fd(upper)
  if (result === 0) {
    result = dirfd < 0 ? dirfd : work.install(temp, dirfd, name, RENAME_NOREPLACE)
  }
  if (result === 0)
    return opaqueFromStart(ctx, parent, what) ? markNewDirOpaque(ctx, dirfd, name) : 0
  giveUp(work, temp, what)
  return result
}

/** Undo what was made of an object that did not get its name. */
function giveUp(work: WorkDir, temp: string, what: NewObject): void {
  if (what.fd >= 0) close(what.fd)
  what.fd = -1
  if (what.parked !== temp) work.discard(temp)
}

/** Whether a directory made in a merged one is opaque at once: with features that need it. */
function opaqueFromStart(ctx: OverlayContext, parent: DirNode, what: NewObject): boolean {
  if ((what.mode & S_IFMT) !== S_IFDIR || parent.lowers.length === 0) return false
  const { index, metacopy, redirectDir, xino } = ctx.options
  return index || metacopy || redirectDir === 'on' || xino === 'on'
}

/** An optimisation only: the name has no lower entry, so it may fail. */
function markNewDirOpaque(ctx: OverlayContext, dirfd: number, name: string): number {
  markOpaque(ctx, dirfd, name)
  return 0
}

/**
 * Build the object in work and move it onto the whiteout.
 * @mirrors fs/overlayfs/dir.c:ovl_create_over_whiteout
 */
function createOverWhiteout(creation: Creation): number {
  const { ctx, work, parent, name, what } = creation
  const temp = work.tempName()
  const isDir = what.linkFd < 0 && (what.mode & S_IFMT) === S_IFDIR
  let result = makeInWork(creation, temp)
  if (result === 0 && isDir) result = markOpaque(ctx, work.fd, temp)
  const dirfd = parent.upper === null ? -ESTALE : ctx.fds.fd(parent.upper)
  if (result === 0) result = dirfd < 0 ? dirfd : installOverWhiteout(creation, temp, dirfd, isDir)
  if (result < 0) {
    giveUp(work, temp, what)
    return result
  }
  what.parked = ''
  // After the exchange the temporary is the old whiteout.
  if (isDir) work.discard(temp)
  if (ctx.options.whPrefix === 'all') removeWh(dirfd, name)
  return 0
}

function installOverWhiteout(
  { ctx, work, name }: Creation,
  temp: string,
  dirfd: number,
  isDir: boolean,
): number {
  // Where `.wh.` files count, the name itself may be free.
  const taken = ctx.options.whPrefix === 'all' ? isThere(dirfd, name, scratch) : 1
  if (taken < 0) return taken
  if (taken === 0) return work.install(temp, dirfd, name, RENAME_NOREPLACE)
  return work.install(temp, dirfd, name, isDir ? RENAME_EXCHANGE : 0)
}

/** What a parent passes on to new objects in it; or -errno. */
function inherits(
  ctx: OverlayContext,
  parent: DirNode,
): { acl: string | null; stat: FileStat } | number {
  if (parent.upper === null) return -ESTALE
  const stat = new FileStat()
  const dirfd = ctx.fds.fd(parent.upper)
  const seen = dirfd < 0 ? dirfd : statAt(dirfd, '', stat)
  if (seen < 0) return seen
  if (parent.defaultAcl === ACL_NONE) return { acl: null, stat }
  const acl = readXattr(dirfd, '', DEFAULT_ACL)
  if (typeof acl === 'number' && acl !== -ENODATA && acl !== -EOPNOTSUPP) return acl
  parent.defaultAcl = typeof acl === 'string' ? ACL_PRESENT : ACL_NONE
  return { acl: typeof acl === 'string' ? acl : null, stat }
}

/**
 * Make a temporary that has what the parent passes on: its group with setgid, its default ACL. The
 * kernel does the work, in a nursery directory that has the same of both.
 */
function makeInWork(creation: Creation, temp: string): number {
  const { ctx, work, parent, what } = creation
  if (what.linkFd >= 0) {
    const linked = makeAt(work.fd, temp, what, 0)
    if (linked === 0 && what.nameless) what.parked = temp
    return linked
  }
  if (ctx.upper !== null && ctx.upper.override !== null) return makeStoodFor(creation, temp)
  const inherited = inherits(ctx, parent)
  if (typeof inherited === 'number') return inherited
  const { acl, stat } = inherited
  if (acl === null && (stat.mode & S_ISGID) === 0) {
    return makeAt(work.fd, temp, what, what.umask)
  }
  return makeInNursery(work, temp, what, acl, stat)
}

/** Make a temporary of the daemon's own that shows what was asked for. */
function makeStoodFor({ ctx, req, work, parent, what }: Creation, temp: string): number {
  actAsSelf()
  const type = isMadeAsItself(what.mode) ? what.mode & S_IFMT : S_IFREG
  const real = { ...what, mode: type | STAND_IN_MODE }
  const made = makeAt(work.fd, temp, real, 0)
  what.fd = real.fd
  return made < 0 ? made : dressNew(ctx, req, parent, what, work.fd, temp)
}

function makeInNursery(
  work: WorkDir,
  temp: string,
  what: NewObject,
  acl: string | null,
  parentStat: FileStat,
): number {
  const nursery = work.tempName()
  useUmask(0)
  let result = mkdirAt(work.fd, nursery, 0o700)
  if (result < 0) return result
  const fd = openDirPath(work.fd, nursery)
  result = fd < 0 ? fd : work.dressNursery(fd, parentStat.gid, (parentStat.mode & S_ISGID) !== 0)
  if (result === 0 && acl !== null) {
    const set = writeXattr(fd, '', DEFAULT_ACL, acl)
    result = set === -EOPNOTSUPP ? 0 : set
  }
  if (result === 0) result = makeAt(fd, temp, what, what.umask)
  if (result === 0) result = work.moveUp(fd, temp)
  if (fd >= 0) close(fd)
  work.discard(nursery)
  return result
}

/** The node of an object just created in upper. Its stat must be in `stat`. */
export function registerNew(
  ctx: OverlayContext,
  parent: DirNode,
  name: string,
  stat: FileStat,
  opaque: boolean,
): Node | number {
  if (parent.upper === null) return -ESTALE
  parent.listing?.add(name, (stat.mode & S_IFMT) >>> 12)
  const type = stat.mode & S_IFMT
  if (type !== S_IFDIR) {
    const file = new FileNode(ctx.nodes.nextId(), parent, name, type, true)
    file.protection = 0
    register(ctx, parent, name, file)
    return file
  }
  const upper = new LayerDir(parent.upper.layer, parent.upper, name)
  const dir = new DirNode(ctx.nodes.nextId(), parent, name, upper, [])
  dir.opaque = opaque
  dir.protection = 0
  dir.defaultAcl = parent.defaultAcl === ACL_NONE ? ACL_NONE : ACL_UNKNOWN
  register(ctx, parent, name, dir)
  return dir
}
