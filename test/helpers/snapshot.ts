/**
 * A tree as data: what every call of the stat, readdir, xattr and read families shows of every
 * path, in a form that two mounts over equal layers must agree on to the byte.
 */
import { createHash } from 'node:crypto'
import {
  O_DIRECTORY,
  O_NONBLOCK,
  O_RDONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../../src/sys/constants.js'
import { errnoName } from '../../src/sys/errno.js'
import { pread } from '../../src/sys/io.js'
import { NativeMemory } from '../../src/sys/memory.js'
import { readlinkAt } from '../../src/sys/node.js'
import { close, openAt, openPath } from '../../src/sys/open.js'
import { FileStat, statAt } from '../../src/sys/stat.js'
import { readXattr, xattrNames } from '../../src/sys/xattr.js'
import { type Dirent, inodeKey, readAll } from './dirents.js'
import { type LowerLabels, noLabels } from './inode-labels.js'
import { deviceText, direntType, modeText, timeText, typeName } from './stat-line.js'

/** Field name to comparable text. */
export type Entry = Readonly<Record<string, string>>

/** Path (`/` is the root) to what was seen there. */
export type Snapshot = ReadonlyMap<string, Entry>

/** What a snapshot looks at. */
export interface SnapshotOptions {
  /** Names for inode numbers of lower layers. */
  readonly labels?: LowerLabels
  /** Leave inode numbers out, where they cannot agree: layers on several file systems. */
  readonly inodes?: boolean
  /** Modification times of this run as they are, not as `now`. */
  readonly exactTimes?: boolean
  /** Leave this directory's children out (`/work`). */
  readonly prune?: string
  /** Rewrite or drop (null) an xattr before it is recorded. */
  readonly xattr?: (name: string, value: string) => readonly [name: string, value: string] | null
  /** Last word on an entry; null drops the path. */
  readonly finish?: (path: string, entry: Record<string, string>) => Entry | null
}

const SMALL_BYTES = 4096
const buffer = new NativeMemory(1 << 20)
const PATH_MAX = 4096
const linkTarget = new NativeMemory(PATH_MAX)

/** Of files beyond this size, which are sparse, the beginning and the end count. */
const WHOLE_BYTES = 1 << 28

function contentOf(dirfd: number, name: string, sizeBytes: number): string {
  const fd = openAt(dirfd, name, O_RDONLY | O_NONBLOCK)
  if (fd < 0) return errnoName(fd)
  try {
    const hash = createHash('sha1')
    let offset = 0
    for (;;) {
      const got = pread(fd, buffer.address, buffer.bytes.length, offset)
      if (got < 0) return errnoName(got)
      if (offset === 0 && got <= SMALL_BYTES)
        return JSON.stringify(buffer.bytes.latin1Slice(0, got))
      if (got === 0) return `${offset} bytes, sha1 ${hash.digest('hex')}`
      hash.update(buffer.bytes.subarray(0, got))
      offset += got
      if (sizeBytes > WHOLE_BYTES && offset < sizeBytes - buffer.bytes.length) {
        offset = sizeBytes - buffer.bytes.length
      }
    }
  } finally {
    close(fd)
  }
}

class Walker {
  readonly entries = new Map<string, Entry>()
  readonly #options: SnapshotOptions
  readonly #labels: LowerLabels
  /** First path that showed an inode number of no lower layer. */
  readonly #groups = new Map<string, string>()
  #rootDevice = ''

  constructor(options: SnapshotOptions) {
    this.#options = options
    this.#labels = options.labels ?? noLabels
  }

  root(path: string): void {
    const fd = openPath(path, O_RDONLY | O_DIRECTORY)
    if (fd < 0) throw new Error(`open ${path}: ${errnoName(fd)}`)
    try {
      const stat = new FileStat()
      const result = statAt(fd, '', stat)
      if (result < 0) throw new Error(`stat ${path}: ${errnoName(result)}`)
      this.#rootDevice = `${stat.devMajor}:${stat.devMinor}`
      this.#record('/', this.#describe(fd, '', stat, '/', null))
      this.#children(fd, '/')
    } finally {
      close(fd)
    }
  }

  #record(path: string, entry: Record<string, string>): void {
    const { finish } = this.#options
    const final = finish === undefined ? entry : finish(path, entry)
    if (final !== null) this.entries.set(path, final)
  }

  #children(fd: number, path: string): void {
    if (path === this.#options.prune) return
    const listed = readAll(fd)
    if (typeof listed === 'number') {
      this.entries.set(`${path}//readdir`, { error: errnoName(listed) })
      return
    }
    this.#checkDots(listed, path)
    const children = listed.filter(({ name }) => name !== '.' && name !== '..')
    children.sort((a, b) => (a.name < b.name ? -1 : 1))
    let last = ''
    for (const dirent of children) {
      const childPath = path === '/' ? `/${dirent.name}` : `${path}/${dirent.name}`
      if (dirent.name === last) this.entries.set(`${childPath}//twice`, { error: 'listed twice' })
      last = dirent.name
      this.#child(fd, dirent, childPath)
    }
  }

  #checkDots(listed: readonly Dirent[], path: string): void {
    const dots = listed.filter(({ name }) => name === '.' || name === '..').length
    if (dots !== 2) this.entries.set(`${path}//dots`, { error: `${dots} of . and ..` })
  }

  #child(dirfd: number, dirent: Dirent, path: string): void {
    const stat = new FileStat()
    const result = statAt(dirfd, dirent.name, stat)
    if (result < 0) {
      this.#record(path, { error: `listed, but lstat gives ${errnoName(result)}` })
      return
    }
    this.#record(path, this.#describe(dirfd, dirent.name, stat, path, dirent))
    if ((stat.mode & S_IFMT) !== S_IFDIR) return
    const fd = openAt(dirfd, dirent.name, O_RDONLY | O_DIRECTORY)
    if (fd < 0) {
      this.entries.set(`${path}//open`, { error: errnoName(fd) })
      return
    }
    try {
      this.#children(fd, path)
    } finally {
      close(fd)
    }
  }

  #describe(
    dirfd: number,
    name: string,
    stat: FileStat,
    path: string,
    dirent: Dirent | null,
  ): Record<string, string> {
    const type = stat.mode & S_IFMT
    const entry: Record<string, string> = {
      type: typeName(stat.mode),
      mode: modeText(stat.mode),
      owner: `${stat.uid}:${stat.gid}`,
      nlink: String(stat.nlink),
      size: String(stat.sizeBytes),
      mtime:
        this.#options.exactTimes === true
          ? `${stat.mtimeSec}.${String(stat.mtimeNsec).padStart(9, '0')}`
          : timeText(stat.mtimeSec, stat.mtimeNsec),
    }
    const device = deviceText(stat)
    if (device !== '') entry['rdev'] = device
    if (`${stat.devMajor}:${stat.devMinor}` !== this.#rootDevice) entry['dev'] = 'not the root’s'
    this.#identity(entry, stat, path, dirent)
    if (type === S_IFREG) entry['content'] = contentOf(dirfd, name, stat.sizeBytes)
    if (type === S_IFLNK) entry['target'] = this.#target(dirfd, name)
    this.#xattrs(entry, dirfd, name)
    return entry
  }

  #identity(
    entry: Record<string, string>,
    stat: FileStat,
    path: string,
    dirent: Dirent | null,
  ): void {
    const key = inodeKey(stat.inoHi, stat.inoLo)
    if (dirent !== null && dirent.type !== direntType(stat.mode)) {
      entry['d_type'] = `${dirent.type}, not that of st_mode`
    }
    if (this.#options.inodes === false) return
    if (dirent !== null && dirent.ino !== key) entry['d_ino'] = 'not st_ino'
    const label = this.#labels.byInode.get(key)
    if (label !== undefined) {
      entry['ino'] = label
      return
    }
    const first = this.#groups.get(key)
    if (first === undefined) this.#groups.set(key, path)
    entry['ino'] = `as ${first ?? path}`
  }

  #target(dirfd: number, name: string): string {
    const length = readlinkAt(dirfd, name, linkTarget, 0, linkTarget.bytes.length)
    return length < 0 ? errnoName(length) : JSON.stringify(linkTarget.bytes.latin1Slice(0, length))
  }

  #xattrs(entry: Record<string, string>, dirfd: number, name: string): void {
    const names = xattrNames(dirfd, name)
    if (typeof names === 'number') {
      entry['xattrs'] = errnoName(names)
      return
    }
    for (const key of names) {
      const value = readXattr(dirfd, name, key)
      const hex =
        typeof value === 'number' ? errnoName(value) : Buffer.from(value, 'latin1').toString('hex')
      const { xattr } = this.#options
      const kept = xattr === undefined ? ([key, hex] as const) : xattr(key, hex)
      if (kept !== null) entry[`xattr ${kept[0]}`] = kept[1]
    }
  }
}

/** Look at everything below `path`. Throws only where the root itself cannot be looked at. */
export function snapshotTree(path: string, options: SnapshotOptions = {}): Snapshot {
  const walker = new Walker(options)
  walker.root(path)
  return walker.entries
}
