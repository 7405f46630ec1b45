/**
 * The way of one lookup through the lower layers: which name comes next, and what ends it. Opaque
 * marks and redirects are read here, also those of directories on the path of a redirect.
 * @mirrors fs/overlayfs/namei.c:ovl_lookup_layer
 */
import { S_IFDIR, S_IFMT } from '../sys/constants.js'
import { EACCES, EINVAL, ENODATA, EOPNOTSUPP } from '../sys/errno.js'
import { FileStat } from '../sys/stat.js'
import { readXattr, xattrNames } from '../sys/xattr.js'
import { hasForeignOpaque, hasWhOpaque, isOpaque } from '../whiteout/opaque.js'
import type { OverlayContext } from './context.js'
import { LayerDir } from './layer.js'
import { ABSENT, FOUND, type ProbePlace, WHITEOUT, honoursWh, probe } from './probe.js'
import { redirectOf } from './redirect.js'

const NO_NAMES: readonly string[] = []
const stepStat = new FileStat()

/** State that only one lookup needs; the names are the kernel's ovl_lookup_data. */
export interface Walk {
  isDir: boolean
  stop: boolean
  /** Name or path to look for in the layers that follow. */
  name: string
  /** Layers that follow are those of the root, not of the parent: after an absolute redirect. */
  fromRoot: boolean
  /** The redirect met last. */
  redirect: string | null
}

/** The lookup under way: there is one at a time. */
export const walk: Walk = { isDir: false, stop: false, name: '', fromRoot: false, redirect: null }

/** Begin a lookup. */
export function startWalk(name: string): void {
  walk.isDir = false
  walk.stop = false
  walk.name = name
  walk.fromRoot = false
  walk.redirect = null
}

/** xattr names, or none where the file system has no xattrs; other errors are passed on. */
export function namesOf(fd: number, name: string): readonly string[] | number {
  const names = xattrNames(fd, name)
  return names === -EOPNOTSUPP || names === -ENODATA ? NO_NAMES : names
}

/**
 * Go on under another name if the directory or file says so. A relative redirect replaces the last
 * name of the path so far, an absolute one all of it, even where an opaque directory had ended it.
 * @param tail what follows `name` in the path of an absolute redirect that is being walked
 * @mirrors fs/overlayfs/namei.c:ovl_check_redirect
 */
export function readRedirect(
  ctx: OverlayContext,
  fd: number,
  name: string,
  names: readonly string[],
  tail = '',
): number {
  const key = `${ctx.xattrNames.prefix}redirect`
  if (!names.includes(key)) return 0
  const value = readXattr(fd, name, key)
  if (typeof value === 'number') return value
  const redirect = redirectOf(value)
  if (redirect === null) return -EINVAL
  const rest = tail === '' ? '' : `/${tail}`
  const before = walk.name.slice(0, walk.name.length - rest.length - name.length)
  walk.redirect = redirect
  walk.name = redirect.startsWith('/') ? redirect.slice(1) + rest : before + redirect + rest
  if (redirect.startsWith('/')) {
    walk.fromRoot = true
    walk.stop = false
  }
  return 0
}

/**
 * Whether a lower directory, or one on the path of a redirect, ends the merge or leads elsewhere.
 * @param tail what follows it in that path
 * @returns 0 or -errno
 */
export function readLowerDirMarks(
  ctx: OverlayContext,
  lower: LayerDir,
  place: ProbePlace,
  tail: string,
): number {
  const { layer, parent, name } = lower
  const isLast =
    ctx.options.redirectDir === 'nofollow'
      ? place === 'last'
      : layer.index >= ctx.stack.lowers.length
  if (isLast || parent === null) return 0
  const fd = ctx.fds.fd(parent)
  if (fd < 0) return fd
  const names = namesOf(fd, name)
  if (typeof names === 'number') return names
  const opaque = isOpaqueLower(ctx, lower, fd, name, names)
  if (opaque < 0) return opaque
  if (opaque === 1) {
    walk.stop = true
    return 0
  }
  return names.length === 0 ? 0 : readRedirect(ctx, fd, name, names, tail)
}

/** 1, 0 or -errno */
function isOpaqueLower(
  ctx: OverlayContext,
  lower: LayerDir,
  fd: number,
  name: string,
  names: readonly string[],
): number {
  if (names.length > 0) {
    const own = isOpaque(fd, name, ctx.xattrNames.prefix, names)
    if (own !== 0) return own
    const which = ctx.options.engineMarks ? 'engine' : 'fuse-overlayfs'
    const foreign = hasForeignOpaque(fd, name, names, which)
    if (foreign !== 0) return foreign
  }
  if (!honoursWh(ctx, lower)) return 0
  const dirfd = ctx.fds.fd(lower)
  return dirfd < 0 ? dirfd : hasWhOpaque(dirfd)
}

/**
 * Where a path of several components leads in a layer: the directory of its last one.
 * @returns the directory, ABSENT, or -errno
 * @mirrors fs/overlayfs/namei.c:ovl_lookup_layer
 */
export function descend(
  ctx: OverlayContext,
  start: LayerDir,
  path: string,
  place: ProbePlace,
): LayerDir | number {
  let dir = start
  let rest = path
  for (let at = rest.indexOf('/'); at >= 0; at = rest.indexOf('/')) {
    const part = rest.slice(0, at)
    rest = rest.slice(at + 1)
    if (isUnnameable(part)) return -EACCES
    const seen = probe(ctx, dir, part, stepStat)
    if (seen < 0) return seen
    if (seen === WHITEOUT) walk.stop = true
    if (seen !== FOUND || (stepStat.mode & S_IFMT) !== S_IFDIR) {
      if (seen === FOUND) walk.stop = true
      return ABSENT
    }
    const inner = new LayerDir(dir.layer, dir, part)
    const result = readLowerDirMarks(ctx, inner, place, rest)
    if (result < 0) return result
    dir = inner
  }
  return dir
}

/** What no directory can look up as a name of its own. */
export function isUnnameable(name: string): boolean {
  return name === '' || name === '.' || name === '..'
}
