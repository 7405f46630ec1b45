/** Symlinks to our program under the names that others run it by. */
import { kindOf, linkTarget } from '../sys/files.js'
import { type Host, at } from './host.js'
import type { Change } from './plan.js'

/** Whether a symlink was made by us, for this installation or an earlier one. */
export function isOurs(target: string | null): boolean {
  return target !== null && /^\/(.*\/)?bin\/tsoverlayfs$/.test(target)
}

/** Decide how `path` comes to lead to our program; null: it does. `taken`: something else is there. */
export function planLink(host: Host, path: string, launcher: string): Change | 'taken' | null {
  const was = linkTarget(at(host, path))
  if (was === launcher) return null
  if (was !== null && isOurs(was)) return { kind: 'link', path, target: launcher, was }
  return kindOf(at(host, path)) === 'absent'
    ? { kind: 'link', path, target: launcher, was: null }
    : 'taken'
}

/** Decide how a symlink of ours goes away; null: there is none. */
export function planUnlink(host: Host, path: string): Change | null {
  const target = linkTarget(at(host, path))
  return target !== null && isOurs(target) ? { kind: 'unlink', path, target } : null
}
