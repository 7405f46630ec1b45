/**
 * Nodes: what the kernel knows by nodeid. A DirNode holds its merged stack of layer directories; a
 * FileNode (everything else) knows whether it is in upper and where it lies in a lower layer. Paths
 * are never stored: a node has a parent and a name, and hard links have more of those.
 *
 * Invariants. `upper !== null` (`inUpper`) means the object exists in upper under its node's own
 * parent and name, or, where `indexed`, in work/index. A node with parent null is detached: removed, or the root. nlookup counts what
 * the kernel holds: every entry handed out adds one, FORGET takes away.
 */
import type { LayerDir } from './layer.js'
import type { DirListing } from './dir-listing.js'

/** What is known of an object's xattrs, to answer "there is none" without a system call. */
export const XATTRS_UNKNOWN = 0
export const XATTRS_NONE = 1
export const XATTRS_SOME = 2

/** How open descriptors of a file reach its data; one mode per node at a time. */
export const MODE_NONE = 0
export const MODE_CACHED = 1
export const MODE_PASSTHROUGH_UPPER = 2
export const MODE_PASSTHROUGH_LOWER = 3

/** Append-only and immutable; PROTECT_UNREAD: the mark of the upper object is yet to be looked at. */
export const PROTECT_APPEND = 1
export const PROTECT_IMMUTABLE = 2
export const PROTECT_UNREAD = 4

/** State of a directory's default ACL in upper. */
export const ACL_UNKNOWN = 0
export const ACL_NONE = 1
export const ACL_PRESENT = 2

abstract class BaseNode {
  readonly id: number
  nlookup = 0
  parent: DirNode | null
  name: string
  xattrs = XATTRS_UNKNOWN
  /** PROTECT_* bits. */
  protection = PROTECT_UNREAD
  /** st_ino shown instead of the upper inode's, once copied up; valid if hasOrigin. */
  hasOrigin = false
  originLo = 0
  originHi = 0
  originFsid = 0
  /** O_PATH descriptor of a removed upper object that the kernel still refers to, or -1. */
  orphanFd = -1

  constructor(id: number, parent: DirNode | null, name: string) {
    this.id = id
    this.parent = parent
    this.name = name
  }
}

/** A directory. */
export class DirNode extends BaseNode {
  readonly isDir = true
  upper: LayerDir | null
  /** Lower directories merged into it, topmost first. */
  lowers: readonly LayerDir[]
  /** Known names: nodes by name. */
  readonly children = new Map<string, Node>()
  listing: DirListing | null = null
  /** The upper directory carries the opaque mark. */
  opaque = false
  /** The upper directory carries the impure mark. */
  impure = false
  /** Value of the upper directory's redirect xattr; null = none. */
  redirect: string | null = null
  defaultAcl = ACL_UNKNOWN
  removed = false
  /** File system and inode number of the topmost lower directory, as a key; 0 = there is none. */
  lowerFsid = 0
  lowerKey = 0

  constructor(
    id: number,
    parent: DirNode | null,
    name: string,
    upper: LayerDir | null,
    lowers: readonly LayerDir[],
  ) {
    super(id, parent, name)
    this.upper = upper
    this.lowers = lowers
  }

  /** Whether it is built from more than one layer, or from lower and upper. */
  get merged(): boolean {
    return this.upper === null ? this.lowers.length > 1 : this.lowers.length > 0
  }
}

/** Another name of a hard-linked file. */
export interface Alias {
  readonly parent: DirNode
  readonly name: string
}

/** Everything that is not a directory. */
export class FileNode extends BaseNode {
  readonly isDir = false
  /** S_IFMT bits. */
  readonly type: number
  inUpper: boolean
  /** Lower object it shows or was copied up from; null when there is none (pure upper). */
  lowerDir: LayerDir | null
  lowerName: string
  /** The topmost object holds metadata only; the data is there, with so many blocks of 512 bytes. */
  metacopy = false
  dataDir: LayerDir | null = null
  dataName = ''
  dataBlocks = 0
  /** Value of the upper file's redirect xattr; null = none. Of meaning for metacopy only. */
  redirect: string | null = null
  /** The object in lower has further names, so that copying up separates it from them. */
  lowerHardLink = false
  /** Name in work/index of the copy that all names of a lower hard link share; '' = they share none. */
  indexName = ''
  /** That copy is there, and reached by that name: not all names of the file need be in upper. */
  indexed = false
  /** Links of the lower object, and those of the overlay's file; of meaning with an indexName only. */
  lowerNlink = 0
  unionNlink = 0
  /** Names beside (parent, name) that the kernel knows. */
  aliases: Alias[] | null = null
  /** When a name of an upper file was last removed, by performance.now(); 0 = not of late. */
  unlinkedMs = 0
  /** Temporary in work that a nameless file got by a link that failed; '' = none. */
  parked = ''
  /** Key in the table of hard-linked upper inodes; 0 = not there. */
  upperKey = 0

  /** Open handles the kernel holds. */
  opens = 0
  /** Those of them that can write. */
  writers = 0
  mode = MODE_NONE
  backingId = 0
  /** What `backingId` was made of. */
  backingUpper = false
  /** Whether the lower file is one to pass through; null = not looked at. */
  passthroughWorth: boolean | null = null
  /** Descriptor that serves reads and writes of cached handles, or -1. */
  fd = -1
  fdWritable = false
  /** `fd` refers to the upper object. */
  fdUpper = false

  constructor(id: number, parent: DirNode | null, name: string, type: number, inUpper: boolean) {
    super(id, parent, name)
    this.type = type
    this.inUpper = inUpper
    this.lowerDir = null
    this.lowerName = name
  }
}

export type Node = DirNode | FileNode
