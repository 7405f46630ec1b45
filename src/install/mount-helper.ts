/**
 * mount(8) and /etc/fstab: for the type `tsoverlayfs` they run /sbin/mount.tsoverlayfs. The types
 * `fuse.tsoverlayfs`, which a live mount shows and a remount is asked for by, and `fuse3.tsoverlayfs`
 * have a name each as well: mount.fuse3, which would do without, knows only the first, finds programs
 * in a few directories, and cannot remount.
 */
import { linkTarget } from '../sys/files.js'
import { type Host, at } from './host.js'
import { isOurs, planLink, planUnlink } from './links.js'
import { type Change, type Plan, refuse } from './plan.js'

const TITLE = 'mount(8)'
const HELPERS = [
  '/sbin/mount.tsoverlayfs',
  '/sbin/mount.fuse.tsoverlayfs',
  '/sbin/mount.fuse3.tsoverlayfs',
]

/** Whether `mount -t tsoverlayfs` finds us. */
export function hasMountHelper(host: Host): boolean {
  return HELPERS.every((path) => isOurs(linkTarget(at(host, path))))
}

/** Decide what lets mount(8) find us. */
export function planMountHelper(host: Host, launcher: string): Plan {
  if (host.uid !== 0) return refuse(TITLE, 'it needs root to write to /sbin: run it with sudo')
  const changes: Change[] = []
  for (const path of HELPERS) {
    const change = planLink(host, path, launcher)
    if (change === 'taken') return refuse(TITLE, `${path} is there and not ours: remove it first`)
    if (change !== null) changes.push(change)
  }
  return { title: TITLE, changes, refusal: null, notes: [] }
}

/** Decide what takes us out again. */
export function unplanMountHelper(host: Host): Plan {
  const changes = HELPERS.flatMap((path) => planUnlink(host, path) ?? [])
  return { title: TITLE, changes, refusal: null, notes: [] }
}
