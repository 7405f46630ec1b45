/**
 * The options while they are collected, word by word: what was said, before defaults and conflicts
 * are settled. null means that nothing was said.
 */
import type {
  IdRange,
  OverlayOptions,
  PassthroughMode,
  XattrPermissions,
} from '../overlay/options.js'
import { EINVAL } from '../sys/errno.js'
import type { Dialect, TransportChoice } from './mount-options.js'
import type { MountFlags } from './mount-words.js'
import { OptionError } from './option-error.js'
import { showBytes } from '../util/debug.js'

/** Options as they come in. */
export interface Draft {
  readonly dialect: Dialect
  readonly warnings: string[]
  readonly flags: MountFlags

  lowers: string[]
  data: string[]
  /** Layers came from `lowerdir=`, so that `lowerdir+=` may not follow. */
  lowersFromList: boolean
  upperDir: string | null
  workDir: string | null

  redirectDir: 'on' | 'follow' | 'nofollow' | 'off' | null
  index: boolean | null
  metacopy: boolean | null
  nfsExport: boolean
  userxattr: boolean
  xino: OverlayOptions['xino']
  uuid: OverlayOptions['uuid'] | null
  fsync: OverlayOptions['fsync'] | null

  passthrough: PassthroughMode
  timeoutSec: number
  uidMap: readonly IdRange[]
  gidMap: readonly IdRange[]
  squashToRoot: boolean
  squashUid: number | null
  squashGid: number | null
  staticNlink: boolean
  acl: boolean
  xattrs: boolean
  xattrPermissions: XattrPermissions
  ino32: boolean

  fsname: string | null
  subtype: string | null
  allowOther: boolean
  allowRoot: boolean
  readAheadBytes: number | null
  transport: TransportChoice
  debug: boolean
}

/** Nothing said yet. */
export function emptyDraft(dialect: Dialect, flags: MountFlags): Draft {
  return {
    dialect,
    warnings: [],
    flags,
    lowers: [],
    data: [],
    lowersFromList: false,
    upperDir: null,
    workDir: null,
    redirectDir: null,
    index: null,
    metacopy: null,
    nfsExport: false,
    userxattr: false,
    xino: 'off',
    uuid: null,
    fsync: null,
    passthrough: 'auto',
    timeoutSec: Infinity,
    uidMap: [],
    gidMap: [],
    squashToRoot: false,
    squashUid: null,
    squashGid: null,
    staticNlink: false,
    acl: true,
    xattrs: true,
    xattrPermissions: 'off',
    ino32: false,
    fsname: null,
    subtype: null,
    allowOther: false,
    allowRoot: false,
    readAheadBytes: null,
    transport: 'auto',
    debug: false,
  }
}

/** Refuse an option with EINVAL; `message` follows the option's name. */
export function refuse(option: string, message: string): never {
  throw new OptionError(EINVAL, option, `${showBytes(option)}${message}`)
}

/**
 * What kernel overlayfs refuses and fuse-overlayfs does not even read: an error in one dialect, a
 * warning in the other.
 */
export function refuseOrWarn(draft: Draft, option: string, message: string): void {
  if (draft.dialect === 'kernel') refuse(option, message)
  draft.warnings.push(`${showBytes(option)}${message}`)
}
