/** Copies of layers: everything that an overlay keeps in them, marks and hard links included. */
import { mkdirSync } from 'node:fs'
import { chmodAt, chownAt, utimesAt } from '../../../src/sys/attr.js'
import {
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_RDONLY,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../../../src/sys/constants.js'
import { errnoName } from '../../../src/sys/errno.js'
import { copyFileRange } from '../../../src/sys/io.js'
import { NativeMemory } from '../../../src/sys/memory.js'
import { linkAt, mkdirAt, mknodAt, readlinkAt, symlinkAt } from '../../../src/sys/node.js'
import { close, openAt, openPath } from '../../../src/sys/open.js'
import { FileStat, statAt } from '../../../src/sys/stat.js'
import { readXattr, writeXattr, xattrNames } from '../../../src/sys/xattr.js'
import { inodeKey, readAll } from '../dirents.js'

const PATH_MAX = 4096
const linkTarget = new NativeMemory(PATH_MAX)

function must(result: number, what: string): number {
  if (result < 0) throw new Error(`copy ${what}: ${errnoName(result)}`)
  return result
}

/** A directory being copied. */
interface Level {
  readonly from: number
  readonly to: number
  readonly path: string
  /** Copies by inode of the original, for hard links: paths from the top. */
  readonly seen: Map<string, string>
  readonly top: number
}

function copyContent(level: Level, name: string, sizeBytes: number): void {
  const source = must(openAt(level.from, name, O_RDONLY), name)
  const target = must(openAt(level.to, name, O_WRONLY | O_CREAT | O_EXCL, 0o600), name)
  for (let done = 0; done < sizeBytes;) {
    const copied = must(copyFileRange(source, done, target, done, sizeBytes - done), name)
    if (copied === 0) throw new Error(`copy ${name}: cut off`)
    done += copied
  }
  close(source)
  close(target)
}

function copyAttributes(from: number, to: number, name: string, stat: FileStat): void {
  must(chownAt(to, name, stat.uid, stat.gid), name)
  const keys = xattrNames(from, name)
  for (const key of typeof keys === 'number' ? [] : keys) {
    const value = readXattr(from, name, key)
    if (typeof value === 'string') must(writeXattr(to, name, key, value), `${name}: ${key}`)
  }
  if ((stat.mode & S_IFMT) !== S_IFLNK) must(chmodAt(to, name, stat.mode & 0o7777), name)
  must(utimesAt(to, name, stat.atimeSec, stat.atimeNsec, stat.mtimeSec, stat.mtimeNsec), name)
}

function copyObject(level: Level, name: string): void {
  const { from, to, top, seen } = level
  const path = `${level.path}${name}`
  const stat = new FileStat()
  must(statAt(from, name, stat), path)
  const type = stat.mode & S_IFMT
  if (type !== S_IFDIR && stat.nlink > 1) {
    const first = seen.get(inodeKey(stat.inoHi, stat.inoLo))
    if (first !== undefined) {
      must(linkAt(top, first, to, name), path)
      return
    }
    seen.set(inodeKey(stat.inoHi, stat.inoLo), path)
  }
  if (type === S_IFREG) copyContent(level, name, stat.sizeBytes)
  else if (type === S_IFDIR) copyBelow(level, name)
  else if (type === S_IFLNK) {
    const length = must(readlinkAt(from, name, linkTarget, 0, PATH_MAX), path)
    must(symlinkAt(linkTarget.bytes.latin1Slice(0, length), to, name), path)
  } else must(mknodAt(to, name, type, stat.rdevMajor, stat.rdevMinor), path)
  copyAttributes(from, to, name, stat)
}

function copyBelow(level: Level, name: string): void {
  must(mkdirAt(level.to, name, 0o700), name)
  const from = must(openAt(level.from, name, O_RDONLY | O_DIRECTORY), name)
  const to = must(openAt(level.to, name, O_RDONLY | O_DIRECTORY), name)
  copyEntries({ ...level, from, to, path: `${level.path}${name}/` })
  close(from)
  close(to)
}

function copyEntries(level: Level): void {
  const entries = readAll(level.from)
  if (typeof entries === 'number') throw new Error(`copy ${level.path}: ${errnoName(entries)}`)
  for (const { name } of entries) {
    if (name !== '.' && name !== '..') copyObject(level, name)
  }
}

/** Copy the tree `source` to the new directory `target`. */
export function copyTree(source: string, target: string): void {
  mkdirSync(target)
  const from = must(openPath(source, O_RDONLY | O_DIRECTORY), source)
  const to = must(openPath(target, O_RDONLY | O_DIRECTORY), target)
  copyEntries({ from, to, path: '', seen: new Map(), top: to })
  const stat = new FileStat()
  must(statAt(from, '', stat), source)
  copyAttributes(from, to, '', stat)
  close(from)
  close(to)
}
