/**
 * What the engine is told: plain data, made by the composition root from the option text. Paths are
 * byte strings (latin1), used as given: never normalised.
 */

/** `count` ids from `host` on disk are shown as `shown` and the following ones. */
export interface IdRange {
  readonly host: number
  readonly shown: number
  readonly count: number
}

/** How file data reaches the reader: see docs/decisions.md, "Data". */
export type PassthroughMode = 'auto' | 'all' | 'upper' | 'off'

/** Where an owner and mode that the disk cannot hold are kept: fuse-overlayfs's xattr_permissions. */
export type XattrPermissions = 'off' | 'privileged' | 'containers'

export interface OverlayOptions {
  /** Top-most first; at least one. */
  readonly lowerDirs: readonly string[]
  /** Data-only layers, top-most first. */
  readonly dataDirs: readonly string[]
  /** Both or neither; without them the overlay is read-only. */
  readonly upperDir: string | null
  readonly workDir: string | null
  readonly readOnly: boolean
  /** Where it will be mounted, to be refused inside its own upper; null = not checked. */
  readonly mountpoint: string | null
  /** Whether overlapping layers are refused (kernel overlayfs) or only warned of (fuse-overlayfs). */
  readonly overlap: 'refuse' | 'warn'
  /**
   * Where `.wh.NAME` files count as whiteouts: in lower layers only, or in upper too (one that
   * fuse-overlayfs wrote).
   */
  readonly whPrefix: 'lower' | 'all'

  /**
   * Whether marks count that only fuse-overlayfs and image tools leave: opaque marks and whiteouts
   * under the other xattr prefixes, owners and modes in xattrs where a layer's root says so. Users may
   * not set such attributes then.
   */
  readonly engineMarks: boolean
  /**
   * Whiteouts to write: `auto`, what the file system allows; `wh-file`, `.wh.NAME` files. Without
   * engineMarks these are never written.
   */
  readonly whiteouts: 'auto' | 'wh-file'

  readonly redirectDir: 'on' | 'follow' | 'nofollow'
  readonly index: boolean
  readonly metacopy: boolean
  readonly xino: 'off' | 'auto' | 'on'
  /** Private xattrs live in `user.overlay.`; `auto`: only where `trusted.` is denied. */
  readonly userxattr: boolean | 'auto'
  readonly uuid: 'auto' | 'on' | 'null' | 'off'
  readonly fsync: 'auto' | 'strict' | 'volatile'
  /** Leave work/work/incompat/volatile/dirty behind on a volatile mount, as the kernel does. */
  readonly volatileMarker: boolean

  readonly passthrough: PassthroughMode
  /** Lifetime of entries and attributes in the kernel's caches, seconds; Infinity = for ever. */
  readonly timeoutSec: number

  /** Empty = identity. */
  readonly uidMap: readonly IdRange[]
  readonly gidMap: readonly IdRange[]
  /** Show every owner (group) as this id and let chown succeed without effect; null = off. */
  readonly squashUid: number | null
  readonly squashGid: number | null
  /** Directories report one link (kernel overlayfs's merged directories always do). */
  readonly staticNlink: boolean
  readonly acl: boolean
  readonly xattrs: boolean
  readonly xattrPermissions: XattrPermissions
  /** Show inode numbers cut to 32 bits. */
  readonly ino32: boolean
}

/** The kernel's defaults; callers spread over them. */
export const defaultOverlayOptions = {
  lowerDirs: [],
  dataDirs: [],
  upperDir: null,
  workDir: null,
  readOnly: false,
  mountpoint: null,
  overlap: 'refuse',
  whPrefix: 'lower',
  engineMarks: false,
  whiteouts: 'auto',
  redirectDir: 'follow',
  index: false,
  metacopy: false,
  xino: 'off',
  userxattr: 'auto',
  uuid: 'auto',
  fsync: 'auto',
  volatileMarker: true,
  passthrough: 'auto',
  timeoutSec: Infinity,
  uidMap: [],
  gidMap: [],
  squashUid: null,
  squashGid: null,
  staticNlink: false,
  acl: true,
  xattrs: true,
  xattrPermissions: 'off',
  ino32: false,
} as const satisfies OverlayOptions
