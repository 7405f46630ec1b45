/** Making engines use us, and taking that back: a plan for each target, and its execution. */
import {
  kindOf,
  makeDirectoriesFor,
  makeSymlink,
  parentOf,
  removeEmptyDirectory,
  removeFile,
  replaceSymlink,
  replaceText,
} from '../sys/files.js'
import { EACCES, EPERM, EROFS, FsError } from '../sys/errno.js'
import { planContainers, unplanContainers } from './containers.js'
import { planDocker, unplanDocker } from './docker.js'
import { type Host, at, findProgram } from './host.js'
import { planMountHelper, unplanMountHelper } from './mount-helper.js'
import { type Change, type Plan, refuse } from './plan.js'
import { TomlError } from './toml-statements.js'

/** What can be made to use us. */
export type Target = 'containers' | 'docker' | 'mount-helper'

/** What is asked for. Texts are byte strings (latin1), paths the host's. */
export interface InstallRequest {
  readonly action: 'install' | 'uninstall'
  readonly targets: readonly Target[]
  /** Absolute path of our program. */
  readonly launcher: string
  readonly storageConf: string | null
  readonly binDir: string | null
  readonly force: boolean
}

/** The targets whose programs are there. */
export function findTargets(host: Host): Target[] {
  const has = (...names: string[]): boolean =>
    names.some((name) => findProgram(host, name) !== null)
  const targets: Target[] = []
  if (has('podman', 'buildah', 'crio')) targets.push('containers')
  if (has('dockerd')) targets.push('docker')
  return targets
}

const PLANS: Readonly<Record<Target, (host: Host, request: InstallRequest) => Plan>> = {
  containers: (host, request) =>
    request.action === 'install' ? planContainers(host, request) : unplanContainers(host, request),
  docker: (host, request) =>
    request.action === 'install' ? planDocker(host, request) : unplanDocker(host, request),
  'mount-helper': (host, request) =>
    request.action === 'install'
      ? planMountHelper(host, request.launcher)
      : unplanMountHelper(host),
}

/** Decide what is to be done, target by target. Nothing is changed. */
export function planAll(host: Host, request: InstallRequest): Plan[] {
  return request.targets.map((target) => {
    try {
      return PLANS[target](host, request)
    } catch (error) {
      return refuse(target, reasonOf(error))
    }
  })
}

/** What stood in the way, in words. @throws the error if it is a bug */
function reasonOf(error: unknown): string {
  if (error instanceof TomlError) return `${error.message}; nothing was changed`
  if (error instanceof SyntaxError) return `daemon.json is not JSON: ${error.message}`
  if (error instanceof FsError) return `${error.message}${remedyFor(error)}`
  throw error
}

function remedyFor(error: FsError): string {
  if (error.errno === EACCES || error.errno === EPERM) return ' (run it as root)'
  return error.errno === EROFS ? ' (its file system is read-only)' : ''
}

function applyChange(host: Host, change: Change): void {
  const path = at(host, change.path)
  switch (change.kind) {
    case 'write':
      makeDirectoriesFor(path)
      replaceText(path, change.text)
      return
    case 'delete': {
      removeFile(path)
      let directory = parentOf(path)
      for (let left = change.directories; left > 0; left -= 1) {
        if (!removeEmptyDirectory(directory)) return
        directory = parentOf(directory)
      }
      return
    }
    case 'link':
      makeDirectoriesFor(path)
      if (kindOf(path) === 'absent') makeSymlink(path, change.target)
      else replaceSymlink(path, change.target)
      return
    case 'unlink':
      removeFile(path)
  }
}

/**
 * Carry out a plan.
 * @returns what stood in the way; null when all is done
 */
export function applyPlan(host: Host, plan: Plan): string | null {
  try {
    for (const change of plan.changes) applyChange(host, change)
    return null
  } catch (error) {
    return reasonOf(error)
  }
}
