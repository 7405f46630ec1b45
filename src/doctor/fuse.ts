/** FUSE as a host offers it: the device, the set-uid helper, and what it lets users do. */
import { at, findProgram } from '../install/host.js'
import { EACCES, ENODEV, ENOENT, ENXIO, EPERM, errnoName } from '../sys/errno.js'
import { ownership, readText, tryOpen } from '../sys/files.js'
import { type Finding, limited, missing, ok } from './finding.js'
import type { Visit } from './machine.js'

const DEVICE = '/dev/fuse'

function deviceRemedy(errno: number): string {
  switch (errno) {
    case ENOENT:
      return "as root: modprobe fuse; in a container, start it with '--device /dev/fuse'"
    case ENODEV:
    case ENXIO:
      return 'as root: modprobe fuse'
    case EACCES:
      return `as root: chmod 0666 ${DEVICE} (what udev usually sets), or run as root`
    case EPERM:
      return "the device is not allowed in this container: start it with '--device /dev/fuse'"
    default:
      return 'see dmesg'
  }
}

/** The device that every FUSE mount goes through. */
export function checkDevice({ machine, facts }: Visit): Finding {
  const result = tryOpen(at(machine, DEVICE))
  facts['fuse'] = result === 0
  return result === 0 ? ok('opens') : missing(errnoName(result), deviceRemedy(-result))
}

/** The helper that mounts for ordinary users. */
export function checkFusermount({ machine, facts }: Visit): Finding {
  const needless = (found: string, remedy: string): Finding =>
    facts['admin'] ? ok(`${found} (root does not need it)`) : limited(found, remedy)
  const path = findProgram(machine, 'fusermount3')
  if (path === null) {
    return needless('not installed', 'install the package fuse3 for mounts by ordinary users')
  }
  const isSetuid = ((ownership(at(machine, path))?.mode ?? 0) & 0o4000) !== 0
  facts['fusermount3'] = isSetuid
  return isSetuid ? ok(path) : needless(`${path}, not setuid`, `as root: chmod u+s ${path}`)
}

/** Whether others than the mounting user can enter. */
export function checkAllowOther({ machine, facts }: Visit): Finding {
  if (facts['admin']) return ok('allow_other is ours to give')
  const text = readText(at(machine, '/etc/fuse.conf')) ?? ''
  if (/^\s*user_allow_other\s*$/m.test(text)) return ok('user_allow_other is set')
  return limited(
    'only the mounting user can enter a mount made through fusermount3',
    'as root: add the line user_allow_other to /etc/fuse.conf',
  )
}
