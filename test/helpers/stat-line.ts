/** What stat shows, as one comparable line. */
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from '../../src/sys/constants.js'
import type { FileStat } from '../../src/sys/stat.js'

const typeNames: ReadonlyMap<number, string> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'dir'],
  [S_IFLNK, 'symlink'],
  [S_IFIFO, 'fifo'],
  [S_IFSOCK, 'socket'],
  [S_IFCHR, 'char'],
  [S_IFBLK, 'block'],
])

/** The file type as a word. */
export function typeName(mode: number): string {
  return typeNames.get(mode & S_IFMT) ?? `type ${(mode & S_IFMT).toString(8)}`
}

/** DT_* of a mode. */
export function direntType(mode: number): number {
  return (mode & S_IFMT) >> 12
}

/**
 * Scripts set times before 2020 only and layers are built with such times, so that anything later
 * means "touched by this run", which no two runs do in the same nanosecond.
 */
const RECENT_SEC = 1577836800

/** A time as seconds and nanoseconds, or `now`. */
export function timeText(seconds: number, nanoseconds: number): string {
  if (seconds >= RECENT_SEC) return 'now'
  return `${seconds}.${String(nanoseconds).padStart(9, '0')}`
}

/** Device number of a special file; empty for others. */
export function deviceText(stat: FileStat): string {
  const type = stat.mode & S_IFMT
  return type === S_IFCHR || type === S_IFBLK ? `${stat.rdevMajor}:${stat.rdevMinor}` : ''
}

/** Permission bits in octal. */
export function modeText(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
