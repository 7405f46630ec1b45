/**
 * Places for layers: a directory of its own, with a tmpfs of its own if asked for, taken down again
 * whatever happens in between.
 */
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { errnoName } from '../../src/sys/errno.js'
import { close, openPath } from '../../src/sys/open.js'
import { O_DIRECTORY, O_PATH } from '../../src/sys/constants.js'
import { mknodAt } from '../../src/sys/node.js'
import { writeXattr } from '../../src/sys/xattr.js'
import { mount, unmount } from './syscalls.js'

/** The file system that layers are on. */
export type ScratchKind = 'disk' | 'tmpfs'

/** Mount points at or below a directory, deepest first, with type and minor device number. */
export function mountsBelow(directory: string): { target: string; type: string; minor: number }[] {
  const found: { target: string; type: string; minor: number }[] = []
  for (const line of readFileSync('/proc/self/mountinfo', 'latin1').split('\n')) {
    const [left, right] = line.split(' - ')
    const words = (left ?? '').split(' ')
    const target = (words[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    )
    if (target !== directory && !target.startsWith(`${directory}/`)) continue
    const minor = Number((words[2] ?? '0:0').split(':')[1])
    found.push({ target, type: (right ?? '').split(' ')[0] ?? '', minor })
  }
  return found.reverse()
}

/**
 * Unmount everything below a directory and remove it. FUSE connections are aborted first, so that a
 * daemon that hangs cannot take the caller with it.
 */
export function demolish(directory: string): void {
  for (const { target, type, minor } of mountsBelow(directory)) {
    if (type.startsWith('fuse')) abortConnection(minor)
    const result = unmount(target, 'lazy')
    if (result < 0) throw new Error(`unmount ${target}: ${errnoName(result)}`)
  }
  // Trees deeper than PATH_MAX are beyond rmSync.
  execFileSync('rm', ['-rf', '--', directory])
}

function abortConnection(minor: number): void {
  try {
    writeFileSync(`/sys/fs/fuse/connections/${minor}/abort`, '1')
  } catch (error) {
    // Gone already, or fusectl is not mounted: the lazy unmount that follows is what counts.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Say why layers cannot be kept here, null if they can: trusted xattrs and whiteouts are needed. */
export function probeScratch(directory: string): string | null {
  const fd = openPath(directory, O_PATH | O_DIRECTORY)
  if (fd < 0) return `open: ${errnoName(fd)}`
  try {
    const xattr = writeXattr(fd, '', 'trusted.overlay.probe', 'y')
    if (xattr < 0) return `trusted xattrs: ${errnoName(xattr)}`
    const whiteout = mknodAt(fd, 'probe-whiteout', 0o020000, 0, 0)
    return whiteout < 0 ? `whiteouts: ${errnoName(whiteout)}` : null
  } finally {
    close(fd)
  }
}

function usable(directory: string): string | null {
  const probe = `${directory}/probe`
  mkdirSync(probe)
  try {
    return probeScratch(probe)
  } finally {
    rmSync(probe, { recursive: true })
  }
}

const PREFIX = 'tsoverlayfs-test-'

/** Remove what test processes that were killed could not. */
function sweep(parent: string): void {
  for (const name of readdirSync(parent)) {
    const pid = /^tsoverlayfs-test-(\d+)-/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) demolish(`${parent}/${name}`)
  }
}

/** Make a directory that is removed, with the mounts below it, even if this process is killed: by the next. */
export function makeOwnDirectory(parent = process.env['TMPDIR'] ?? '/tmp'): string {
  sweep(parent)
  return mkdtempSync(`${parent}/${PREFIX}${process.pid}-`)
}

/** A place for layers; call `remove` when done. */
export interface Scratch {
  readonly path: string
  readonly kind: ScratchKind
  remove: () => void
}

const DISK_CANDIDATES = ['/var/tmp', '/tmp']

/** Make a place for layers, on the first disk that can hold them or on a private tmpfs. */
export function makeScratch(kind: ScratchKind): Scratch {
  const refused: string[] = []
  for (const parent of [process.env['TMPDIR'] ?? '/tmp', ...DISK_CANDIDATES]) {
    const path = makeOwnDirectory(parent)
    if (kind === 'tmpfs') {
      const result = mount('tmpfs', path, 'tmpfs', 0, 'mode=755,size=1g')
      if (result < 0) throw new Error(`mount a tmpfs: ${errnoName(result)}`)
    }
    const reason = usable(path)
    if (reason === null) return { path, kind, remove: () => demolish(path) }
    demolish(path)
    refused.push(`${parent}: ${reason}`)
  }
  throw new Error(`no place for layers: ${refused.join('; ')}`)
}
