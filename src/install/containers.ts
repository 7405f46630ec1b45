/** podman, buildah and CRI-O: the overlay driver of containers/storage, with us as mount program. */
import { listNames, missingDirectories, readText } from '../sys/files.js'
import { type Host, at, findProgram, userDirectory } from './host.js'
import { type Change, type Plan, refuse } from './plan.js'
import {
  DRIVER,
  MOUNT_PROGRAM,
  type StorageSettings,
  beginFile,
  readSettings,
  storageConfPath,
  storesOf,
  systemConf,
  withoutBeginning,
} from './storage-conf.js'
import { describeHoldings, hasMountProgram, holdingsOf } from './store.js'
import { findEntry, isEdited, restoreText, setString } from './toml-edit.js'
import { TomlError, parseStatements, stringValue } from './toml-statements.js'

const TITLE = 'podman, buildah, CRI-O'

/** What is asked for. */
export interface ContainersRequest {
  /** Absolute path of our program. */
  readonly launcher: string
  /** Another storage.conf than the caller's. */
  readonly storageConf: string | null
  /** Switch a store that others filled. */
  readonly force: boolean
}

/** Why the store must not be switched; null when it may. */
function obstacle(host: Host, settings: StorageSettings, conf: string): string | null {
  if (settings.driver === 'overlay' && settings.mountProgram !== null) return null
  for (const store of storesOf(host, settings)) {
    const holdings = holdingsOf(host, store)
    const others = holdings.filter(({ driver }) => driver !== 'overlay')
    const remedy =
      `save what you need ('podman save'), empty the store ('podman system reset') and install again; ` +
      `or give graphroot in ${conf} another directory; or use --force`
    if (others.length > 0) {
      return `the store ${store} was filled by another driver: ${describeHoldings(others)}. Its images and containers would be out of sight: ${remedy}`
    }
    if (holdings.length > 0 && !hasMountProgram(host, store)) {
      return `the store ${store} was filled by kernel overlayfs: ${describeHoldings(holdings)}. Containers that run would be mounted twice, and layers made with metacopy=on could not be read: ${remedy} (safe when no container runs and metacopy was off)`
    }
  }
  return null
}

function dropInDirectories(host: Host): string[] {
  const kind = host.uid === 0 ? 'rootful' : 'rootless'
  const places = ['/usr/share/containers', '/etc/containers'].flatMap((place) => [
    `${place}/storage.conf.d`,
    `${place}/storage.${kind}.conf.d`,
  ])
  return host.uid === 0
    ? places
    : [...places, `${userDirectory(host, 'config')}/containers/storage.conf.d`]
}

function filesIn(host: Host, directory: string): string[] {
  const names = listNames(at(host, directory)) ?? []
  return names.filter((name) => name.endsWith('.conf')).map((name) => `${directory}/${name}`)
}

/** A setting elsewhere that would stand against ours. */
interface Rival {
  readonly file: string
  readonly path: readonly string[]
  /** The value that does no harm; null: any does. */
  readonly wanted: string | null
  readonly effect: string
}

function rivals(host: Host, launcher: string): Rival[] {
  const effect = 'podman 6 and later take that before storage.conf; remove the line'
  const files = dropInDirectories(host).flatMap((directory) => filesIn(host, directory))
  const found = files.flatMap((file): Rival[] => [
    { file, path: DRIVER, wanted: 'overlay', effect },
    { file, path: MOUNT_PROGRAM, wanted: launcher, effect },
  ])
  if (host.uid !== 0) return found
  const crio = 'CRI-O takes that instead of storage.conf; remove the line'
  for (const file of ['/etc/crio/crio.conf', ...filesIn(host, '/etc/crio/crio.conf.d')]) {
    found.push({ file, path: ['crio', 'storage_driver'], wanted: 'overlay', effect: crio })
    found.push({ file, path: ['crio', 'storage_option'], wanted: null, effect: crio })
  }
  return found
}

/** Files that say something else, and are listened to. */
function contradictions(host: Host, launcher: string): string[] {
  const notes = rivals(host, launcher).flatMap(({ file, path, wanted, effect }) => {
    const text = readText(at(host, file))
    if (text === null) return []
    try {
      const entry = findEntry(parseStatements(text, file), path)
      if (entry === null || (wanted !== null && stringValue(entry.value) === wanted)) return []
      return [`${file}, line ${String(entry.line)}, sets ${path.at(-1) ?? ''}: ${effect}`]
    } catch (error) {
      if (!(error instanceof TomlError)) throw error
      return [`${error.message}; what it says of storage is not known`]
    }
  })
  return [...new Set(notes)]
}

function environmentNotes(host: Host, conf: string): string[] {
  const notes: string[] = []
  const other = host.env['CONTAINERS_STORAGE_CONF']
  if (other !== undefined && other !== conf) {
    notes.push(
      `CONTAINERS_STORAGE_CONF is set: engines started with it read ${other}; unset it, or use --storage-conf ${other}`,
    )
  }
  for (const name of ['STORAGE_DRIVER', 'STORAGE_OPTS']) {
    if (host.env[name] !== undefined)
      notes.push(`${name} is set: it overrides storage.conf; unset it`)
  }
  return notes
}

function systemSettings(host: Host): StorageSettings {
  return readSettings(systemConf(host) ?? { path: '', text: '' })
}

/** The settings in force, by the file or by what stands in for it. */
export function settingsInForce(host: Host, conf: string): StorageSettings {
  const text = readText(at(host, conf))
  return text === null ? systemSettings(host) : readSettings({ path: conf, text })
}

/**
 * Decide what makes the engines use us.
 * @throws TomlError, FsError
 */
export function planContainers(host: Host, request: ContainersRequest): Plan {
  const path = request.storageConf ?? storageConfPath(host)
  const was = readText(at(host, path))
  const reason = request.force ? null : obstacle(host, settingsInForce(host, path), path)
  if (reason !== null) return refuse(TITLE, reason)
  const base =
    was === null ? beginFile(host, missingDirectories(at(host, path)).length) : restoreText(was)
  const driven = setString(base, { path: DRIVER, value: 'overlay' }, path)
  const text = setString(driven, { path: MOUNT_PROGRAM, value: request.launcher }, path)
  const changes: Change[] = text === was ? [] : [{ kind: 'write', path, was, text }]
  const notes = [...environmentNotes(host, path), ...contradictions(host, request.launcher)]
  if (changes.length > 0) {
    notes.push('containers that run keep their present mounts until they are started again')
    if (findProgram(host, 'crio') !== null)
      notes.push("'systemctl restart crio' makes CRI-O read it")
  }
  return { title: TITLE, changes, refusal: null, notes }
}

/** What to know once we are out: layers in a form that the kernel does not read. */
function farewell(host: Host, settings: StorageSettings): string[] {
  if (settings.mountProgram !== null) return []
  return storesOf(host, settings)
    .filter((store) => hasMountProgram(host, store) && holdingsOf(host, store).length > 0)
    .map(
      (store) =>
        `the layers in ${store} were unpacked for a mount program, in a form that kernel overlayfs does not read: install fuse-overlayfs, or empty the store with 'podman system reset'`,
    )
}

/** Decide what takes us out again. @throws TomlError, FsError */
export function unplanContainers(host: Host, request: ContainersRequest): Plan {
  const path = request.storageConf ?? storageConfPath(host)
  const was = readText(at(host, path))
  if (was === null || !isEdited(was)) {
    return { title: TITLE, changes: [], refusal: null, notes: [] }
  }
  const rest = withoutBeginning(restoreText(was))
  const change: Change =
    typeof rest === 'string'
      ? { kind: 'write', path, was, text: rest }
      : { kind: 'delete', path, was, directories: rest.directories }
  const settings =
    typeof rest === 'string' ? readSettings({ path, text: rest }) : systemSettings(host)
  return { title: TITLE, changes: [change], refusal: null, notes: farewell(host, settings) }
}
