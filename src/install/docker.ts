/**
 * dockerd: its graph driver `fuse-overlayfs` runs whatever program of that name is first in its PATH.
 * daemon.json is JSON that people keep by hand and dockerd refuses to start on a mistake in it: the
 * line it needs is told, not written.
 */
import { kindOf, linkTarget, readText } from '../sys/files.js'
import { type Host, SYSTEM_PATH, at, findProgram, userDirectory } from './host.js'
import { isOurs, planLink, planUnlink } from './links.js'
import { type Plan, refuse } from './plan.js'
import { describeHoldings, holdingsOf } from './store.js'

const TITLE = 'docker'
const DRIVER = 'fuse-overlayfs'
const LINE = `"storage-driver": "${DRIVER}"`

/** What is asked for. */
export interface DockerRequest {
  /** Absolute path of our program. */
  readonly launcher: string
  /** Directory for the symlink; null: the usual one. */
  readonly binDir: string | null
  readonly force: boolean
}

/** What daemon.json says of storage. */
export interface DockerSettings {
  readonly path: string
  readonly exists: boolean
  readonly driver: string | null
  readonly dataRoot: string
  /** Images are containerd's, not a graph driver's. */
  readonly usesContainerd: boolean
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** Read daemon.json. @throws SyntaxError when it is not JSON */
export function dockerSettings(host: Host): DockerSettings {
  const path =
    host.uid === 0
      ? '/etc/docker/daemon.json'
      : `${userDirectory(host, 'config')}/docker/daemon.json`
  const text = readText(at(host, path))
  const found = record(text === null || text.trim() === '' ? {} : JSON.parse(text))
  const textOf = (key: string): string | null => {
    const value = found[key]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const fallback = host.uid === 0 ? '/var/lib/docker' : `${userDirectory(host, 'data')}/docker`
  return {
    path,
    exists: text !== null,
    driver: textOf('storage-driver'),
    dataRoot: textOf('data-root') ?? textOf('graph') ?? fallback,
    usesContainerd: record(found['features'])['containerd-snapshotter'] === true,
  }
}

/** Where the symlink goes unless the caller knows better. */
export function linkDirectory(host: Host): string {
  return host.uid === 0 ? '/usr/local/bin' : `${host.home}/.local/bin`
}

function obstacle(host: Host, { driver, dataRoot }: DockerSettings): string | null {
  if (driver === DRIVER) return null
  const others = holdingsOf(host, dataRoot).filter((holding) => holding.driver !== DRIVER)
  if (others.length === 0) return null
  return `the data directory ${dataRoot} was filled by another driver: ${describeHoldings(others)}. Its images and containers would be out of sight: save what you need ('docker save'), remove it ('docker system prune --all'), or give dockerd another data-root, and install again; or use --force`
}

function todo(host: Host, settings: DockerSettings): string[] {
  const { path, exists, driver, usesContainerd } = settings
  const notes: string[] = []
  const restart =
    host.uid === 0 ? "'systemctl restart docker'" : "'systemctl --user restart docker'"
  if (driver === null) {
    notes.push(
      exists
        ? `to do: add the line ${LINE} to ${path}, then ${restart}`
        : `to do: write { ${LINE} } to ${path}, then ${restart}`,
    )
  } else if (driver !== DRIVER) {
    notes.push(`to do: change "storage-driver": "${driver}" in ${path} to ${LINE}, then ${restart}`)
  }
  if (usesContainerd) {
    notes.push(
      `to do: remove "containerd-snapshotter": true from ${path}: with it graph drivers are not used`,
    )
  }
  return notes
}

function pathNotes(host: Host, directory: string): string[] {
  const order = SYSTEM_PATH.indexOf(directory as (typeof SYSTEM_PATH)[number])
  if (order < 0)
    return [`dockerd must have ${directory} in its PATH, before other directories with a ${DRIVER}`]
  const first = findProgram(host, DRIVER, SYSTEM_PATH.slice(0, order))
  const notes =
    first === null ? [] : [`${first} comes earlier in PATH and would be used instead: remove it`]
  const hidden = findProgram(host, DRIVER, SYSTEM_PATH.slice(order + 1))
  if (hidden !== null) {
    notes.push(
      `whoever looks for ${DRIVER} in PATH finds it before ${hidden}, podman without a mount_program too`,
    )
  }
  return notes
}

/** Decide what makes dockerd use us. @throws FsError, SyntaxError */
export function planDocker(host: Host, request: DockerRequest): Plan {
  const settings = dockerSettings(host)
  const reason = request.force ? null : obstacle(host, settings)
  if (reason !== null) return refuse(TITLE, reason)
  const directory = request.binDir ?? linkDirectory(host)
  const path = `${directory}/${DRIVER}`
  const change = planLink(host, path, request.launcher)
  if (change === 'taken') {
    return refuse(
      TITLE,
      `${path} is there and not ours: remove it, or choose a directory that comes earlier in dockerd's PATH with --bin-dir`,
    )
  }
  return {
    title: TITLE,
    changes: change === null ? [] : [change],
    refusal: null,
    notes: [...pathNotes(host, directory), ...todo(host, settings)],
  }
}

/** Decide what takes us out again. @throws FsError, SyntaxError */
export function unplanDocker(host: Host, request: DockerRequest): Plan {
  const path = `${request.binDir ?? linkDirectory(host)}/${DRIVER}`
  const change = planUnlink(host, path)
  const { driver, path: file } = dockerSettings(host)
  const others = SYSTEM_PATH.filter((directory) => {
    const candidate = at(host, `${directory}/${DRIVER}`)
    return kindOf(candidate) === 'file' && !isOurs(linkTarget(candidate))
  })
  const notes =
    driver === DRIVER && others.length === 0
      ? [
          `${file} still has ${LINE}: install fuse-overlayfs, or remove the line and give dockerd an empty data-root`,
        ]
      : []
  return { title: TITLE, changes: change === null ? [] : [change], refusal: null, notes }
}
