/**
 * Small files and links of the host, whole: configuration, not layers. Paths, texts and messages are
 * byte strings (latin1). Absent things are null; any other failure is thrown as FsError.
 */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  statfsSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { EEXIST, ENOENT, ENOTDIR, ENOTEMPTY, FsError } from './errno.js'

/** What a name stands for, symlinks followed; `dangling` is a symlink to nothing. */
export type FileKind = 'absent' | 'file' | 'directory' | 'dangling' | 'other'

function toBuffer(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}

function errnoOf(error: unknown): number {
  if (error instanceof Error && 'errno' in error && typeof error.errno === 'number') {
    return Math.abs(error.errno)
  }
  throw error
}

/** Run a call on a path; null where the path leads nowhere, any other error as FsError. */
function orNull<T>(syscall: string, path: string, call: (path: Buffer) => T): T | null {
  try {
    return call(toBuffer(path))
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === ENOENT || errno === ENOTDIR) return null
    throw new FsError(errno, syscall, path, { cause: error })
  }
}

function orThrow<T>(syscall: string, path: string, call: (path: Buffer) => T): T {
  try {
    return call(toBuffer(path))
  } catch (error) {
    throw new FsError(errnoOf(error), syscall, path, { cause: error })
  }
}

/** The bytes of a file; null when there is none. */
export function readText(path: string): string | null {
  return orNull('read', path, (name) => readFileSync(name, 'latin1'))
}

/** Names in a directory, sorted; null when there is no such directory. */
export function listNames(path: string): string[] | null {
  return orNull('readdir', path, (name) => readdirSync(name, 'latin1').sort())
}

/** Where a symlink points; null when the path is no symlink. */
export function linkTarget(path: string): string | null {
  const stat = orNull('lstat', path, (name) => lstatSync(name))
  if (stat?.isSymbolicLink() !== true) return null
  return orNull('readlink', path, (name) => readlinkSync(name, 'latin1'))
}

/** What a path leads to. */
export function kindOf(path: string): FileKind {
  const own = orNull('lstat', path, (name) => lstatSync(name))
  if (own === null) return 'absent'
  const stat = orNull('stat', path, (name) => statSync(name))
  if (stat === null) return 'dangling'
  if (stat.isFile()) return 'file'
  return stat.isDirectory() ? 'directory' : 'other'
}

/** Owner and permission bits of what a path leads to; null when that is nothing. */
export function ownership(path: string): { readonly uid: number; readonly mode: number } | null {
  const stat = orNull('stat', path, (name) => statSync(name))
  return stat === null ? null : { uid: stat.uid, mode: stat.mode & 0o7777 }
}

/** Whether a path leads to a program that this process may run, as a search through PATH asks. */
export function isProgram(path: string): boolean {
  const name = toBuffer(path)
  try {
    accessSync(name, constants.X_OK)
    return statSync(name).isFile()
  } catch (error) {
    // Absent, out of reach or not executable: all the same to who searches.
    errnoOf(error)
    return false
  }
}

/** The absolute path of what `path` leads to, symlinks resolved; null when that is nothing. */
export function resolvePath(path: string): string | null {
  return orNull('realpath', path, (name) => realpathSync(name, 'latin1'))
}

/** Type number of the file system that holds a path. */
export function filesystemMagic(path: string): number {
  return orThrow('statfs', path, (name) => statfsSync(name).type)
}

/** The directories that are missing for `path`, outermost first, itself left out. */
export function missingDirectories(path: string): string[] {
  const missing: string[] = []
  for (let at = parentOf(path); at !== '' && kindOf(at) === 'absent'; at = parentOf(at)) {
    missing.unshift(at)
  }
  return missing
}

/** Make the directories that are missing for `path`. */
export function makeDirectoriesFor(path: string): void {
  for (const directory of missingDirectories(path)) {
    orThrow('mkdir', directory, (name) => mkdirSync(name, { mode: 0o755 }))
  }
}

/** Remove a directory if it is there and empty. Returns whether it was removed. */
export function removeEmptyDirectory(path: string): boolean {
  try {
    rmdirSync(toBuffer(path))
    return true
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === ENOTEMPTY || errno === EEXIST || errno === ENOENT) return false
    throw new FsError(errno, 'rmdir', path, { cause: error })
  }
}

/** The directory that holds a path; '' for a path without a slash, and for one in the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

/**
 * Replace a file's content in one step: a reader sees all of the old or all of the new text. A
 * symlink stays and what it leads to is replaced; owner and mode are kept.
 */
export function replaceText(path: string, text: string): void {
  const target = resolvePath(path) ?? path
  const old = orNull('stat', target, (name) => statSync(name))
  const temporary = `${target}.tsoverlayfs-${String(process.pid)}`
  try {
    writeSynced(temporary, text, old)
    orThrow('rename', target, (name) => renameSync(toBuffer(temporary), name))
  } finally {
    rmSync(toBuffer(temporary), { force: true })
  }
}

function writeSynced(path: string, text: string, like: Stats | null): void {
  const fd = orThrow('open', path, (name) => openSync(name, 'wx', 0o644))
  try {
    orThrow('write', path, () => {
      writeFileSync(fd, text, 'latin1')
      if (like !== null) {
        fchownSync(fd, like.uid, like.gid)
        fchmodSync(fd, like.mode & 0o7777)
      }
      fsyncSync(fd)
    })
  } finally {
    closeSync(fd)
  }
}

/** Make a symlink where nothing is. */
export function makeSymlink(path: string, target: string): void {
  orThrow('symlink', path, (name) => symlinkSync(toBuffer(target), name))
}

/** Point a symlink elsewhere, in one step. */
export function replaceSymlink(path: string, target: string): void {
  const temporary = `${path}.tsoverlayfs-${String(process.pid)}`
  makeSymlink(temporary, target)
  orThrow('rename', path, (name) => renameSync(toBuffer(temporary), name))
}

/** Remove a file or symlink. */
export function removeFile(path: string): void {
  orThrow('unlink', path, (name) => unlinkSync(name))
}

/** Whether this process may open a file for reading and writing. Returns 0 or -errno. */
export function tryOpen(path: string): number {
  try {
    closeSync(openSync(toBuffer(path), 'r+'))
    return 0
  } catch (error) {
    return -errnoOf(error)
  }
}

/** Make an empty directory that only its owner may enter. */
export function makeDirectory(path: string): void {
  orThrow('mkdir', path, (name) => mkdirSync(name, { mode: 0o700 }))
}

/** Make a file that is not there yet. */
export function makeFile(path: string, text: string): void {
  orThrow('write', path, (name) => writeFileSync(name, text, { encoding: 'latin1', flag: 'wx' }))
}

/** Remove a directory with all that is in it. */
export function removeTree(path: string): void {
  orThrow('rm', path, (name) => rmSync(name, { recursive: true, force: true }))
}
