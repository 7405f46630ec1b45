/**
 * storage.conf, the configuration that podman, buildah and CRI-O share: which file counts, what it
 * says, and how a new one must look so that nothing else changes. Engines before podman 6 read one
 * file only, so that a new one hides the distribution's: it starts as a copy.
 * @see containers-storage.conf(5)
 */
import { createHash } from 'node:crypto'
import { readText } from '../sys/files.js'
import { type Host, at, userDirectory } from './host.js'
import { findEntry } from './toml-edit.js'
import { type Statement, parseStatements, stringValue, writeString } from './toml-statements.js'

const SYSTEM_FILE = '/etc/containers/storage.conf'
const VENDOR_FILE = '/usr/share/containers/storage.conf'

/** Keys of the two settings. */
export const DRIVER = ['storage', 'driver'] as const
export const MOUNT_PROGRAM = ['storage', 'options', 'overlay', 'mount_program'] as const

/** The file that is the caller's to change. */
export function storageConfPath(host: Host): string {
  return host.uid === 0 ? SYSTEM_FILE : `${userDirectory(host, 'config')}/containers/storage.conf`
}

/** A storage.conf, or what stands in for one. */
export interface ConfFile {
  readonly path: string
  readonly text: string
}

/** What the system says, to those who have no file of their own. */
export function systemConf(host: Host): ConfFile | null {
  for (const path of [SYSTEM_FILE, VENDOR_FILE]) {
    const text = readText(at(host, path))
    if (text !== null) return { path, text }
  }
  return null
}

/** The settings that matter here. null: not said. */
export interface StorageSettings {
  readonly driver: string | null
  readonly mountProgram: string | null
  readonly graphRoot: string | null
  readonly rootlessStoragePath: string | null
}

/** Read the settings of a storage.conf. @throws TomlError */
export function readSettings({ path: file, text }: ConfFile): StorageSettings {
  const statements = parseStatements(text, file)
  const setting = (...path: string[]): string | null => {
    const value = stringValue(findEntry(statements, path)?.value ?? '')
    return value === '' ? null : value
  }
  return {
    driver: setting(...DRIVER),
    mountProgram: setting(...MOUNT_PROGRAM) ?? setting('storage', 'options', 'mount_program'),
    graphRoot: setting('storage', 'graphroot'),
    rootlessStoragePath: setting('storage', 'rootless_storage_path'),
  }
}

function expand(host: Host, path: string): string {
  const user = host.env['USER'] ?? ''
  return path
    .replace(/\$HOME\b|\$\{HOME\}|^~(?=\/)/g, host.home)
    .replace(/\$UID\b|\$\{UID\}/g, String(host.uid))
    .replace(/\$USER\b|\$\{USER\}/g, user)
}

/** Where images and containers lie: one directory, or two where versions of the engines differ. */
export function storesOf(host: Host, settings: StorageSettings): string[] {
  if (host.uid === 0) return [settings.graphRoot ?? '/var/lib/containers/storage']
  const system = systemConf(host)
  const fallback =
    settings.rootlessStoragePath ??
    (system === null ? null : readSettings(system).rootlessStoragePath) ??
    `${userDirectory(host, 'data')}/containers/storage`
  const stores = settings.graphRoot === null ? [fallback] : [settings.graphRoot, fallback]
  return [...new Set(stores.map((path) => expand(host, path)))]
}

const NEW_SYSTEM_FILE = `[storage]
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
`

/** What ordinary users get from the system's file until they have their own. */
const INHERITED = [
  ['storage', 'options', 'pull_options'],
  ['storage', 'options', 'ignore_chown_errors'],
  ['storage', 'options', 'overlay', 'ignore_chown_errors'],
]

function isInherited({ kind, path }: Statement): boolean {
  return kind === 'entry' && INHERITED.some((key) => key.every((name, at) => name === path[at]))
}

function newUserFile(system: ConfFile | null): string {
  if (system === null) return ''
  const lines = parseStatements(system.text, system.path)
    .filter(isInherited)
    .map(({ path, value }) => {
      const names = path.slice(2).map((name) => (/^[\w-]+$/.test(name) ? name : writeString(name)))
      return `${names.join('.')} = ${value}\n`
    })
  return lines.length === 0 ? '' : `[storage.options]\n${lines.join('')}`
}

/** The content that leaves everything as it is, for a file that does not exist yet. */
function newContent(host: Host): string {
  const system = systemConf(host)
  if (host.uid !== 0) return newUserFile(system)
  return system?.text ?? NEW_SYSTEM_FILE
}

function digest(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex').slice(0, 16)
}

const MADE = /^# Made by tsoverlayfs install, in (\d+) new directories, from ([0-9a-f]{16})\n/

/**
 * Begin a file that was not there. Its first line tells, so that it can be told later whether
 * anything in it is its owner's.
 * @param directories how many have to be made for it
 */
export function beginFile(host: Host, directories: number): string {
  const content = newContent(host)
  const made = `in ${String(directories)} new directories, from ${digest(content)}`
  return `# Made by tsoverlayfs install, ${made}\n${content}`
}

/**
 * What is to stay of a file once our edits are out of it: the text, or, for one we made and nobody
 * else wrote in, nothing.
 * @returns the text, or how many directories were made for the file
 */
export function withoutBeginning(text: string): string | { readonly directories: number } {
  const [line, directories, content] = MADE.exec(text) ?? ['', '0', '']
  const rest = text.slice(line.length)
  return line !== '' && digest(rest) === content ? { directories: Number(directories) } : rest
}
