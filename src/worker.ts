/**
 * The thread that is the file system: opens the layers, mounts, and serves requests until the mount
 * goes. It never waits for anything but the next request; the main thread watches over it.
 */
import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import type { AsideLine } from './aside/messages.js'
import { AsideRequester } from './aside/requester.js'
import type { MountOptions } from './config/mount-options.js'
import { HelperMissing } from './fuse/mount/mount-error.js'
import { mountFuse } from './fuse/mount/mount.js'
import { ProtocolVersionError } from './fuse/session/init.js'
import { Session, type SessionEnd } from './fuse/session/session.js'
import { openDevFuseTransport } from './fuse/transport/dev-fuse.js'
import { genericOptions } from './generic-options.js'
import { openOverlay } from './overlay/overlay.js'
import { EIO } from './sys/errno.js'
import { close } from './sys/open.js'

/** What the worker is started with. */
export interface WorkerOrder {
  readonly options: MountOptions
  /** To whoever does long work; null = nobody. */
  readonly line: AsideLine | null
}

/** What the worker tells the main thread. */
export type WorkerReport =
  | { readonly kind: 'mounted'; readonly warnings: readonly string[]; readonly userxattr: boolean }
  | {
      readonly kind: 'failed'
      readonly message: string
      readonly errno: number
      /** What failed is the way to the kernel: another transport may do. */
      readonly transport: boolean
    }
  | { readonly kind: 'ended'; readonly end: SessionEnd; readonly nodes: number }

function serve(
  options: MountOptions,
  report: (message: WorkerReport) => void,
  line: AsideLine | null,
): void {
  let session: Session | null = null
  const aside =
    line === null
      ? null
      : new AsideRequester(line, (fd) => {
          if (session !== null) session.pollFd = fd
        })
  const overlay = openOverlay({ ...options.overlay, mountpoint: options.mount.mountpoint }, aside)
  try {
    const { mount } = options
    const device = mountFuse({
      mountpoint: mount.mountpoint,
      source: mount.source,
      subtype: mount.subtype,
      allowOther: mount.allowOther || mount.allowRoot,
      defaultPermissions: true,
      ...genericOptions(mount),
    })
    report({
      kind: 'mounted',
      warnings: overlay.warnings,
      userxattr: overlay.options.userxattr === true,
    })
    session = new Session({
      transport: openDevFuseTransport(device.fd),
      filesystem: overlay.filesystem,
      init: {
        posixAcl: overlay.acl,
        passthroughStackDepth: options.overlay.passthrough === 'off' ? 0 : 1,
        ...(mount.readAheadBytes === null ? {} : { maxReadaheadBytes: mount.readAheadBytes }),
      },
      ...(mount.allowRoot && !mount.allowOther ? { onlyUid: process.geteuid?.() ?? 0 } : {}),
    })
    session.onPoll = () => aside?.collect()
    const end = runToEnd(session, device.fd)
    report({ kind: 'ended', end, nodes: overlay.nodeCount() })
  } finally {
    overlay.close()
  }
}

/** The kernel gives up on a connection once its descriptor is closed. */
function runToEnd(session: Session, fd: number): SessionEnd {
  try {
    return session.run()
  } finally {
    close(fd)
  }
}

/** What stood in the way, for the main thread. */
export function failureOf(error: unknown): WorkerReport & { readonly kind: 'failed' } {
  return {
    kind: 'failed',
    errno: error instanceof Error && 'errno' in error ? Number(error.errno) : EIO,
    message: error instanceof Error ? error.message : String(error),
    transport: error instanceof HelperMissing || error instanceof ProtocolVersionError,
  }
}

function tellParent(report: WorkerReport): void {
  parentPort?.postMessage(report)
}

/**
 * A mount's life is often short, and each of its operations is many small functions: have them
 * compiled without ado as they are first called, and optimised only when they have proven hot: at the
 * start, the optimiser takes more time than it saves.
 */
function warmUp(): void {
  setFlagsFromString('--always-sparkplug')
  setFlagsFromString('--interrupt-budget=300000')
}

/**
 * Run one mount in this thread, from its options (in `workerData` unless given) to its end. A thread
 * may run one mount after another.
 */
export function runWorker(
  { options, line }: WorkerOrder = workerData as WorkerOrder,
  report: (report: WorkerReport) => void = tellParent,
): void {
  warmUp()
  try {
    serve(options, report, line)
  } catch (error) {
    report(failureOf(error))
  }
}
