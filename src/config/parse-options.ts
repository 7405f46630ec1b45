/**
 * Option words to MountOptions: the one place where option text gets its meaning, whoever wrote it.
 */
import { type OverlayOptions, defaultOverlayOptions } from '../overlay/options.js'
import { showBytes } from '../util/debug.js'
import { type Features, settleFeatures, settleLayers } from './conflicts.js'
import { type Draft, emptyDraft, refuse } from './draft.js'
import type { Dialect, MountOptions, MountSettings } from './mount-options.js'
import { type MountFlags, applyMountWord, isCommentWord } from './mount-words.js'
import { type OptionWord, showWord } from './option-words.js'
import { readOption } from './option-table.js'

/** What is asked for, besides the option words. */
export interface MountRequest {
  readonly dialect: Dialect
  readonly words: readonly OptionWord[]
  readonly mountpoint: string
  /** Shown as source and subtype unless `fsname` and `subtype` say otherwise. */
  readonly source: string
  readonly subtype: string
  readonly foreground: boolean
  readonly debug: boolean
  /** The caller is root, of the host or of a user namespace. */
  readonly isRoot: boolean
  /** An unknown option is a warning in every dialect: `mount -s`. */
  readonly sloppy?: boolean
}

/** What fuse-overlayfs mounts with unless told otherwise: libfuse's nodev, and no access times. */
const engineFlags: MountFlags = {
  readOnly: false,
  suid: true,
  dev: false,
  exec: true,
  atime: 'noatime',
  diratime: true,
  sync: false,
  dirsync: false,
}

const kernelFlags: MountFlags = { ...engineFlags, dev: true, atime: 'default' }

function readWord(draft: Draft, word: OptionWord, sloppy: boolean): void {
  if (word.value === null && applyMountWord(word.key, draft.flags)) return
  if (isCommentWord(word.key) || readOption(draft, word)) return
  const shown = showBytes(showWord(word))
  if (draft.dialect === 'kernel' && !sloppy) {
    refuse(word.key, `: unknown option; 'tsoverlayfs mount --help' lists the known ones`)
  }
  draft.warnings.push(`unknown argument ignored: ${shown}`)
}

function overlayOptions(draft: Draft, features: Features): OverlayOptions {
  const forEngine = draft.dialect === 'fuse-overlayfs'
  const squash = draft.squashToRoot ? 0 : null
  return {
    ...defaultOverlayOptions,
    ...features,
    lowerDirs: draft.lowers,
    dataDirs: draft.data,
    upperDir: draft.upperDir,
    workDir: draft.workDir,
    readOnly: draft.flags.readOnly || draft.upperDir === null,
    overlap: forEngine ? 'warn' : 'refuse',
    whPrefix: forEngine ? 'all' : 'lower',
    engineMarks: forEngine,
    volatileMarker: !forEngine,
    xino: draft.xino,
    passthrough: draft.passthrough,
    timeoutSec: draft.timeoutSec,
    uidMap: draft.uidMap,
    gidMap: draft.gidMap,
    squashUid: draft.squashUid ?? squash,
    squashGid: draft.squashGid ?? squash,
    staticNlink: draft.staticNlink,
    acl: draft.acl,
    xattrs: draft.xattrs,
    xattrPermissions: draft.xattrPermissions,
    ino32: draft.ino32,
  }
}

function mountSettings(draft: Draft, request: MountRequest): MountSettings {
  // Through libfuse others cannot be let in, so they are only where that was asked for, and refused.
  const takesOthers = request.isRoot && draft.transport !== 'libfuse'
  return {
    ...draft.flags,
    // Nothing can be written: access(2) and statfs(2) are to say so, too.
    readOnly: draft.flags.readOnly || draft.upperDir === null,
    mountpoint: request.mountpoint,
    source: draft.fsname ?? request.source,
    subtype: draft.subtype ?? request.subtype,
    allowOther: draft.allowOther || (takesOthers && !draft.allowRoot),
    allowRoot: draft.allowRoot,
    readAheadBytes: draft.readAheadBytes,
    transport: draft.transport,
  }
}

/**
 * Give option words their meaning.
 * @throws OptionError EINVAL: missing, malformed, contradictory, or, in the kernel dialect, unknown
 */
export function parseOptions(request: MountRequest): MountOptions {
  const { dialect } = request
  const draft = emptyDraft(dialect, { ...(dialect === 'kernel' ? kernelFlags : engineFlags) })
  for (const word of request.words) readWord(draft, word, request.sloppy === true)
  settleLayers(draft)
  const features = settleFeatures(draft)
  return {
    overlay: overlayOptions(draft, features),
    mount: mountSettings(draft, request),
    daemon: {
      foreground: request.foreground || request.debug || draft.debug,
      debug: request.debug || draft.debug,
    },
    warnings: draft.warnings,
  }
}
