/**
 * The record that a thread of libfuse keeps its request in while the main thread serves it:
 * `fuse_thread_locals_t` of fuse-native.c (2.2.6, x64). The addon hands over most of it as arguments
 * of the handler, but not all, and not all in full: of a path that is not UTF-8 the bytes, of utimens
 * the modification time, of create the flags; and for replies it takes times in ms and inode numbers
 * of 32 bits. So these are read and written here.
 */
import { fillDirectory, readText, readWord, writeBytes } from '../../../sys/foreign.js'
import type { NativeMemory } from '../../../sys/memory.js'
import { bytesOf } from '../../../util/byte-text.js'

/** Size of the record: what the addon asks room for. */
export const RECORD_BYTES = 360

/** Offsets of the record's fields. */
const RECORD = {
  path: 24,
  dest: 32,
  linkname: 40,
  info: 48,
  buf: 56,
  atime: 104,
  mtime: 112,
  name: 128,
  stat: 168,
  statvfs: 176,
  readdir_filler: 184,
} as const

/** Offset of `writepage` in libfuse 2's `struct fuse_file_info`. */
const WRITE_PAGE = 16

/** What comes in the place of bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'

/** See the file's header. Valid until the request is answered. */
export class RequestRecord {
  /** What the addon knows the record by. */
  readonly handle: Buffer

  constructor(handle: Buffer) {
    this.handle = handle
  }

  /** The bytes of a text argument; the record has them where the argument lost some. */
  #bytes(text: string, field: 'path' | 'dest' | 'name'): string {
    return text.includes(REPLACEMENT) ? readText(this.#pointer(field)) : bytesOf(text)
  }

  #pointer(field: keyof typeof RECORD): number {
    return Number(this.handle.readBigUInt64LE(RECORD[field]))
  }

  /** The request's path, given as the handler's argument. Byte string. */
  path(argument: string): string {
    return this.#bytes(argument, 'path')
  }

  /** The second path of rename, link and symlink. Byte string. */
  destination(argument: string): string {
    return this.#bytes(argument, 'dest')
  }

  /** The name of an extended attribute. Byte string. */
  attributeName(argument: string): string {
    return this.#bytes(argument, 'name')
  }

  /** O_* flags of create. */
  openFlags(): number {
    return readWord(this.#pointer('info'))
  }

  /** Whether a write is the kernel's, of what was written through a mapping. */
  isMappedWrite(): boolean {
    return readWord(this.#pointer('info') + WRITE_PAGE) !== 0
  }

  /** Times of utimens in ms since the epoch; the argument for the second is a copy of the first. */
  timesMs(): { readonly atimeMs: number; readonly mtimeMs: number } {
    return {
      atimeMs: Number(this.handle.readBigInt64LE(RECORD.atime)),
      mtimeMs: Number(this.handle.readBigInt64LE(RECORD.mtime)),
    }
  }

  /** Reply of getattr: a `struct stat` at the start of `memory`. */
  setStat(memory: NativeMemory, sizeBytes: number): void {
    writeBytes(this.#pointer('stat'), memory, sizeBytes)
  }

  /** Reply of statfs: a `struct statvfs` at the start of `memory`. */
  setStatvfs(memory: NativeMemory, sizeBytes: number): void {
    writeBytes(this.#pointer('statvfs'), memory, sizeBytes)
  }

  /** Reply of readlink: a C string at the start of `memory`. */
  setLinkTarget(memory: NativeMemory, sizeBytes: number): void {
    writeBytes(this.#pointer('linkname'), memory, sizeBytes)
  }

  /** Reply of readdir, one entry. Returns 0, or 1 when libfuse takes no more. */
  addEntry(name: string, stat: NativeMemory): number {
    return fillDirectory(this.#pointer('readdir_filler'), this.#pointer('buf'), name, stat)
  }
}
