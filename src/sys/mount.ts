/** Mounting, unmounting, and the kernel's list of mounts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { cstring, cstring2, NativeMemory } from './memory.js'
import { native, orErrno } from './native.js'

export const MS_RDONLY = 1
export const MS_NOSUID = 2
export const MS_NODEV = 4
export const MS_NOEXEC = 8
export const MS_SYNCHRONOUS = 16
export const MS_REMOUNT = 32
export const MS_DIRSYNC = 128
export const MS_NOATIME = 1024
export const MS_NODIRATIME = 2048
export const MS_RELATIME = 1 << 21
export const MS_STRICTATIME = 1 << 24
export const MS_LAZYTIME = 1 << 25

const MNT_DETACH = 2
const UMOUNT_NOFOLLOW = 8

/** Arguments of mount(2), byte strings. */
export interface MountCall {
  readonly source: string
  readonly target: string
  readonly type: string
  /** MS_* bits. */
  readonly flags: number
  readonly data: string
}

/** @returns 0 or -errno @mirrors mount(2) */
export function mountAt(call: MountCall): number {
  const type = Buffer.from(`${call.type}\0`, 'latin1')
  const data = Buffer.from(`${call.data}\0`, 'latin1')
  const source = cstring(call.source)
  return orErrno(native.mount(source, cstring2(call.target), type, call.flags, data))
}

/**
 * @param how `lazy` detaches at once and lets the last user end the mount
 * @returns 0 or -errno (EBUSY in use, EINVAL not a mount point, EPERM)
 * @mirrors umount2(2)
 */
export function unmountAt(target: string, how: 'now' | 'lazy'): number {
  const flags = UMOUNT_NOFOLLOW | (how === 'lazy' ? MNT_DETACH : 0)
  return orErrno(native.umount2(cstring(target), flags))
}

/** The mounts this process sees, in proc(5)'s mountinfo format, as latin1. */
export function readMountInfo(): string {
  return readFileSync('/proc/self/mountinfo', 'latin1')
}

/** Set the readahead of a mount by its `major:minor`. @throws the error of opening or writing */
export function writeReadahead(device: string, kibibytes: number): void {
  writeFileSync(`/sys/class/bdi/${device}/read_ahead_kb`, String(kibibytes))
}

const PATH_MAX = 4096
const resolved = new NativeMemory(PATH_MAX)

/** The absolute path of what `path` names, symlinks resolved; null where it does not exist. */
export function realPath(path: string): string | null {
  const found = native.realpath(cstring(path), resolved.address)
  if (found === 0) return null
  return resolved.bytes.latin1Slice(0, resolved.bytes.indexOf(0))
}

/** Effective user and group id of the process. */
export function effectiveIds(): { readonly uid: number; readonly gid: number } {
  return { uid: native.geteuid(), gid: native.getegid() }
}
