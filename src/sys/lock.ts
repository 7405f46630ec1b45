/** flock(2): whole-file locks that die with their descriptor. */
import { native, orErrno } from './native.js'

const LOCK_SH = 1
const LOCK_EX = 2
const LOCK_NB = 4

/** Take the exclusive lock if nobody holds any; says whether it did. @mirrors flock(2) */
export function tryExclusiveLock(fd: number): boolean {
  return native.flock(fd, LOCK_EX | LOCK_NB) === 0
}

/**
 * Hold a shared lock (in place of an exclusive one of ours), waiting for an exclusive one to end.
 * @returns 0 or -errno
 * @mirrors flock(2)
 */
export function takeSharedLock(fd: number): number {
  return orErrno(native.flock(fd, LOCK_SH))
}
