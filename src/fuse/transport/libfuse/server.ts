/**
 * One mount through libfuse 2: made, served, and its end noticed. All of it happens on the main
 * thread, which must never touch the mount itself.
 */
import { EIO, EOPNOTSUPP } from '../../../sys/errno.js'
import { onThreadEnd } from '../../../sys/foreign.js'
import type { Connection, RawFilesystem } from '../../raw-filesystem.js'
import { Adapter } from './adapter.js'
import type { Addon } from './addon.js'
import { makeHandlers } from './handlers.js'
import { LibfuseRefusal, type LibfuseMountRequest, mountArguments } from './mount-options.js'
import { RECORD_BYTES } from './request-record.js'

/** Largest WRITE of libfuse 2. */
const MAX_WRITE_BYTES = 128 * 1024
/** Protocol of libfuse 2.9. */
const MINOR = 19
/** Offset of `thread` in the addon's `fuse_thread_t`. */
const THREAD_AT = 8

/** What the kernel cannot be asked for through libfuse: passthrough, invalidation, late replies. */
const connection: Connection = {
  minor: MINOR,
  flags: 0,
  flags2: 0,
  maxWriteBytes: MAX_WRITE_BYTES,
  openBacking: () => -EOPNOTSUPP,
  closeBacking: () => -EOPNOTSUPP,
  invalidateAttributes: () => -EOPNOTSUPP,
  bumpEpoch: () => -EOPNOTSUPP,
  reply: () => -EOPNOTSUPP,
  // Nothing is parked: nothing long is done aside here.
  retryParked: () => undefined,
}

/** What is told of a mount's life. */
export interface LibfuseEvents {
  /** The kernel has said hello: the mount answers. */
  readonly mounted: () => void
  /** The mount is gone, and the file system is released. */
  readonly ended: () => void
}

/** Records of libfuse's threads: the addon keeps their addresses, so they stay for ever. */
const records: Buffer[] = []

function makeRecord(sizeBytes: number): Buffer {
  if (sizeBytes !== RECORD_BYTES) {
    throw new Error(
      `fuse-native's record has ${String(sizeBytes)} bytes, not ${String(RECORD_BYTES)}`,
    )
  }
  const record = Buffer.alloc(sizeBytes)
  records.push(record)
  return record
}

/**
 * Mount and serve.
 * @throws LibfuseRefusal for what this transport cannot do; a reason that libfuse has is on standard
 * error
 */
export function serveLibfuse(
  addon: Addon,
  request: LibfuseMountRequest,
  filesystem: RawFilesystem,
  events: LibfuseEvents,
): void {
  const { mountpoint, options } = mountArguments(request)
  const adapter = new Adapter(filesystem)
  const thread = Buffer.alloc(addon.sizeof_fuse_thread_t)
  const { handlers, served } = makeHandlers(addon, adapter, () => {
    filesystem.init(connection)
    events.mounted()
  })
  try {
    addon.fuse_native_mount(mountpoint, options, thread, adapter, makeRecord, handlers, served)
  } catch {
    // The addon's error says nothing; libfuse's own words are on standard error.
    throw new LibfuseRefusal('libfuse could not mount', EIO)
  }
  onThreadEnd(Number(thread.readBigUInt64LE(THREAD_AT)), () => {
    adapter.close()
    addon.fuse_native_unmount(mountpoint, thread)
    events.ended()
  })
}
