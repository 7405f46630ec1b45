/**
 * Opening the directories named by the user, as private clones of their mounts where the kernel
 * allows it. Upper and work must be reached through one and the same mount, since names move
 * between them: both are opened below a clone of their common ancestor.
 */
import { readlinkAt } from '../sys/node.js'
import { AT_FDCWD, O_DIRECTORY, O_PATH } from '../sys/constants.js'
import { EINVAL, ENOTDIR, errnoName } from '../sys/errno.js'
import { NativeMemory } from '../sys/memory.js'
import { cloneMount } from '../sys/mount-clone.js'
import { close, openBeneath, openPath } from '../sys/open.js'
import { FileStat, statAt } from '../sys/stat.js'
import { LayerError, quotePath } from './layer-error.js'

/** A directory of the user's, open with O_PATH. */
export interface OpenedDir {
  readonly path: string
  fd: number
  readonly stat: FileStat
}

/**
 * Open a directory the user named, following symlinks, against the current directory.
 * @throws LayerError EINVAL when it is no directory, else the errno of opening it
 */
export function openUserDir(path: string, what: string): OpenedDir {
  const fd = openPath(path, O_PATH | O_DIRECTORY)
  if (fd === -ENOTDIR) {
    throw new LayerError(EINVAL, `${what} ${quotePath(path)} is not a directory`)
  }
  if (fd < 0) {
    throw new LayerError(
      -fd,
      `${what} ${quotePath(path)}: ${errnoName(fd)}; create it or correct the path`,
    )
  }
  const stat = new FileStat()
  const result = statAt(fd, '', stat)
  if (result < 0) throw new LayerError(-result, `${what} ${quotePath(path)}: ${errnoName(result)}`)
  return { path, fd, stat }
}

/** Replace a lower's descriptor by one on a read-only clone of its mount, where allowed. */
export function isolateLower(dir: OpenedDir): boolean {
  const clone = cloneMount(dir.fd, 'read-only')
  if (clone < 0) return false
  close(dir.fd)
  dir.fd = clone
  return true
}

const link = new NativeMemory(8192)

/** The absolute path behind a descriptor, or null when it has none here. */
function realPath(fd: number): string | null {
  const length = readlinkAt(AT_FDCWD, `/proc/self/fd/${String(fd)}`, link, 0, 8191)
  if (length < 1) return null
  const path = link.bytes.latin1Slice(0, length)
  return path.startsWith('/') && !path.endsWith(' (deleted)') ? path : null
}

function commonAncestor(a: string, b: string): string {
  const left = a.split('/')
  const right = b.split('/')
  let depth = 0
  while (depth < left.length && left[depth] === right[depth]) depth += 1
  return left.slice(0, depth).join('/') || '/'
}

/** Open `dir` anew below `root`, provided it is the same directory there; null if not. */
function openInside(root: number, rootPath: string, dir: OpenedDir, path: string): number | null {
  const relative = path.slice(rootPath === '/' ? 1 : rootPath.length + 1)
  const fd = openBeneath(root, relative === '' ? '.' : relative, O_PATH | O_DIRECTORY)
  if (fd < 0) return null
  const seen = new FileStat()
  const same =
    statAt(fd, '', seen) === 0 &&
    seen.inoLo === dir.stat.inoLo &&
    seen.inoHi === dir.stat.inoHi &&
    seen.devMajor === dir.stat.devMajor &&
    seen.devMinor === dir.stat.devMinor
  if (same) return fd
  close(fd)
  return null
}

/**
 * Replace the descriptors of upper and work by ones below a single clone of their mount, where the
 * kernel allows it; nothing changes where it does not.
 */
export function isolateUpper(upper: OpenedDir, work: OpenedDir): boolean {
  const upperPath = realPath(upper.fd)
  const workPath = realPath(work.fd)
  if (upperPath === null || workPath === null) return false
  const ancestor = commonAncestor(upperPath, workPath)
  const base = openPath(ancestor, O_PATH | O_DIRECTORY)
  if (base < 0) return false
  const clone = cloneMount(base, 'as-is')
  close(base)
  if (clone < 0) return false
  const upperFd = openInside(clone, ancestor, upper, upperPath)
  const workFd = openInside(clone, ancestor, work, workPath)
  close(clone)
  if (upperFd === null || workFd === null) {
    if (upperFd !== null) close(upperFd)
    if (workFd !== null) close(workFd)
    return false
  }
  close(upper.fd)
  close(work.fd)
  upper.fd = upperFd
  work.fd = workFd
  return true
}
