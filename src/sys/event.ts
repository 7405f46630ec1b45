/** An eventfd: one thread wakes another that waits in poll(2). */
import { NativeMemory } from './memory.js'
import { native, orErrno } from './native.js'

const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000

const counter = new NativeMemory(8)

/** Make one. Returns the descriptor or -errno. @mirrors eventfd(2) */
export function openEvent(): number {
  return orErrno(native.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
}

/** Let it be readable. Returns 0 or -errno. */
export function signalEvent(fd: number): number {
  counter.u32[0] = 1
  counter.u32[1] = 0
  const written = orErrno(native.write(fd, counter.address, 8))
  return written < 0 ? written : 0
}

/** Let it be unreadable until the next signal; 0 or -errno (EAGAIN when nobody signalled). */
export function clearEvent(fd: number): number {
  const got = orErrno(native.read(fd, counter.address, 8))
  return got < 0 ? got : 0
}
