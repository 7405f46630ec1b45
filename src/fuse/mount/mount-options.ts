/** Mount options as data, and their forms for mount(2) and for fusermount3. Pure. */
import {
  MS_DIRSYNC,
  MS_LAZYTIME,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_RDONLY,
  MS_RELATIME,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
} from '../../sys/mount.js'

/** Options that the VFS handles for every file system, by their mount(8) names. */
export interface GenericOptions {
  readonly ro?: boolean
  readonly nosuid?: boolean
  readonly nodev?: boolean
  readonly noexec?: boolean
  readonly sync?: boolean
  readonly dirsync?: boolean
  readonly noatime?: boolean
  readonly nodiratime?: boolean
  readonly relatime?: boolean
  readonly strictatime?: boolean
  readonly lazytime?: boolean
}

/** What to mount where; texts are byte strings (latin1). */
export interface MountRequest extends GenericOptions {
  readonly mountpoint: string
  /** Shown as the device in mountinfo and df. */
  readonly source: string
  /** The type is `fuse.<subtype>`. */
  readonly subtype: string
  /** Let other users in than the one who mounts. */
  readonly allowOther: boolean
  /** Have the kernel check permissions by mode, owner and ACL. */
  readonly defaultPermissions: boolean
}

const flagTable = [
  ['ro', MS_RDONLY],
  ['nosuid', MS_NOSUID],
  ['nodev', MS_NODEV],
  ['noexec', MS_NOEXEC],
  ['sync', MS_SYNCHRONOUS],
  ['dirsync', MS_DIRSYNC],
  ['noatime', MS_NOATIME],
  ['nodiratime', MS_NODIRATIME],
  ['relatime', MS_RELATIME],
  ['strictatime', MS_STRICTATIME],
  ['lazytime', MS_LAZYTIME],
] as const satisfies readonly (readonly [keyof GenericOptions, number])[]

/** Those that fusermount3 knows; it adds nosuid and nodev by itself. */
const fusermountKnows: ReadonlySet<keyof GenericOptions> = new Set([
  'ro',
  'nosuid',
  'nodev',
  'noexec',
  'sync',
  'dirsync',
  'noatime',
])

/** The MS_* bits of the generic options. */
export function mountFlags(options: GenericOptions): number {
  let flags = 0
  for (const [name, bit] of flagTable) if (options[name] === true) flags |= bit
  return flags
}

/** The kernel's own option string for mount(2). @mirrors fs/fuse/inode.c:fuse_parse_param() */
export function kernelOptions(request: MountRequest, fd: number, uid: number, gid: number): string {
  const options = [
    `fd=${String(fd)}`,
    'rootmode=40000',
    `user_id=${String(uid)}`,
    `group_id=${String(gid)}`,
  ]
  if (request.defaultPermissions) options.push('default_permissions')
  if (request.allowOther) options.push('allow_other')
  return options.join(',')
}

/** Protect what separates options in fusermount3's list. */
function escapeValue(value: string): string {
  return value.replace(/[\\,]/g, (char) => `\\${char}`)
}

/** The option list for fusermount3. */
export function fusermountOptions(request: MountRequest): string {
  const options = [
    request.ro === true ? 'ro' : 'rw',
    `fsname=${escapeValue(request.source)}`,
    `subtype=${escapeValue(request.subtype)}`,
  ]
  for (const [name] of flagTable) {
    if (name !== 'ro' && request[name] === true && fusermountKnows.has(name)) options.push(name)
  }
  if (request.defaultPermissions) options.push('default_permissions')
  if (request.allowOther) options.push('allow_other')
  return options.join(',')
}
