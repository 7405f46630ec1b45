/**
 * Mounting from the main thread: a server serves, this thread waits for it to be ready and for its
 * end. Several mounts may live in one process, each with its own server.
 */
import { fileURLToPath } from 'node:url'
import type { MountOptions } from './config/mount-options.js'
import { mountOn, unmount } from './fuse/mount/mount.js'
import type { SessionEnd } from './fuse/session/session.js'
import { type TransportName, startServer } from './server.js'
import { EBUSY, EIO } from './sys/errno.js'
import { effectiveIds, realPath } from './sys/mount.js'
import { answers } from './sys/process.js'
import type { WorkerReport } from './worker.js'

/** A live mount. */
export interface Mounted {
  readonly mountpoint: string
  readonly warnings: readonly string[]
  /** Private xattrs live in `user.overlay.`. */
  readonly userxattr: boolean
  /** Who carries requests: what was asked for, or what `auto` came to. */
  readonly transport: TransportName
  /** Settles when the mount is gone and the layers are closed. */
  readonly ended: Promise<MountEnd>
  /** Unmount and wait for the end; `lazy` detaches a mount that is in use. */
  unmount(how?: { readonly lazy?: boolean }): Promise<MountEnd>
}

/** How a mount ended. */
export interface MountEnd {
  readonly end: SessionEnd
  /** Nodes the kernel still held: 1, the root, when every lookup was forgotten. */
  readonly nodes: number
}

/** Why a mount could not be made: an errno, and a message for people. */
export class MountFailure extends Error {
  override readonly name = 'MountFailure'
  /** Positive errno. */
  readonly errno: number
  /** What failed is the way to the kernel: another transport may do. */
  readonly transport: boolean

  constructor(errno: number, message: string, transport = false) {
    super(message)
    this.errno = errno
    this.transport = transport
  }
}

/** Program of the server when {@link mount} is not told another. */
function defaultProgram(): string {
  return fileURLToPath(new URL('./worker-entry.js', import.meta.url))
}

type Ready = WorkerReport & { readonly kind: 'mounted' }

async function mountBy(
  transport: TransportName,
  options: MountOptions,
  program: string,
): Promise<Mounted> {
  // Absolute, since the current directory may change while the mount lives.
  const mountpoint = realPath(options.mount.mountpoint) ?? options.mount.mountpoint
  let ready: (report: Ready) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  let finish: (end: MountEnd) => void = () => undefined
  const started = new Promise<Ready>((resolve) => {
    ready = resolve
  })
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  const ended = new Promise<MountEnd>((resolve) => {
    finish = resolve
  })
  // What fails later than the mount is told by its end.
  failed.catch(() => undefined)
  const heard: { refusal: MountFailure | null; end: MountEnd } = {
    refusal: null,
    end: { end: 'aborted', nodes: -1 },
  }
  startServer(transport, program, options, {
    report: (report) => {
      if (report.kind === 'mounted') ready(report)
      else if (report.kind === 'ended') heard.end = { end: report.end, nodes: report.nodes }
      else {
        heard.refusal = new MountFailure(report.errno, report.message, report.transport)
        fail(heard.refusal)
      }
    },
    lost: fail,
    exited: () => {
      fail(new MountFailure(EIO, 'the file system ended before the mount was ready'))
      finish(heard.end)
    },
  })
  const { warnings, userxattr } = await Promise.race([started, failed])
  try {
    await Promise.race([answers(mountpoint), failed])
  } catch (error) {
    if (mountOn(mountpoint) !== null) unmountNow(mountpoint, true)
    await ended
    throw heard.refusal ?? error
  }
  return {
    mountpoint,
    warnings,
    userxattr,
    transport,
    ended,
    unmount: (how = {}) => {
      unmountNow(mountpoint, how.lazy === true)
      return ended
    },
  }
}

/** Libfuse in the place of the kernel transport, which does not work here. */
async function mountInstead(
  options: MountOptions,
  program: string,
  reason: MountFailure,
): Promise<Mounted> {
  const isRoot = effectiveIds().uid === 0
  const allowOther = options.mount.allowOther && !isRoot
  try {
    const mount = { ...options.mount, allowOther }
    const mounted = await mountBy('libfuse', { ...options, mount }, program)
    const warnings = [...mounted.warnings, `libfuse serves, since: ${reason.message}`]
    if (options.mount.allowOther) warnings.push('through libfuse only root can use the mount')
    return { ...mounted, warnings }
  } catch (error) {
    if (!(error instanceof MountFailure)) throw error
    throw new MountFailure(reason.errno, `${reason.message}; ${error.message}`)
  }
}

/**
 * Mount an overlay and serve it beside this thread: from a worker thread, or, with `transport=libfuse`,
 * from a process of its own. The caller's thread must not touch the mount synchronously before this
 * resolves.
 * @param program file that the worker thread, or the process, runs: `runWorker` in a thread, and
 * `runLibfuseProcess` where SERVE_VARIABLE is in the environment
 * @throws MountFailure with the errno and message of what stood in the way; nothing stays behind
 */
export async function mount(options: MountOptions, program = defaultProgram()): Promise<Mounted> {
  const { transport } = options.mount
  if (transport !== 'auto') return mountBy(transport, options, program)
  try {
    return await mountBy('kernel', options, program)
  } catch (error) {
    if (!(error instanceof MountFailure) || !error.transport) throw error
    return mountInstead(options, program, error)
  }
}

function unmountNow(mountpoint: string, lazy: boolean): void {
  unmount(mountpoint, { lazy })
}

/**
 * Unmount a mount of this process; one that is in use is detached instead, and served until its last
 * user leaves.
 */
export function unmountOrDetach(mounted: Mounted): 'unmounted' | 'detached' {
  try {
    unmountNow(mounted.mountpoint, false)
    return 'unmounted'
  } catch (error) {
    if (!(error instanceof Error && 'errno' in error && error.errno === EBUSY)) throw error
    unmountNow(mounted.mountpoint, true)
    return 'detached'
  }
}
