/**
 * What is missing and what contradicts what; and the values that follow from others. Kernel
 * overlayfs refuses a contradiction; for engines, which fuse-overlayfs let write anything here, the
 * option that gives way is named in a warning.
 * @mirrors fs/overlayfs/params.c:ovl_fs_params_verify
 */
import type { OverlayOptions } from '../overlay/options.js'
import { type Draft, refuse, refuseOrWarn } from './draft.js'
import { maxLowerDirs } from './lower-dirs.js'

/** Check and complete what was said of layers. */
export function settleLayers(draft: Draft): void {
  if (draft.lowers.length === 0) {
    refuse(
      'lowerdir',
      draft.data.length > 0
        ? ': there are data-only layers alone; at least one regular layer must come before them'
        : ': it is missing; name the lower layers, top-most first: lowerdir=A:B',
    )
  }
  const count = draft.lowers.length + draft.data.length
  if (count > maxLowerDirs) {
    refuse(
      'lowerdir',
      `: ${String(count)} layers, the limit is ${String(maxLowerDirs)}; merge some`,
    )
  }
  if (draft.upperDir !== null && draft.workDir === null) {
    refuse('workdir', ': it is missing; upperdir needs one, an empty directory on the same mount')
  }
  if (draft.upperDir === null && draft.workDir !== null) {
    draft.warnings.push('workdir: useless without upperdir, ignored')
    draft.workDir = null
  }
}

/** The options about how layers are marked, once they agree with each other. */
export type Features = Pick<
  OverlayOptions,
  'redirectDir' | 'index' | 'metacopy' | 'userxattr' | 'uuid' | 'fsync'
>

function conflict(draft: Draft, first: string, second: string, remedy: string): void {
  const option = first.replace(/=.*/, '')
  const rest = first.slice(option.length)
  refuseOrWarn(draft, option, `${rest}: it conflicts with ${second}; ${remedy}`)
}

function settleExport(draft: Draft): void {
  if (!draft.nfsExport) return
  if (draft.index === false) conflict(draft, 'nfs_export=on', 'index=off', 'leave out one of them')
  if (draft.metacopy === true) {
    conflict(draft, 'nfs_export=on', 'metacopy=on', 'leave out one of them')
  }
  refuseOrWarn(
    draft,
    'nfs_export',
    '=on: this mount cannot be exported by NFS; use nfs_export=off or kernel overlayfs',
  )
}

function settleUserxattr(draft: Draft): void {
  if (!draft.userxattr) return
  const { redirectDir } = draft
  if (redirectDir !== null && redirectDir !== 'nofollow') {
    conflict(draft, 'userxattr', `redirect_dir=${redirectDir}`, 'use redirect_dir=nofollow')
  }
  if (draft.metacopy === true) conflict(draft, 'userxattr', 'metacopy=on', 'use metacopy=off')
  draft.redirectDir = 'nofollow'
  draft.metacopy = false
}

function settleMetacopy(draft: Draft): void {
  if (draft.metacopy !== true) return
  const { redirectDir } = draft
  if (redirectDir === null || redirectDir === 'on') {
    draft.redirectDir = 'on'
    return
  }
  if (redirectDir !== 'nofollow' && draft.upperDir === null) return
  conflict(draft, 'metacopy=on', `redirect_dir=${redirectDir}`, 'use redirect_dir=on')
  draft.metacopy = false
}

/** What is of no use without upper is dropped with a warning. */
function settleWithoutUpper(draft: Draft): void {
  if (draft.upperDir !== null) return
  const drop = (option: string): void => {
    draft.warnings.push(`${option}: of no use without upperdir, ignored`)
  }
  if (draft.index === true) drop('index=on')
  if (draft.fsync === 'volatile' && draft.dialect === 'kernel') drop('volatile')
  if (draft.uuid === 'on') drop('uuid=on')
  draft.index = null
  draft.fsync = null
  draft.uuid = draft.uuid === 'on' ? null : draft.uuid
}

/**
 * Settle the options that depend on each other.
 * @throws OptionError EINVAL for a contradiction, in the kernel dialect
 */
export function settleFeatures(draft: Draft): Features {
  settleExport(draft)
  settleUserxattr(draft)
  settleMetacopy(draft)
  settleWithoutUpper(draft)
  const redirectDir = draft.redirectDir ?? 'follow'
  return {
    // `off` follows what is there, as the kernel does with redirect_always_follow=Y.
    redirectDir: redirectDir === 'off' ? 'follow' : redirectDir,
    index: draft.index ?? false,
    metacopy: draft.metacopy ?? false,
    userxattr: draft.userxattr ? true : 'auto',
    uuid: draft.uuid ?? 'auto',
    fsync: draft.fsync ?? 'auto',
  }
}
