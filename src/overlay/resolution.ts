/**
 * What a name in a merged directory stands for: the result of the one function that decides it (see
 * lookup.ts). One record is reused for all lookups.
 */
import { FileStat } from '../sys/stat.js'
import type { LayerDir } from './layer.js'

/** What a name stands for. */
export class Resolution {
  found = false
  /** The topmost object. Where the caller wants it: set before a lookup. */
  stat = new FileStat()
  inUpper = false
  /** For a directory: its lower directories, topmost first. */
  lowers: LayerDir[] = []
  /** For anything else: where it lies in a lower layer. */
  lowerDir: LayerDir | null = null
  lowerName = ''
  /** Links of the lower object, for a file that shows one. */
  lowerNlink = 0
  /** See FileNode: the copy that the names of a lower hard link share. */
  indexName = ''
  indexed = false
  unionNlink = 0
  /** Value of an upper file's origin mark; '' where it leads nowhere, or was not looked at. */
  origin = ''
  /** The topmost object was seen to have no xattrs at all. */
  bare = false
  opaque = false
  impure = false
  redirect: string | null = null
  /** The topmost object holds no data: see below. */
  metacopy = false
  /** Where the data of a metadata-only file is, and how many blocks of 512 bytes it has. */
  dataDir: LayerDir | null = null
  dataName = ''
  dataBlocks = 0
  /** Upper directory carries an origin mark. */
  hasOriginMark = false
  hasOrigin = false
  originLo = 0
  originHi = 0
  originFsid = 0

  /** Back to "not found". */
  reset(name: string): void {
    this.found = false
    this.inUpper = false
    this.lowers = NO_DIRS
    this.lowerDir = null
    this.lowerName = name
    this.lowerNlink = 0
    this.indexName = ''
    this.indexed = false
    this.unionNlink = 0
    this.origin = ''
    this.bare = false
    this.opaque = false
    this.impure = false
    this.redirect = null
    this.metacopy = false
    this.dataDir = null
    this.hasOriginMark = false
    this.hasOrigin = false
  }

  /** Show `stat`'s inode number although the object is in upper. */
  setOrigin(stat: FileStat, fsid: number): void {
    this.hasOrigin = true
    this.originLo = stat.inoLo
    this.originHi = stat.inoHi
    this.originFsid = fsid
  }
}

const NO_DIRS: LayerDir[] = []
