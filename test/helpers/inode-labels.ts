/**
 * Names for inode numbers and file handles that hold on both sides of a comparison: an object of a
 * lower layer is called `L<layer>:<path>`, everything else is an object of upper.
 */
import { O_DIRECTORY, O_RDONLY } from '../../src/sys/constants.js'
import { fileHandle } from '../../src/sys/handle.js'
import { close, openAt, openPath } from '../../src/sys/open.js'
import { FileStat, statAt } from '../../src/sys/stat.js'
import { inodeKey, readAll } from './dirents.js'

/** Where inode numbers and handles of lower layers lead. */
export interface LowerLabels {
  /** Inode number (hexadecimal) to label; empty where layers are on several file systems. */
  readonly byInode: ReadonlyMap<string, string>
  /** Handle bytes (hexadecimal) to label. */
  readonly byHandle: ReadonlyMap<string, string>
}

const stat = new FileStat()

function walk(
  dirfd: number,
  path: string,
  visit: (dirfd: number, name: string, path: string) => void,
): void {
  const entries = readAll(dirfd)
  if (typeof entries === 'number') throw new Error(`${path}: errno ${-entries}`)
  const names = entries.map((entry) => entry.name).filter((name) => name !== '.' && name !== '..')
  for (const name of names.sort()) {
    const child = `${path}/${name}`
    visit(dirfd, name, child)
    const fd = openAt(dirfd, name, O_RDONLY | O_DIRECTORY)
    if (fd < 0) continue
    walk(fd, child, visit)
    close(fd)
  }
}

/** Look at every object of the lower layers, given top-most first as real paths. */
export function labelLowers(lowers: readonly string[]): LowerLabels {
  const byInode = new Map<string, string>()
  const byHandle = new Map<string, string>()
  const devices = new Set<string>()
  lowers.forEach((lower, index) => {
    const learn = (dirfd: number, name: string, path: string): void => {
      const label = `L${lowers.length - 1 - index}:${path}`
      if (statAt(dirfd, name, stat) === 0) {
        devices.add(`${stat.devMajor}:${stat.devMinor}`)
        const key = inodeKey(stat.inoHi, stat.inoLo)
        if (!byInode.has(key)) byInode.set(key, label)
      }
      const handle = fileHandle(dirfd, name)
      if (typeof handle === 'number') return
      const hex = Buffer.from(handle.bytes, 'latin1').toString('hex')
      if (!byHandle.has(hex)) byHandle.set(hex, label)
    }
    const fd = openPath(lower, O_RDONLY | O_DIRECTORY)
    if (fd < 0) throw new Error(`${lower}: errno ${-fd}`)
    learn(fd, '', '/')
    walk(fd, '', learn)
    close(fd)
  })
  return { byInode: devices.size > 1 ? new Map<string, string>() : byInode, byHandle }
}

/** No lower layers: every object is called by what it is alone. */
export const noLabels: LowerLabels = { byInode: new Map(), byHandle: new Map() }
