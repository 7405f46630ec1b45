/** The flags of a mount as option words give them, in the form that the VFS is told them in. */
import type { MountFlags } from './config/mount-words.js'
import type { GenericOptions } from './fuse/mount/mount-options.js'

/** Convert the flags of a mount. */
export function genericOptions(flags: Readonly<MountFlags>): GenericOptions {
  return {
    ro: flags.readOnly,
    nosuid: !flags.suid,
    nodev: !flags.dev,
    noexec: !flags.exec,
    sync: flags.sync,
    dirsync: flags.dirsync,
    nodiratime: !flags.diratime,
    ...(flags.atime === 'default' ? {} : { [flags.atime]: true }),
  }
}
