/**
 * Mounting from the main thread: a worker serves, this thread waits for it to be ready and for its
 * end. Several mounts may live in one process, each with its own worker.
 */
import { Worker } from 'node:worker_threads'
import { fileURLToPath } from 'node:url'
import { AsidePerformer } from './aside/performer.js'
import type { MountOptions } from './config/mount-options.js'
import { unmount } from './fuse/mount/mount.js'
import type { SessionEnd } from './fuse/session/session.js'
import { EBUSY } from './sys/errno.js'
import { realPath } from './sys/mount.js'
import { answers } from './sys/process.js'
import type { WorkerOrder, WorkerReport } from './worker.js'

/** A live mount. */
export interface Mounted {
  readonly mountpoint: string
  readonly warnings: readonly string[]
  /** Private xattrs live in `user.overlay.`. */
  readonly userxattr: boolean
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

  constructor(errno: number, message: string) {
    super(message)
    this.errno = errno
  }
}

/** Program that {@link mount} runs in the worker when it is not told another. */
function defaultWorker(): string {
  return fileURLToPath(new URL('./worker-entry.js', import.meta.url))
}

/**
 * Mount an overlay and serve it from a worker thread of this process. The caller's thread must not
 * touch the mount synchronously before this resolves.
 * @param program file the worker thread runs; it must call `runWorker`
 * @throws MountFailure with the errno and message of what stood in the way; nothing stays behind
 */
export async function mount(options: MountOptions, program?: string): Promise<Mounted> {
  // Absolute, since the current directory may change while the mount lives.
  const mountpoint = realPath(options.mount.mountpoint) ?? options.mount.mountpoint
  const aside = new AsidePerformer()
  const order: WorkerOrder = { options, line: aside.line }
  const worker = new Worker(program ?? defaultWorker(), {
    workerData: order,
    transferList: [aside.line.port],
    stdin: false,
  })
  let ready: (report: WorkerReport & { kind: 'mounted' }) => void = () => undefined
  let fail: (error: Error) => void = () => undefined
  let finish: (end: MountEnd) => void = () => undefined
  const started = new Promise<WorkerReport & { kind: 'mounted' }>((resolve, reject) => {
    ready = resolve
    fail = reject
  })
  const ended = new Promise<MountEnd>((resolve) => {
    finish = resolve
  })
  let last: MountEnd = { end: 'aborted', nodes: -1 }
  worker.on('message', (report: WorkerReport) => {
    if (report.kind === 'mounted') ready(report)
    else if (report.kind === 'failed') fail(new MountFailure(report.errno, report.message))
    else last = { end: report.end, nodes: report.nodes }
  })
  worker.on('error', fail)
  worker.on('exit', () => {
    aside.close()
    fail(new MountFailure(5, 'the file system thread ended before the mount was ready'))
    finish(last)
  })
  const { warnings, userxattr } = await started
  await answers(mountpoint)
  return {
    mountpoint,
    warnings,
    userxattr,
    ended,
    unmount: (how = {}) => {
      unmountNow(mountpoint, how.lazy === true)
      return ended
    },
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
