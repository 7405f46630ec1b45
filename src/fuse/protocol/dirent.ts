/**
 * The records of READDIR and READDIRPLUS, written straight into the reply buffer, and the way back
 * over them when a reply with counted lookups could not be delivered.
 */
import type { DirentPlusSink, DirentSink, Entry } from '../raw-filesystem.js'
import type { NativeMemory } from '../../sys/memory.js'
import { DIRENT, DIRENTPLUS_SIZE, DIRENT_SIZE, ENTRY_OUT, ENTRY_OUT_SIZE } from './abi.js'
import { put64, putEntry } from './writer.js'

const TWO_32 = 4294967296

/** Round up to the 8 bytes records are padded to. */
function align8(size: number): number {
  return (size + 7) & ~7
}

/** Write one struct fuse_dirent with its name and padding; returns its size. */
function putDirent(
  memory: NativeMemory,
  at: number,
  name: string,
  inoLo: number,
  inoHi: number,
  type: number,
  cookie: number,
): number {
  const { u32, bytes } = memory
  const size = align8(DIRENT_SIZE + name.length)
  // The padding lies in the last 8 bytes; header and name then overwrite their part of them.
  u32[(at + size - 8) >> 2] = 0
  u32[(at + size - 4) >> 2] = 0
  u32[(at + DIRENT.ino) >> 2] = inoLo
  u32[((at + DIRENT.ino) >> 2) + 1] = inoHi
  put64(memory, at + DIRENT.off, cookie)
  u32[(at + DIRENT.namelen) >> 2] = name.length
  u32[(at + DIRENT.type) >> 2] = type
  bytes.latin1Write(name, at + DIRENT.name)
  return size
}

/** Sink of READDIR over a stretch of the reply buffer. */
export class DirentWriter implements DirentSink {
  readonly #memory: NativeMemory
  #at = 0
  #start = 0
  #end = 0

  constructor(memory: NativeMemory) {
    this.#memory = memory
  }

  /** Start over at byte `start`, with room for `size` bytes. */
  begin(start: number, size: number): void {
    this.#at = start
    this.#start = start
    this.#end = Math.min(start + size, this.#memory.bytes.length)
  }

  /** Bytes written since {@link begin}. */
  get used(): number {
    return this.#at - this.#start
  }

  hasRoom(nameLength: number): boolean {
    return this.#at + align8(DIRENT_SIZE + nameLength) <= this.#end
  }

  add(name: string, inoLo: number, inoHi: number, type: number, cookie: number): void {
    if (!this.hasRoom(name.length)) throw new RangeError('READDIR record added without room')
    this.#at += putDirent(this.#memory, this.#at, name, inoLo, inoHi, type, cookie)
  }
}

/** Sink of READDIRPLUS over a stretch of the reply buffer. */
export class DirentPlusWriter implements DirentPlusSink {
  readonly #memory: NativeMemory
  #at = 0
  #start = 0
  #end = 0

  constructor(memory: NativeMemory) {
    this.#memory = memory
  }

  /** Start over at byte `start`, with room for `size` bytes. */
  begin(start: number, size: number): void {
    this.#at = start
    this.#start = start
    this.#end = Math.min(start + size, this.#memory.bytes.length)
  }

  /** Bytes written since {@link begin}. */
  get used(): number {
    return this.#at - this.#start
  }

  hasRoom(nameLength: number): boolean {
    return this.#at + align8(DIRENTPLUS_SIZE + nameLength) <= this.#end
  }

  add(name: string, entry: Entry, cookie: number): void {
    if (!this.hasRoom(name.length)) throw new RangeError('READDIRPLUS record added without room')
    const { inoLo, inoHi, mode } = entry.attributes
    putEntry(this.#memory, this.#at, entry)
    const dirent = this.#at + ENTRY_OUT_SIZE
    // S_IFMT >> 12 is the DT_* number.
    const type = (mode >> 12) & 0xf
    const size = putDirent(this.#memory, dirent, name, inoLo, inoHi, type, cookie)
    this.#at += ENTRY_OUT_SIZE + size
  }

  /**
   * Take the records back: call `undo` with the node id of each that counted a lookup, and forget
   * them all.
   */
  withdraw(undo: (nodeid: number) => void): void {
    const { u32 } = this.#memory
    const end = this.#at
    this.#at = this.#start
    for (let at = this.#start; at < end;) {
      const word = (at + ENTRY_OUT.nodeid) >> 2
      const nodeid = (u32[word + 1] ?? 0) * TWO_32 + (u32[word] ?? 0)
      const nameLength = u32[(at + ENTRY_OUT_SIZE + DIRENT.namelen) >> 2] ?? 0
      if (nodeid !== 0) undo(nodeid)
      at += align8(DIRENTPLUS_SIZE + nameLength)
    }
  }
}
