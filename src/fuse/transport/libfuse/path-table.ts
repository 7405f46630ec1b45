/**
 * From the paths of libfuse to nodes: every component is looked up in the file system, and what was
 * found is kept, with a reference, until it is the least recently used of too many, or until its name
 * is changed. All changes of names come through here, so that nothing kept is ever out of date.
 *
 * Paths start with a slash, have no empty components, and `/` is the root. Byte strings.
 *
 * libfuse 2 does not remove a file that is open: it renames it to `.fuse_hidden…` and removes that
 * when it is closed. Such names are kept apart: the file is removed at once, and the name leads to
 * the node that is still open.
 */
import { ENOENT } from '../../../sys/errno.js'
import {
  type Entry,
  type RawFilesystem,
  type RequestContext,
  makeAttributes,
} from '../../raw-filesystem.js'
import { ROOT_ID, type References } from './references.js'

/** Paths that are kept. */
const CAPACITY = 8192

/** The directory of a path that is not the root. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

/** The last component of a path; empty for the root. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Whether a rename is how libfuse puts away a file that is open. @mirrors lib/fuse.c:hidden_name() */
export function isHiding(from: string, to: string): boolean {
  return /^\.fuse_hidden[0-9a-f]{16}$/.test(nameOf(to)) && parentOf(from) === parentOf(to)
}

/** A name, and the directory it is in. */
export interface Place {
  readonly parent: number
  readonly name: string
}

/** See the file's header. */
export class PathTable {
  readonly #filesystem: RawFilesystem
  readonly #request: RequestContext
  readonly #references: References
  readonly #capacity: number
  /** Least recently used first; the root is not in it. */
  readonly #nodes = new Map<string, number>()
  /** Those of them that the file system wants to be asked for each time. */
  readonly #passing = new Set<string>()
  /** Removed files that are open, by the name libfuse has for them. */
  readonly #hidden = new Map<string, number>()
  readonly #entry: Entry = {
    nodeid: 0,
    attributes: makeAttributes(),
    entryTtlSec: 0,
    attrTtlSec: 0,
  }

  constructor(
    filesystem: RawFilesystem,
    request: RequestContext,
    references: References,
    capacity = CAPACITY,
  ) {
    this.#filesystem = filesystem
    this.#request = request
    this.#references = references
    this.#capacity = capacity
  }

  /** Paths kept now. */
  get size(): number {
    return this.#nodes.size
  }

  /**
   * The node at a path, or -errno.
   * @errno ENOENT, ENOTDIR, ESTALE and what else looking up gives
   */
  resolve(path: string): number {
    if (path === '/') return ROOT_ID
    const kept = this.#kept(path)
    if (kept !== undefined && !this.#passing.has(path)) return kept
    const place = this.locate(path)
    if (typeof place === 'number') return place
    const result = this.#filesystem.lookup(this.#request, place.parent, place.name, this.#entry)
    if (result < 0) return result
    if (this.#entry.nodeid === 0) return -ENOENT
    this.add(path, this.#entry.nodeid)
    if (this.#entry.entryTtlSec === 0) this.#passing.add(path)
    return this.#entry.nodeid
  }

  /** Directory and name of a path that is not the root; or -errno. */
  locate(path: string): Place | number {
    const parent = this.resolve(parentOf(path))
    return parent < 0 ? parent : { parent, name: nameOf(path) }
  }

  #kept(path: string): number | undefined {
    const nodeid = this.#nodes.get(path)
    if (nodeid === undefined) return this.#hidden.get(path)
    this.#nodes.delete(path)
    this.#nodes.set(path, nodeid)
    return nodeid
  }

  /** Keep the node of an entry that the file system has just given. */
  add(path: string, nodeid: number): void {
    this.#references.take(nodeid)
    this.drop(path)
    this.#nodes.set(path, nodeid)
    if (this.#nodes.size <= this.#capacity) return
    for (const oldest of this.#nodes.keys()) {
      this.drop(oldest)
      break
    }
  }

  /** A path means something else now, or nothing. */
  drop(path: string): void {
    const nodeid = this.#nodes.get(path)
    if (nodeid === undefined) return
    this.#nodes.delete(path)
    this.#passing.delete(path)
    this.#references.release(nodeid)
  }

  /** As {@link drop}, for a path and all below it. */
  dropTree(path: string): void {
    const below = `${path}/`
    for (const each of [...this.#nodes.keys()]) {
      if (each === path || each.startsWith(below)) this.drop(each)
    }
    for (const [each, nodeid] of [...this.#hidden]) {
      if (each.startsWith(below)) this.#unhide(each, nodeid)
    }
  }

  /** What was at one path, and all below it, is at another. */
  move(from: string, to: string): void {
    this.dropTree(to)
    const below = `${from}/`
    for (const [path, nodeid] of [...this.#nodes]) {
      if (path !== from && !path.startsWith(below)) continue
      const moved = to + path.slice(from.length)
      this.#nodes.delete(path)
      this.#nodes.set(moved, nodeid)
      if (this.#passing.delete(path)) this.#passing.add(moved)
    }
    for (const [path, nodeid] of [...this.#hidden]) {
      if (!path.startsWith(below)) continue
      this.#hidden.delete(path)
      this.#hidden.set(to + path.slice(from.length), nodeid)
    }
  }

  /** The node, whose file was removed, goes on under a name of libfuse. */
  hide(path: string, nodeid: number): void {
    this.#references.hold(nodeid)
    this.#hidden.set(path, nodeid)
  }

  /** Whether a path is a name of libfuse for a removed file. */
  isHidden(path: string): boolean {
    return this.#hidden.has(path)
  }

  /** Forget the name of libfuse for a removed file. Returns whether it was one. */
  unhide(path: string): boolean {
    const nodeid = this.#hidden.get(path)
    if (nodeid === undefined) return false
    this.#unhide(path, nodeid)
    return true
  }

  /** A removed file was closed for the last time. */
  unhideNode(nodeid: number): void {
    for (const [path, hidden] of [...this.#hidden]) {
      if (hidden === nodeid) this.#unhide(path, nodeid)
    }
  }

  #unhide(path: string, nodeid: number): void {
    this.#hidden.delete(path)
    this.#references.release(nodeid)
  }

  /** Drop everything. */
  clear(): void {
    for (const path of [...this.#nodes.keys()]) this.drop(path)
    for (const [path, nodeid] of [...this.#hidden]) this.#unhide(path, nodeid)
  }
}
