/**
 * Which layers lie inside each other. A lower inside another lower, or inside upper or work, would
 * show changes under two names; upper inside a lower is allowed.
 * @mirrors fs/overlayfs/super.c:ovl_setup_trap, ovl_check_layer
 */
import { O_DIRECTORY, O_PATH } from '../sys/constants.js'
import { EINVAL, ELOOP } from '../sys/errno.js'
import { close, openAt } from '../sys/open.js'
import { FileStat, statAt } from '../sys/stat.js'
import { LayerError, quotePath } from './layer-error.js'
import { type OpenedDir, openUserDir } from './layer-open.js'

/** What a directory is to the overlay. */
type Role = 'lowerdir' | 'upperdir' | 'workdir'

function key(stat: FileStat): string {
  return `${String(stat.devMajor)}:${String(stat.devMinor)}:${String(stat.inoHi)}:${String(stat.inoLo)}`
}

/** Keys of all directories above `dir`, nearest first; stops at one already walked. */
function ancestors(dir: OpenedDir, walked: Set<string>): string[] {
  const keys: string[] = []
  const stat = new FileStat()
  let fd = openAt(dir.fd, '..', O_PATH | O_DIRECTORY)
  let below = key(dir.stat)
  while (fd >= 0) {
    const known = statAt(fd, '', stat) === 0 ? key(stat) : below
    const next = known === below || walked.has(known) ? -1 : openAt(fd, '..', O_PATH | O_DIRECTORY)
    if (known !== below) keys.push(known)
    close(fd)
    fd = next
    below = known
  }
  return keys
}

/** @throws LayerError EINVAL when work and upper are the same or one lies inside the other */
export function checkUpperWork(upper: OpenedDir, work: OpenedDir): void {
  const none = new Set<string>()
  const clash =
    key(upper.stat) === key(work.stat) ||
    ancestors(upper, none).includes(key(work.stat)) ||
    ancestors(work, none).includes(key(upper.stat))
  if (clash) {
    throw new LayerError(
      EINVAL,
      `workdir ${quotePath(work.path)} and upperdir ${quotePath(upper.path)} must be separate ` +
        'directories, neither inside the other; use an empty directory beside upperdir',
    )
  }
}

/**
 * Report every lower that is, or lies inside, another layer.
 * @param report called with the ELOOP error; it throws it or warns
 */
export function checkLowers(
  lowers: readonly OpenedDir[],
  upper: OpenedDir | null,
  work: OpenedDir | null,
  report: (error: LayerError) => void,
): void {
  const roots = new Map<string, { role: Role; dir: OpenedDir }>()
  if (upper !== null) roots.set(key(upper.stat), { role: 'upperdir', dir: upper })
  if (work !== null) roots.set(key(work.stat), { role: 'workdir', dir: work })
  for (const dir of lowers) {
    const same = roots.get(key(dir.stat))
    if (same !== undefined) {
      report(
        new LayerError(
          ELOOP,
          `lowerdir ${quotePath(dir.path)} is also given as ${same.role}; name each layer once`,
        ),
      )
    } else roots.set(key(dir.stat), { role: 'lowerdir', dir })
  }
  const walked = new Set<string>()
  for (const dir of lowers) {
    for (const above of ancestors(dir, walked)) {
      walked.add(above)
      const outer = roots.get(above)
      if (outer === undefined) continue
      report(
        new LayerError(
          ELOOP,
          `lowerdir ${quotePath(dir.path)} lies inside ${outer.role} ${quotePath(outer.dir.path)}; ` +
            'layers must not overlap',
        ),
      )
    }
  }
}

/**
 * Refuse a mountpoint that is upper or work, or lies inside: the mount would cover its own storage.
 * @throws LayerError EINVAL
 */
export function checkMountpoint(
  path: string,
  upper: OpenedDir | null,
  work: OpenedDir | null,
): void {
  const mountpoint = openUserDir(path, 'mountpoint')
  const around = [key(mountpoint.stat), ...ancestors(mountpoint, new Set())]
  close(mountpoint.fd)
  for (const [role, dir] of [
    ['upperdir', upper],
    ['workdir', work],
  ] as const) {
    if (dir === null || !around.includes(key(dir.stat))) continue
    throw new LayerError(
      EINVAL,
      `mountpoint ${quotePath(path)} is inside ${role} ${quotePath(dir.path)}; mount on a directory outside it`,
    )
  }
}
