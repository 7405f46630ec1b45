/**
 * The machine that is looked at and changed, as a parameter: its root directory, and who asks. Every
 * path is written as the machine knows it; {@link at} leads to it from this process.
 */
import { isProgram } from '../sys/files.js'

/** Whose machine, and in whose name. All texts are byte strings (latin1). */
export interface Host {
  /** Put before every path: '' for this machine, a directory for an image that is being built. */
  readonly root: string
  /** root changes what holds for all; anyone else what holds for himself. */
  readonly uid: number
  /** Home directory. */
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Where this process finds a path of the host. */
export function at(host: Host, path: string): string {
  return host.root + path
}

/** Directories in which services find programs: systemd's default PATH, and where root's tools lie. */
export const SYSTEM_PATH = [
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/sbin',
  '/usr/bin',
  '/sbin',
  '/bin',
] as const

/** The first program of that name in the directories; null when there is none. */
export function findProgram(
  host: Host,
  name: string,
  directories: readonly string[] = searchPath(host),
): string | null {
  const found = directories.find((directory) => isProgram(at(host, `${directory}/${name}`)))
  return found === undefined ? null : `${found}/${name}`
}

/** Directories that the caller's PATH names, and after them those of services. */
export function searchPath(host: Host): string[] {
  const own = (host.env['PATH'] ?? '').split(':').filter((directory) => directory.startsWith('/'))
  return [...new Set([...own, ...SYSTEM_PATH])]
}

/** A directory of the caller's, as the XDG base directory specification has it. */
export function userDirectory(host: Host, kind: 'config' | 'data'): string {
  const [name, fallback] =
    kind === 'config' ? ['XDG_CONFIG_HOME', '.config'] : ['XDG_DATA_HOME', '.local/share']
  const set = host.env[name] ?? ''
  return set.startsWith('/') ? set : `${host.home}/${fallback}`
}
