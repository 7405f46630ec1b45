/**
 * INIT negotiation: what the kernel offers and what the caller wants become the one answer that
 * fixes the connection's protocol. Pure; the session reads the request and writes the reply.
 * @mirrors fs/fuse/inode.c:process_init_reply()
 */
import type { NativeMemory } from '../../sys/memory.js'
import {
  FUSE_KERNEL_MINOR_VERSION,
  FUSE_KERNEL_VERSION,
  FUSE_OLDEST_MINOR_VERSION,
  INIT_IN,
  INIT_OUT,
  INIT_OUT_SIZE,
  REQUEST_OVERHEAD,
} from '../protocol/abi.js'
import {
  FUSE_INIT_EXT,
  FUSE_MAX_PAGES,
  FUSE_PASSTHROUGH,
  acceptedInitFlags,
  hasInitFlag,
  initFlagNames,
} from '../protocol/flags/init.js'
import type { RequestReader } from '../protocol/reader.js'

/** What the mount wants of the connection. */
export interface InitParameters {
  /** Have the kernel check POSIX ACLs; right only if the upper file system stores them. */
  readonly posixAcl: boolean
  /** Ask for passthrough, with this many layers of stacking below it (1 or 2); 0 = do not ask. */
  readonly passthroughStackDepth: 0 | 1 | 2
  /** Largest WRITE, and READ, in bytes: a multiple of the page size. */
  readonly maxWriteBytes: number
  readonly maxReadaheadBytes: number
  /** Background requests (readahead, RELEASE) the kernel keeps under way. */
  readonly maxBackground: number
  readonly congestionThreshold: number
}

/** Measured values; posixAcl and passthrough depend on the layers. */
export const defaultInitParameters: InitParameters = {
  posixAcl: false,
  passthroughStackDepth: 0,
  maxWriteBytes: 1024 * 1024,
  maxReadaheadBytes: 1024 * 1024,
  maxBackground: 64,
  congestionThreshold: 48,
}

/** The kernel's side of INIT. */
export interface InitOffer {
  readonly major: number
  readonly minor: number
  readonly maxReadaheadBytes: number
  readonly flags: number
  readonly flags2: number
}

/** Our side of INIT. */
export interface InitAnswer {
  readonly minor: number
  readonly flags: number
  readonly flags2: number
  readonly maxReadaheadBytes: number
  readonly maxWriteBytes: number
  readonly maxPages: number
  readonly maxBackground: number
  readonly congestionThreshold: number
  readonly maxStackDepth: number
}

/**
 * Outcome of INIT: an answer; `renegotiate`, our version alone, upon which a kernel with a newer
 * major sends INIT again; or a refusal.
 */
export type InitOutcome =
  | { readonly kind: 'agreed'; readonly answer: InitAnswer }
  | { readonly kind: 'renegotiate' }
  | { readonly kind: 'refused'; readonly message: string }

/** The kernel's protocol is one we do not speak. */
export class ProtocolVersionError extends Error {
  override readonly name = 'ProtocolVersionError'
}

/** Pages of a request without FUSE_MAX_PAGES. */
const DEFAULT_MAX_PAGES = 32
/** max_pages is a 16-bit field. */
const LARGEST_MAX_PAGES = 0xffff

/** Bytes of the buffer that holds any request under these parameters. */
export function requestBufferSize(parameters: InitParameters): number {
  return parameters.maxWriteBytes + REQUEST_OVERHEAD
}

/** Read the kernel's offer. @precondition the body has at least the 8 bytes of the table */
export function readInitOffer(request: RequestReader): InitOffer {
  const room = request.bodySize
  const word = (offset: number) => (offset + 4 <= room ? request.u32(offset) : 0)
  const flags = word(INIT_IN.flags)
  return {
    major: word(INIT_IN.major),
    minor: word(INIT_IN.minor),
    maxReadaheadBytes: word(INIT_IN.max_readahead),
    flags,
    // Kernels without INIT_EXT send nothing, or nothing meaningful, behind `flags`.
    flags2: hasInitFlag(flags, 0, FUSE_INIT_EXT) ? word(INIT_IN.flags2) : 0,
  }
}

function wantedFlags(parameters: InitParameters): { flags: number; flags2: number } {
  let flags = 0
  let flags2 = 0
  for (const { bit, when } of acceptedInitFlags) {
    if (when === 'posixAcl' && !parameters.posixAcl) continue
    if (when === 'passthrough' && parameters.passthroughStackDepth === 0) continue
    if (bit < 32) flags |= 1 << bit
    else flags2 |= 1 << (bit - 32)
  }
  return { flags: flags >>> 0, flags2: flags2 >>> 0 }
}

/**
 * Decide the answer to an offer.
 * @param pageSizeBytes the unit of max_pages
 */
export function negotiate(
  offer: InitOffer,
  parameters: InitParameters,
  pageSizeBytes: number,
): InitOutcome {
  if (offer.major > FUSE_KERNEL_VERSION) return { kind: 'renegotiate' }
  if (offer.major < FUSE_KERNEL_VERSION || offer.minor < FUSE_OLDEST_MINOR_VERSION) {
    const theirs = `${String(offer.major)}.${String(offer.minor)}`
    return {
      kind: 'refused',
      message: `the kernel speaks FUSE ${theirs}; 7.${String(FUSE_OLDEST_MINOR_VERSION)} (Linux 5.4) or later is needed`,
    }
  }
  const wanted = wantedFlags(parameters)
  const flags = (wanted.flags & offer.flags) >>> 0
  const flags2 = (wanted.flags2 & offer.flags2) >>> 0
  const maxPages = hasInitFlag(flags, 0, FUSE_MAX_PAGES)
    ? Math.min(Math.max(1, Math.floor(parameters.maxWriteBytes / pageSizeBytes)), LARGEST_MAX_PAGES)
    : DEFAULT_MAX_PAGES
  const answer: InitAnswer = {
    minor: Math.min(offer.minor, FUSE_KERNEL_MINOR_VERSION),
    flags,
    flags2,
    maxReadaheadBytes: parameters.maxReadaheadBytes,
    maxWriteBytes: Math.min(parameters.maxWriteBytes, maxPages * pageSizeBytes),
    maxPages,
    maxBackground: parameters.maxBackground,
    congestionThreshold: parameters.congestionThreshold,
    maxStackDepth: hasInitFlag(flags, flags2, FUSE_PASSTHROUGH)
      ? parameters.passthroughStackDepth
      : 0,
  }
  return { kind: 'agreed', answer }
}

/** Write struct fuse_init_out with an answer; returns its size. */
export function putInitAnswer(memory: NativeMemory, at: number, answer: InitAnswer): number {
  putInitVersion(memory, at)
  const { u32, view } = memory
  u32[(at + INIT_OUT.minor) >> 2] = answer.minor
  u32[(at + INIT_OUT.max_readahead) >> 2] = answer.maxReadaheadBytes
  u32[(at + INIT_OUT.flags) >> 2] = answer.flags
  view.setUint16(at + INIT_OUT.max_background, answer.maxBackground, true)
  view.setUint16(at + INIT_OUT.congestion_threshold, answer.congestionThreshold, true)
  u32[(at + INIT_OUT.max_write) >> 2] = answer.maxWriteBytes
  u32[(at + INIT_OUT.time_gran) >> 2] = 1
  view.setUint16(at + INIT_OUT.max_pages, answer.maxPages, true)
  u32[(at + INIT_OUT.flags2) >> 2] = answer.flags2
  u32[(at + INIT_OUT.max_stack_depth) >> 2] = answer.maxStackDepth
  return INIT_OUT_SIZE
}

/** Write struct fuse_init_out with our version only; returns its size. */
export function putInitVersion(memory: NativeMemory, at: number): number {
  memory.u32.fill(0, at >> 2, (at + INIT_OUT_SIZE) >> 2)
  memory.u32[(at + INIT_OUT.major) >> 2] = FUSE_KERNEL_VERSION
  memory.u32[(at + INIT_OUT.minor) >> 2] = FUSE_KERNEL_MINOR_VERSION
  return INIT_OUT_SIZE
}

/** Names of the set capabilities, joined by `|`. */
export function showInitFlags(flags: number, flags2: number): string {
  const shown: string[] = []
  for (let bit = 0; bit < 64; bit++) {
    if (hasInitFlag(flags, flags2, bit)) shown.push(initFlagNames.get(bit) ?? `bit ${String(bit)}`)
  }
  return shown.join('|')
}
