/**
 * mount(8) and /etc/fstab: `mount -t tsoverlayfs` runs /sbin/mount.tsoverlayfs; `-t fuse.tsoverlayfs`
 * and `-t fuse3.tsoverlayfs` run mount.fuse3, which looks for `tsoverlayfs` in PATH.
 */
import { linkTarget } from '../sys/files.js'
import { type Host, SYSTEM_PATH, at, findProgram } from './host.js'
import { isOurs, planLink, planUnlink } from './links.js'
import { type Change, type Plan, refuse } from './plan.js'

const TITLE = 'mount(8)'
const HELPER = '/sbin/mount.tsoverlayfs'
const PROGRAM = '/usr/local/bin/tsoverlayfs'

/** Whether `mount -t tsoverlayfs` finds us. */
export function hasMountHelper(host: Host): boolean {
  return isOurs(linkTarget(at(host, HELPER)))
}

/** Decide what lets mount(8) find us. */
export function planMountHelper(host: Host, launcher: string): Plan {
  if (host.uid !== 0) return refuse(TITLE, `it needs root to write ${HELPER}: run it with sudo`)
  const helper = planLink(host, HELPER, launcher)
  if (helper === 'taken') return refuse(TITLE, `${HELPER} is there and not ours: remove it first`)
  const changes: Change[] = helper === null ? [] : [helper]
  const isOursInPath = linkTarget(at(host, PROGRAM)) !== null
  if (isOursInPath || findProgram(host, 'tsoverlayfs', SYSTEM_PATH) === null) {
    const program = planLink(host, PROGRAM, launcher)
    if (program !== null && program !== 'taken') changes.push(program)
  }
  const notes =
    findProgram(host, 'mount.fuse3', SYSTEM_PATH) === null
      ? ["'mount -t fuse.tsoverlayfs' needs mount.fuse3: install the package fuse3"]
      : []
  return { title: TITLE, changes, refusal: null, notes }
}

/** Decide what takes us out again. */
export function unplanMountHelper(host: Host): Plan {
  const changes = [HELPER, PROGRAM].flatMap((path) => planUnlink(host, path) ?? [])
  return { title: TITLE, changes, refusal: null, notes: [] }
}
