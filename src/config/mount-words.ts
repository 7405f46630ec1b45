/**
 * Words of mount(8) that say nothing of the overlay: the flags of the mount itself, and what only
 * mount(8), systemd and fstab care for.
 */
import type { AtimeMode } from './mount-options.js'

/** The flags of the mount, while they are collected. */
export interface MountFlags {
  readOnly: boolean
  suid: boolean
  dev: boolean
  exec: boolean
  atime: AtimeMode
  diratime: boolean
  sync: boolean
  dirsync: boolean
}

type Apply = (flags: MountFlags) => void

const flagWords: ReadonlyMap<string, Apply> = new Map<string, Apply>([
  ['ro', (flags) => (flags.readOnly = true)],
  ['rw', (flags) => (flags.readOnly = false)],
  ['suid', (flags) => (flags.suid = true)],
  ['nosuid', (flags) => (flags.suid = false)],
  ['dev', (flags) => (flags.dev = true)],
  ['nodev', (flags) => (flags.dev = false)],
  ['exec', (flags) => (flags.exec = true)],
  ['noexec', (flags) => (flags.exec = false)],
  ['atime', (flags) => (flags.atime = 'default')],
  ['noatime', (flags) => (flags.atime = 'noatime')],
  ['relatime', (flags) => (flags.atime = 'relatime')],
  ['norelatime', (flags) => (flags.atime = 'default')],
  ['strictatime', (flags) => (flags.atime = 'strictatime')],
  ['nostrictatime', (flags) => (flags.atime = 'default')],
  ['diratime', (flags) => (flags.diratime = true)],
  ['nodiratime', (flags) => (flags.diratime = false)],
  ['sync', (flags) => (flags.sync = true)],
  ['async', (flags) => (flags.sync = false)],
  ['dirsync', (flags) => (flags.dirsync = true)],
])

/** Taken without effect: others act on them, or they ask for what is done anyway. */
const inertWords: ReadonlySet<string> = new Set([
  'defaults',
  'auto',
  'noauto',
  'user',
  'nouser',
  'users',
  'owner',
  'group',
  'nofail',
  '_netdev',
  'silent',
  'loud',
  'private',
  'rprivate',
  'slave',
  'rslave',
  'shared',
  'rshared',
  'unbindable',
  'runbindable',
  'lazytime',
  'nolazytime',
  'iversion',
  'noiversion',
  'mand',
  'nomand',
  'symfollow',
  // What fuse clients ask for, and every mount of ours does or does not need.
  'default_permissions',
  'kernel_cache',
  'auto_cache',
  'big_writes',
  'nonempty',
  'large_read',
  'hard_remove',
  'splice_read',
  'splice_write',
  'splice_move',
  'no_splice_read',
  'no_splice_write',
  'no_splice_move',
  'override_creds',
  'nooverride_creds',
])

/** Apply a word of mount(8) to the flags. Returns whether it was one. */
export function applyMountWord(word: string, flags: MountFlags): boolean {
  const apply = flagWords.get(word)
  if (apply === undefined) return inertWords.has(word)
  apply(flags)
  return true
}

/** Whether a word, with or without a value, is a note to mount(8) or systemd: `x-...`, `comment=`. */
export function isCommentWord(key: string): boolean {
  return /^(x-|X-|x\.)/.test(key) || key === 'comment' || key === 'helper' || key === 'uhelper'
}
