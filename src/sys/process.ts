/** The process as a daemon: session, descriptors, stdio, readiness. */
import { readFileSync, promises, writeSync, closeSync, fstatSync, readlinkSync } from 'node:fs'
import { native, orErrno } from './native.js'

/** Leave the caller's session and process group. Returns the session id or -errno (EPERM: leader). */
export function newSession(): number {
  return orErrno(native.setsid())
}

/** Set the process's umask. */
export function setUmask(mask: number): void {
  native.umask(mask)
}

/**
 * Close descriptors that came from the caller.
 * @param numbers as the launcher listed them; 0 to 2 are left alone
 * @param keep one that stays
 */
export function closeInherited(numbers: readonly number[], keep: number): void {
  for (const fd of numbers) if (fd > 2 && fd !== keep) native.close(fd)
}

/** Write all of `text` to a descriptor. @throws the error of write(2) */
export function writeText(fd: number, text: string): void {
  writeSync(fd, text)
}

/** Close a descriptor that Node knows nothing of. */
export function closeFd(fd: number): void {
  closeSync(fd)
}

/** Wait until the file system at a path (latin1) answers. @throws the error of statfs(2) */
export async function answers(path: string): Promise<void> {
  await promises.statfs(Buffer.from(path, 'latin1'))
}

/** The words of this process's command line as byte strings (latin1), the program's own first. */
export function commandLine(): string[] {
  return readFileSync('/proc/self/cmdline', 'latin1').split('\0').slice(0, -1)
}

/** Whether two descriptors are the same open pipe or file. */
export function isSameFile(a: number, b: number): boolean {
  const left = fstatSync(a)
  const right = fstatSync(b)
  return left.ino === right.ino && left.dev === right.dev
}

/** What a descriptor of ours refers to. */
export function describeFd(fd: number): string {
  return readlinkSync(`/proc/self/fd/${String(fd)}`)
}

/** End this process at once, without waiting for threads that are blocked in a system call. */
export function exitHard(code: number): never {
  return native.exitNow(code)
}
