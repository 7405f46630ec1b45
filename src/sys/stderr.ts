/** Standard error where C libraries write to it, past everything that Node knows of. */
import { O_RDWR } from './constants.js'
import { FsError } from './errno.js'
import { native, orErrno } from './native.js'
import { cstring } from './memory.js'
import { close, openPath } from './open.js'

const STDERR = 2
const MFD_CLOEXEC = 1
/** The most that is kept of what was written, bytes. */
const KEPT_BYTES = 4096

function mustOpen(fd: number, what: string): number {
  if (fd < 0) throw new FsError(-fd, what)
  return fd
}

/**
 * Run something, and keep what is written to standard error meanwhile.
 * @returns what was written (its begin), and what was thrown, or null
 * @throws FsError when standard error cannot be replaced
 */
export function captureStderr(run: () => void): { said: string; thrown: unknown } {
  const before = mustOpen(orErrno(native.dup(STDERR)), 'dup')
  const memory = mustOpen(orErrno(native.memfdCreate(cstring('stderr'), MFD_CLOEXEC)), 'memfd')
  native.dup2(memory, STDERR)
  let thrown: unknown = null
  try {
    run()
  } catch (error) {
    thrown = error
  }
  native.dup2(before, STDERR)
  close(before)
  const bytes = Buffer.alloc(KEPT_BYTES)
  const length = Math.max(0, native.pread(memory, bytes, KEPT_BYTES, 0))
  close(memory)
  return { said: bytes.latin1Slice(0, length), thrown }
}

/** From now on nothing that is written to standard error is seen. @throws FsError */
export function silenceStderr(): void {
  const nowhere = mustOpen(openPath('/dev/null', O_RDWR), 'open')
  native.dup2(nowhere, STDERR)
  close(nowhere)
}
