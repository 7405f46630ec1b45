/** The engines on a host: which, their versions, and whether they use us. */
import { settingsInForce } from '../install/containers.js'
import { dockerSettings } from '../install/docker.js'
import { SYSTEM_PATH, at, findProgram, searchPath } from '../install/host.js'
import { hasMountHelper } from '../install/mount-helper.js'
import { storageConfPath } from '../install/storage-conf.js'
import { TomlError } from '../install/toml-statements.js'
import { FsError } from '../sys/errno.js'
import { isProgram, readText, resolvePath } from '../sys/files.js'
import { type Finding, type Line, limited, missing, ok } from './finding.js'
import type { Machine, Visit } from './machine.js'

const VERSION_TIMEOUT_MS = 10_000

/** Whether a path of the host leads to our launcher. */
function isUs(machine: Machine, path: string): boolean {
  const { launcher } = machine
  return launcher !== null && resolvePath(at(machine, path)) === resolvePath(launcher)
}

/** podman, buildah and CRI-O: what their storage.conf says. */
function checkContainers(machine: Machine): Finding {
  const conf = machine.env['CONTAINERS_STORAGE_CONF'] ?? storageConfPath(machine)
  const who = machine.uid === 0 ? 'as root: ' : ''
  const remedy = `${who}tsoverlayfs install podman`
  const { driver, mountProgram } = settingsInForce(machine, conf)
  if (driver !== null && driver !== 'overlay') return limited(`uses driver ${driver}`, remedy)
  if (mountProgram === null) {
    return limited('uses kernel overlayfs, or a fuse-overlayfs in PATH', remedy)
  }
  if (!isProgram(at(machine, mountProgram))) {
    return missing(`mount_program ${mountProgram} in ${conf} is not there`, remedy)
  }
  return isUs(machine, mountProgram)
    ? ok(`uses tsoverlayfs, by ${conf}`)
    : limited(`uses ${mountProgram}, by ${conf}`, remedy)
}

/** dockerd: its driver, and the program of that name in a service's PATH. */
function checkDocker(machine: Machine): Finding {
  const { driver, path } = dockerSettings(machine)
  const name = 'fuse-overlayfs'
  const directories = machine.uid === 0 ? SYSTEM_PATH : searchPath(machine)
  const program = findProgram(machine, name, directories)
  const who = machine.uid === 0 ? 'as root: ' : ''
  const remedy = `${who}tsoverlayfs install docker`
  if (driver !== name) {
    const uses = driver === null ? 'its own choice of driver' : `driver ${driver}`
    return limited(`uses ${uses}`, `${remedy}, which tells what to write to ${path}`)
  }
  if (program === null) return missing(`${path} wants ${name}, which is not in PATH`, remedy)
  return isUs(machine, program)
    ? ok(`uses tsoverlayfs, by ${program} and ${path}`)
    : limited(`uses ${program}`, remedy)
}

/**
 * containerd: a snapshotter named in its configuration. One for fuse-overlayfs makes containerd run
 * the program of that name.
 */
function checkContainerd(machine: Machine): Finding {
  const file = '/etc/containerd/config.toml'
  const text = readText(at(machine, file)) ?? ''
  if (text.includes('tsoverlayfs')) return ok(`uses tsoverlayfs, by ${file}`)
  const remedy = 'see docs/engines/containerd.md'
  if (!text.includes('fuse-overlayfs')) {
    return limited(`${file} names no snapshotter that runs tsoverlayfs`, remedy)
  }
  const program = findProgram(machine, 'fuse-overlayfs', SYSTEM_PATH)
  if (program === null) return missing(`${file} wants fuse-overlayfs, which is not in PATH`, remedy)
  return isUs(machine, program)
    ? ok(`uses tsoverlayfs, by ${program} and ${file}`)
    : limited(`uses ${program}`, remedy)
}

interface Engine {
  readonly name: string
  readonly check: (machine: Machine) => Finding
}

const ENGINES: readonly Engine[] = [
  { name: 'podman', check: checkContainers },
  { name: 'buildah', check: checkContainers },
  { name: 'crio', check: checkContainers },
  { name: 'dockerd', check: checkDocker },
  { name: 'containerd', check: checkContainerd },
]

/** The version a program tells, without its name. */
function versionOf(machine: Machine, program: string): string {
  const { code, stdout } = machine.run(program, ['--version'], VERSION_TIMEOUT_MS)
  const found = /\d+\.\d+[\w.+~-]*/.exec(stdout)?.[0]
  return code === 0 && found !== undefined ? found : 'of unknown version'
}

function unreadable(error: unknown): Finding {
  if (error instanceof TomlError || error instanceof SyntaxError || error instanceof FsError) {
    return limited(`its configuration cannot be read: ${error.message}`, 'correct it')
  }
  throw error
}

/** A line for each engine, and one for the program that we replace. */
export function checkEngines({ machine, facts }: Visit): Line[] {
  const lines: Line[] = []
  for (const { name, check } of ENGINES) {
    const program = findProgram(machine, name)
    facts[name] = program !== null
    if (program === null) continue
    let finding: Finding
    try {
      finding = check(machine)
    } catch (error) {
      finding = unreadable(error)
    }
    const found = `${versionOf(machine, program)}, ${finding.found}`
    lines.push({ id: `engine.${name}`, title: name, ...finding, found })
  }
  if (lines.length === 0) {
    const none = limited('none found', 'install podman, buildah, CRI-O, Docker or containerd')
    lines.push({ id: 'engine', title: 'engines', ...none })
  }
  return lines
}

/** Whether mount(8) and /etc/fstab know us. */
export function checkMountHelper({ machine }: Visit): Finding {
  if (hasMountHelper(machine)) return ok('mount -t tsoverlayfs works')
  return limited(
    'mount -t tsoverlayfs does not find us',
    'as root: tsoverlayfs install --mount-helper, if you want it',
  )
}
