/**
 * Memory with a known address, for structures and data that system calls read or fill in place, and
 * the scratch areas in which names become NUL-terminated C strings.
 */
import { addressOf } from './native.js'

declare global {
  /** Byte-string access that Node has and its types leave out: one char, one byte. */
  // eslint-disable-next-line @typescript-eslint/no-unused-vars -- merging demands the same parameters
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    latin1Slice(start?: number, end?: number): string
    latin1Write(text: string, offset?: number, length?: number): number
  }
}

/** A zeroed block outside the JavaScript heap: one address, and views of every width over it. */
export class NativeMemory {
  readonly bytes: Buffer
  readonly u32: Uint32Array
  readonly i32: Int32Array
  readonly view: DataView
  /** Address of byte 0; `address + n` is the address of byte n. */
  readonly address: number

  /**
   * @param sizeBytes rounded up to a multiple of 8
   * @param alignBytes power of two that the address is a multiple of
   */
  constructor(sizeBytes: number, alignBytes = 8) {
    const size = (sizeBytes + 7) & ~7
    const store = new ArrayBuffer(alignBytes > 8 ? size + alignBytes : size)
    const skip = alignBytes > 8 ? -addressOf(Buffer.from(store)) & (alignBytes - 1) : 0
    this.bytes = Buffer.from(store, skip, size)
    this.u32 = new Uint32Array(store, skip, size >> 2)
    this.i32 = new Int32Array(store, skip, size >> 2)
    this.view = new DataView(store, skip, size)
    this.address = addressOf(this.bytes)
  }
}

/** One reusable C string. Its content is valid until the next `put`. */
class CString {
  #memory = new NativeMemory(8192)

  /** Store `text` (latin1: one char, one byte) with a final NUL; returns its address. */
  put(text: string): number {
    if (text.length >= this.#memory.bytes.length) {
      this.#memory = new NativeMemory(text.length * 2)
    }
    const { bytes } = this.#memory
    bytes.latin1Write(text, 0)
    bytes[text.length] = 0
    return this.#memory.address
  }
}

const first = new CString()
const second = new CString()

/** Address of `text` as a C string, valid until the next call of this function on this thread. */
export function cstring(text: string): number {
  return first.put(text)
}

/** As {@link cstring}, in a second area: for calls that take two names. */
export function cstring2(text: string): number {
  return second.put(text)
}
