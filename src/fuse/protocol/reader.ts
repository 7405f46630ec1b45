/**
 * Reads a request in the buffer it arrived in. A message that is too short or malformed gives a
 * typed result (a verdict, `null` for a name), never an exception and never a byte of an earlier
 * message. 64-bit numbers are combined from halves: exact below 2^53, which holds for node ids and
 * handles (they are ours) and is checked by the handlers where the kernel chooses the value.
 *
 * Offsets are those of abi.ts, counted from the start of the body.
 */
import type { RequestContext } from '../raw-filesystem.js'
import type { NativeMemory } from '../../sys/memory.js'
import { IN_HEADER, IN_HEADER_SIZE } from './abi.js'

/** Whether a message can be served: `runt` lacks a header, `length` disagrees with its own. */
export type Verdict = 'ok' | 'runt' | 'length'

const TWO_32 = 4294967296
const NUL = 0
const SLASH = 0x2f
const DOT = 0x2e

/** The request being served; one instance is used for all. */
export class RequestReader {
  readonly memory: NativeMemory
  readonly context: RequestContext = {
    opcode: 0,
    uniqueLo: 0,
    uniqueHi: 0,
    uid: 0,
    gid: 0,
    pid: 0,
    resent: false,
  }
  nodeid = 0
  /** Bytes after the header, extensions included. */
  bodySize = 0
  /** Body offset behind the NUL of the name read last. */
  nameEnd = 0

  constructor(memory: NativeMemory) {
    this.memory = memory
  }

  /**
   * Take up the message in the buffer and decode its header.
   * @param received bytes the transport delivered
   */
  begin(received: number): Verdict {
    if (received < IN_HEADER_SIZE) return 'runt'
    const { u32 } = this.memory
    const { context } = this
    context.opcode = u32[IN_HEADER.opcode >> 2] ?? 0
    context.uniqueLo = u32[IN_HEADER.unique >> 2] ?? 0
    context.uniqueHi = u32[(IN_HEADER.unique >> 2) + 1] ?? 0
    context.resent = context.uniqueHi >= 0x80000000
    context.uid = u32[IN_HEADER.uid >> 2] ?? 0
    context.gid = u32[IN_HEADER.gid >> 2] ?? 0
    context.pid = u32[IN_HEADER.pid >> 2] ?? 0
    this.nodeid =
      (u32[(IN_HEADER.nodeid >> 2) + 1] ?? 0) * TWO_32 + (u32[IN_HEADER.nodeid >> 2] ?? 0)
    this.bodySize = received - IN_HEADER_SIZE
    this.nameEnd = 0
    return u32[IN_HEADER.len >> 2] === received ? 'ok' : 'length'
  }

  /** @precondition offset + 4 <= bodySize, offset a multiple of 4 */
  u32(offset: number): number {
    return this.memory.u32[(IN_HEADER_SIZE + offset) >> 2] ?? 0
  }

  /** Unsigned 64 bits as a number, exact below 2^53. @precondition offset + 8 <= bodySize */
  u64(offset: number): number {
    const { u32 } = this.memory
    const at = (IN_HEADER_SIZE + offset) >> 2
    return (u32[at + 1] ?? 0) * TWO_32 + (u32[at] ?? 0)
  }

  /** Signed 64 bits as a number, exact within 2^53. @precondition offset + 8 <= bodySize */
  s64(offset: number): number {
    const { u32, i32 } = this.memory
    const at = (IN_HEADER_SIZE + offset) >> 2
    return (i32[at + 1] ?? 0) * TWO_32 + (u32[at] ?? 0)
  }

  /**
   * The NUL-terminated byte string at `offset`, as latin1; null when the message ends before its
   * NUL. Sets {@link nameEnd}.
   */
  text(offset: number): string | null {
    const { bytes } = this.memory
    const start = IN_HEADER_SIZE + offset
    const limit = IN_HEADER_SIZE + this.bodySize
    let end = start
    while (end < limit && bytes[end] !== NUL) end++
    if (end >= limit) return null
    this.nameEnd = end + 1 - IN_HEADER_SIZE
    return bytes.latin1Slice(start, end)
  }

  /**
   * A name within a directory: as {@link text}, but null also for what no directory can hold: the
   * empty name, `.`, `..`, and anything with a slash.
   */
  component(offset: number): string | null {
    const { bytes } = this.memory
    const start = IN_HEADER_SIZE + offset
    const limit = IN_HEADER_SIZE + this.bodySize
    let end = start
    while (end < limit) {
      const byte = bytes[end]
      if (byte === NUL) break
      if (byte === SLASH) return null
      end++
    }
    if (end >= limit || end === start) return null
    if (bytes[start] === DOT && isDots(end - start, bytes[start + 1])) return null
    this.nameEnd = end + 1 - IN_HEADER_SIZE
    return bytes.latin1Slice(start, end)
  }
}

function isDots(length: number, second: number | undefined): boolean {
  return length === 1 || (length === 2 && second === DOT)
}
