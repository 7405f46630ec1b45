/**
 * Credentials of the calling thread: new objects are made with the caller's file-system ids while
 * every capability stays, so that they belong to the caller from their first instant.
 */
import { native, orErrno } from './native.js'

const PR_SET_SECUREBITS = 28
const PR_GET_SECUREBITS = 27
const SECBIT_NO_SETUID_FIXUP = 1 << 2

let fsuid = -1
let fsgid = -1
/** The process's own ids, which it never changes once it serves. */
let ownUid = -1
let ownGid = -1
let mask = -1

/**
 * Let this thread change its fsuid without losing capabilities. Call once per thread.
 * @returns 0, or -errno (EPERM without CAP_SETPCAP)
 * @mirrors capabilities(7) SECBIT_NO_SETUID_FIXUP
 */
export function keepCapabilities(): number {
  const bits = orErrno(native.prctl(PR_GET_SECUREBITS, 0, 0, 0, 0))
  if (bits < 0) return bits
  return orErrno(native.prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP, 0, 0, 0))
}

/** Own new objects as `uid`:`gid` from now on. Costs nothing when nothing changes. */
export function actAs(uid: number, gid: number): void {
  if (gid !== fsgid) {
    native.setfsgid(gid)
    fsgid = gid
  }
  if (uid !== fsuid) {
    native.setfsuid(uid)
    fsuid = uid
  }
}

function learnOwnIds(): void {
  ownUid = native.geteuid()
  ownGid = native.getegid()
}

/** Own new objects as the process itself. */
export function actAsSelf(): void {
  if (ownUid < 0) learnOwnIds()
  actAs(ownUid, ownGid)
}

/** Whether the process itself has these ids. */
export function isOwn(uid: number, gid: number): boolean {
  if (ownUid < 0) learnOwnIds()
  return uid === ownUid && gid === ownGid
}

/** Set the umask (process-wide) for the next object. Costs nothing when it is already so. */
export function useUmask(bits: number): void {
  if (bits === mask) return
  native.umask(bits)
  mask = bits
}
