/**
 * The native part of the npm package fuse-native, the only importer of it. The package's JavaScript
 * is left aside: it has no place for names that are not UTF-8, for the modification time of utimens,
 * or for most mount options. What is used here is its addon, which runs libfuse 2 on threads of its
 * own and calls a handler on the main thread for each request.
 *
 * The addon uses the default loop of libuv: it works on a process's main thread alone.
 */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { EOPNOTSUPP } from '../../../sys/errno.js'

/** The version whose records request-record.ts knows. */
const VERSION = '2.2.6'

/** A request of libfuse: its record (see request-record.ts), its operation, and what the latter takes. */
export type AddonHandler = (record: Buffer, opcode: number, ...values: unknown[]) => void

/** Replies with a result alone. */
type Signal = (record: Buffer, result: number) => void
/** Replies with a file handle; 0 is none. */
type OpenSignal = (record: Buffer, result: number, fh: number) => void
/** Replies, and takes the request's buffer away from JavaScript. */
type BufferSignal = (record: Buffer, result: number, buffer: ArrayBufferLike) => void
type DataSignal = (record: Buffer, result: number, count: number, buffer: ArrayBufferLike) => void

/** The operations that are served here. */
export const operationNames = [
  'init',
  'statfs',
  'fgetattr',
  'getattr',
  'flush',
  'fsync',
  'fsyncdir',
  'readdir',
  'truncate',
  'ftruncate',
  'utimens',
  'readlink',
  'chown',
  'chmod',
  'mknod',
  'setxattr',
  'getxattr',
  'listxattr',
  'removexattr',
  'open',
  'read',
  'write',
  'release',
  'create',
  'unlink',
  'rename',
  'link',
  'symlink',
  'mkdir',
  'rmdir',
] as const

/** Name of an operation of libfuse 2. */
export type OperationName = (typeof operationNames)[number]

/** What the addon exports, as far as it is used. */
export interface Addon extends Readonly<Record<`op_${OperationName}`, number>> {
  readonly sizeof_fuse_thread_t: number
  /**
   * Mount, and serve from a thread of its own.
   * @param options an option list that starts with `-o`
   * @param thread `sizeof_fuse_thread_t` bytes, to stay as they are until the thread has ended
   * @param malloc makes the record of one more thread of libfuse, never to be released
   * @param served 35 words: which operations have a handler
   * @throws Error without a reason; libfuse writes one to standard error
   */
  fuse_native_mount(
    mountpoint: string,
    options: string,
    thread: Buffer,
    self: object,
    malloc: (sizeBytes: number) => Buffer,
    handlers: readonly AddonHandler[],
    served: Uint32Array,
  ): void
  /** Let the process end; unmounts nothing. */
  fuse_native_unmount(mountpoint: string, thread: Buffer): void
  /** Replies with a result and nothing else, whatever the operation. */
  readonly fuse_native_signal_access: Signal
  readonly fuse_native_signal_open: OpenSignal
  readonly fuse_native_signal_create: OpenSignal
  readonly fuse_native_signal_read: DataSignal
  readonly fuse_native_signal_write: DataSignal
  readonly fuse_native_signal_getxattr: BufferSignal
  readonly fuse_native_signal_listxattr: BufferSignal
  readonly fuse_native_signal_setxattr: BufferSignal
}

/** Number of operation slots in the addon's tables. */
export const OPERATION_SLOTS = 35

/** Why libfuse cannot be used here, and what to install. */
export class LibfuseUnavailable extends Error {
  override readonly name = 'LibfuseUnavailable'
  /** Positive errno. */
  readonly errno = EOPNOTSUPP
}

function unavailable(reason: string): LibfuseUnavailable {
  return new LibfuseUnavailable(`transport=libfuse: ${reason}`)
}

/** Why loading failed, for people. */
export function explainLoadError(error: unknown): LibfuseUnavailable {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (message.includes('libfuse.so.2')) {
    return unavailable(
      'libfuse.so.2 is missing; install the package libfuse2 (libfuse2t64 from Debian 13 and Ubuntu 24.04 on)',
    )
  }
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    return unavailable(
      `the optional npm package fuse-native is not installed; install the package libfuse2, then run 'npm install fuse-native@${VERSION}'`,
    )
  }
  const [first] = message.split('\n')
  return unavailable(
    `fuse-native's addon does not load: ${String(first)}; install libfuse2, make and g++, then run 'npm rebuild fuse-native'`,
  )
}

/** Where packages are looked for: from the bundle, or from this module. */
function requireHere(): NodeJS.Require {
  return createRequire(typeof __filename === 'string' ? __filename : import.meta.url)
}

/**
 * Load the addon.
 * @throws LibfuseUnavailable naming what is missing
 */
export function loadAddon(): Addon {
  if (process.arch !== 'x64') {
    throw unavailable(`fuse-native is for x64 alone, this is ${process.arch}; use transport=kernel`)
  }
  let addon: Addon
  let version: string
  try {
    const require = requireHere()
    const manifest = require.resolve('fuse-native/package.json')
    version = (require(manifest) as { readonly version: string }).version
    const build = createRequire(manifest)('node-gyp-build') as (directory: string) => Addon
    addon = build(dirname(manifest))
  } catch (error) {
    throw explainLoadError(error)
  }
  if (version !== VERSION) {
    throw unavailable(`fuse-native ${version} is installed, ${VERSION} is the one that is known`)
  }
  return addon
}
