/** Changing the flags of a live mount: `mount -o remount,ro`. */
import type { OptionWord } from './config/option-words.js'
import { remountFlags } from './config/remount.js'
import { mountOn, remountFuse } from './fuse/mount/mount.js'
import { MountError } from './fuse/mount/mount-error.js'
import { genericOptions } from './generic-options.js'
import { EINVAL, EROFS } from './sys/errno.js'
import { readState, writeState } from './sys/state-file.js'
import { showBytes } from './util/debug.js'

/**
 * Change the flags of the mount on a directory as the words say.
 * @throws MountError EINVAL: no mount of ours; EROFS: rw without an upper layer; or mount(2)'s
 */
export function remount(mountpoint: string, words: readonly OptionWord[]): void {
  const path = showBytes(mountpoint)
  const found = mountOn(mountpoint)
  if (found?.type.startsWith('fuse.') !== true) {
    throw new MountError(EINVAL, `${path}: nothing of ours is mounted there; leave out 'remount'`)
  }
  const flags = remountFlags(found.options, words)
  const state = readState(found.device)
  const isLayered = state !== null && !/(^|,)upperdir=/.test(state.options)
  if (isLayered && !flags.readOnly) {
    throw new MountError(EROFS, `${path}: it has no upperdir and stays read-only`)
  }
  remountFuse(found.mountpoint, genericOptions(flags))
  if (state !== null) {
    const options = state.options.replace(/^r[ow]/, flags.readOnly ? 'ro' : 'rw')
    writeState(found.device, { ...state, options })
  }
}
