/** Memory and threads that belong to a C library in this process, reached by address. */
import { type NativeMemory, cstring } from './memory.js'
import { callFillDirectory, native } from './native.js'

export { onThreadEnd } from './native.js'

/** The C string at an address, as bytes (latin1). @precondition the address is not 0 */
export function readText(address: number): string {
  const bytes = Buffer.allocUnsafe(native.strlen(address))
  if (bytes.length > 0) native.memcpy(bytes, address, bytes.length)
  return bytes.latin1Slice()
}

/** The 32-bit word at an address. @precondition the address is not 0 */
export function readWord(address: number): number {
  const bytes = Buffer.allocUnsafe(4)
  native.memcpy(bytes, address, 4)
  return bytes.readInt32LE(0)
}

/** Copy the first `sizeBytes` of `from` to an address that has room for them. */
export function writeBytes(address: number, from: NativeMemory, sizeBytes: number): void {
  native.memcpy(address, from.address, sizeBytes)
}

/**
 * Hand a directory entry to libfuse 2.
 * @param filler address of its `fuse_fill_dir_t`, with the `buffer` it came with
 * @param name bytes (latin1)
 * @param stat a `struct stat`, of which libfuse takes the inode number and the type
 * @returns 0, or 1 when libfuse takes no more
 */
export function fillDirectory(
  filler: number,
  buffer: number,
  name: string,
  stat: NativeMemory,
): number {
  return callFillDirectory(filler, buffer, cstring(name), stat.address)
}
