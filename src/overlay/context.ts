/**
 * What every part of the engine shares: options, layers, descriptors, nodes. One record per overlay;
 * nothing in the engine lives at module level, so several overlays fit into one process.
 */
import type { Connection } from '../fuse/raw-filesystem.js'
import type { CopyMethods } from './copy-up/data.js'
import type { Aside, FlushKind, LongCopy } from './aside.js'
import type { IndexDir } from './index-dir.js'
import type { DirFds, Layer } from './layer.js'
import type { LayerStack } from './layer-stack.js'
import type { InodeNumbers } from './inode-number.js'
import type { DirNode, FileNode, Node } from './node.js'
import type { NodeTable } from './node-table.js'
import type { ListingCache } from './listing-cache.js'
import type { OverlayOptions } from './options.js'
import type { WorkDir } from './workdir.js'
import type { XattrNames } from './xattr-names.js'

export interface OverlayContext {
  readonly options: OverlayOptions
  readonly stack: LayerStack
  /** null on a read-only overlay: changes give EROFS. */
  readonly upper: Layer | null
  readonly work: WorkDir | null
  /** work/index; null = lower hard links are separated by copy-up. */
  readonly index: IndexDir | null
  readonly fds: DirFds
  readonly nodes: NodeTable
  readonly root: DirNode
  readonly xattrNames: XattrNames
  readonly inodeNumbers: InodeNumbers
  /** All lower layers, data-only ones included, for finding origins. */
  readonly originLayers: readonly Layer[]
  /** Whether the upper file system takes the overlay's private xattrs. */
  readonly canMark: boolean
  /** Lifetime of cached entries and attributes, seconds. */
  readonly ttlSec: number
  readonly listings: ListingCache
  /** Files that nobody has open but that still have a backing id, the longest idle first. */
  readonly backings: Set<FileNode>
  /** What copying data between the layers' file systems can use. */
  readonly copyMethods: CopyMethods
  /** Makes a copy's data safe before it gets its name. */
  readonly flush: FlushKind
  /** Does what takes long, if anyone does. */
  readonly aside: Aside | null
  /** Copies of large files under way, by the names they are for. */
  readonly longCopies: Map<string, LongCopy>
  /** Whether syncing upper can take long. */
  readonly syncsAside: boolean
  /** Told after an object was copied up: open handles move to the copy, cached attributes go. */
  onCopyUp: (node: Node) => void
  /** Told after a file lost its last known name. */
  onLastNameGone: (node: FileNode) => void
  /** Close the descriptor kept for a removed object. */
  closeOrphan: (node: Node) => void
  /** Set by INIT. */
  connection: Connection | null
  /** Backing ids may be had for upper files / for lower files. */
  passthroughUpper: boolean
  passthroughLower: boolean
}
