/**
 * A layer is a directory tree opened once at start; everything in it is reached relative to
 * descriptors, one name at a time, never through a path or a symlink. A LayerDir stands for one
 * directory of one layer, whether or not it has a descriptor at the moment; DirFds gives it one on
 * demand and keeps the number of open ones bounded.
 */
import { close, openBeneath, openDirPath, openDirRead } from '../sys/open.js'
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../sys/constants.js'
import type { LayerNames } from './layer-names.js'

/** In which xattrs one layer keeps owners and modes: see override-stat.ts. */
export interface StatOverride {
  /** xattrs to read, the first that is there counts. */
  readonly read: readonly string[]
  /** The one to write. */
  readonly write: string
}

/** What is known of a layer when it is opened. */
export interface LayerFacts {
  /** 0 = upper; 1.. = lower layers, topmost first; data-only layers come last. */
  readonly index: number
  /** Path as the user gave it, for messages. */
  readonly path: string
  readonly devMajor: number
  readonly devMinor: number
  /** Number of the layer's file system among those of the overlay; upper's is 0. */
  readonly fsid: number
  /** 16 bytes (latin1); all zero where the file system has none. */
  readonly uuid: string
  /** Longest name the file system takes, in bytes. */
  readonly namelen: number
  readonly dataOnly: boolean
}

/** One layer: its facts and its root. */
export class Layer {
  readonly facts: LayerFacts
  readonly index: number
  readonly fsid: number
  readonly root: LayerDir
  /** Where owners and modes are kept; null = in the inodes. */
  override: StatOverride | null = null
  #handleFd = -1

  /** @param rootFd O_PATH descriptor of the layer's root, open for the layer's life */
  constructor(facts: LayerFacts, rootFd: number) {
    this.facts = facts
    this.index = facts.index
    this.fsid = facts.fsid
    this.root = new LayerDir(this, null, '')
    this.root.fd = rootFd
  }

  /**
   * A descriptor through which file handles of this layer's file system can be opened, or -errno.
   * O_PATH descriptors are refused there.
   */
  handleFd(): number {
    if (this.#handleFd < 0) this.#handleFd = openDirRead(this.root.fd)
    return this.#handleFd
  }

  /** Close everything the layer holds. */
  close(): void {
    close(this.root.fd)
    if (this.#handleFd >= 0) close(this.#handleFd)
    this.#handleFd = -1
  }
}

/** One directory of one layer. */
export class LayerDir {
  readonly layer: Layer
  /** null for the layer's root, and for a directory that was removed. */
  parent: LayerDir | null
  /** Name in `parent`; for the target of an absolute redirect, a path below the root. */
  name: string
  /** O_PATH descriptor, or -1. Owned by {@link DirFds}. */
  fd = -1
  /** Place in the ring of {@link DirFds}, or -1. */
  slot = -1
  /** Second chance of the eviction clock. */
  used = false
  /** All names in it, once read; lower layers only, since those never change. */
  names: LayerNames | null = null
  /** Probes that found nothing; when there are many, reading all names is cheaper. */
  misses = 0

  constructor(layer: Layer, parent: LayerDir | null, name: string) {
    this.layer = layer
    this.parent = parent
    this.name = name
  }
}

/**
 * Descriptors of layer directories, at most `capacity` at a time (roots are not counted: they stay
 * open). Eviction is by clock; an evicted directory is reopened through its parents when needed.
 */
export class DirFds {
  readonly #capacity: number
  #ring: LayerDir[] = []
  #hand = 0
  /** The last directories handed out, which stay open: one operation may hold several. */
  readonly #recent: (LayerDir | null)[] = [null, null, null, null, null, null, null, null]
  #turn = 0

  constructor(capacity: number) {
    this.#capacity = Math.max(32, capacity)
  }

  /** Directories that have a descriptor now. */
  get size(): number {
    return this.#ring.length
  }

  /** Descriptor of `dir`, valid until the next few calls; or -errno. */
  fd(dir: LayerDir): number {
    this.#recent[this.#turn] = dir
    this.#turn = (this.#turn + 1) & 7
    if (dir.fd >= 0) {
      dir.used = true
      return dir.fd
    }
    return this.#reopen(dir)
  }

  #reopen(dir: LayerDir): number {
    if (dir.parent === null) return -2
    const parent = this.fd(dir.parent)
    if (parent < 0) return parent
    const fd = dir.name.includes('/')
      ? openBeneath(parent, dir.name, O_PATH | O_DIRECTORY | O_NOFOLLOW)
      : openDirPath(parent, dir.name)
    if (fd >= 0) this.adopt(dir, fd)
    return fd
  }

  /** Let `dir` own the open descriptor `fd`. */
  adopt(dir: LayerDir, fd: number): void {
    if (dir.fd >= 0) {
      close(dir.fd)
      dir.fd = fd
      return
    }
    dir.fd = fd
    dir.used = true
    dir.slot = this.#ring.length < this.#capacity ? this.#ring.length : this.#victim()
    this.#ring[dir.slot] = dir
  }

  /** Close the first directory that was not used since the hand came by; returns its slot. */
  #victim(): number {
    for (;;) {
      this.#hand = (this.#hand + 1) % this.#ring.length
      const dir = this.#ring[this.#hand]
      if (dir === undefined) continue
      if (dir.used || this.#recent.includes(dir)) {
        dir.used = false
        continue
      }
      close(dir.fd)
      dir.fd = -1
      dir.slot = -1
      return this.#hand
    }
  }

  /** Close a directory's descriptor, if it has one; it may be reopened later. */
  release(dir: LayerDir): void {
    if (dir.slot < 0) return
    close(dir.fd)
    const last = this.#ring.pop()
    if (last !== undefined && last !== dir) {
      this.#ring[dir.slot] = last
      last.slot = dir.slot
    }
    dir.fd = -1
    dir.slot = -1
  }

  /** Close everything but the roots. */
  closeAll(): void {
    for (const dir of this.#ring) {
      close(dir.fd)
      dir.fd = -1
      dir.slot = -1
    }
    this.#ring = []
  }
}
