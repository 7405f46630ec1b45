/**
 * Option words for a mount that is live: its flags can change, its layers and what else the overlay
 * was told cannot. As in kernel overlayfs, words about those are passed over, for mount(8) repeats
 * them all.
 * @mirrors fs/overlayfs/params.c:ovl_parse_param
 */
import type { OptionWord } from './option-words.js'
import { type MountFlags, applyMountWord } from './mount-words.js'

/** Whether the words ask for another way of being mounted instead of a mount. */
export function isRemount(words: readonly OptionWord[]): boolean {
  return words.some(({ key, value }) => key === 'remount' && value === null)
}

/**
 * The flags a mount is to have.
 * @param current those it has, as mountinfo shows them: `rw,nosuid,relatime`
 */
export function remountFlags(current: string, words: readonly OptionWord[]): MountFlags {
  const flags: MountFlags = {
    readOnly: false,
    suid: true,
    dev: true,
    exec: true,
    atime: 'strictatime',
    diratime: true,
    sync: false,
    dirsync: false,
  }
  for (const word of current.split(',')) applyMountWord(word, flags)
  for (const { key, value } of words) if (value === null) applyMountWord(key, flags)
  return flags
}
