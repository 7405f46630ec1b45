/**
 * The process that serves one mount through libfuse 2, whose addon works on a main thread alone. It is
 * a child of the process that mounts, hears from it what to mount, and ends with the mount; when its
 * parent is gone, so is the mount.
 */
import { SameThreadAside } from './aside/same-thread.js'
import type { MountOptions } from './config/mount-options.js'
import { checkMountpoint } from './fuse/mount/mount.js'
import { loadAddon } from './fuse/transport/libfuse/addon.js'
import { LibfuseRefusal } from './fuse/transport/libfuse/mount-options.js'
import { serveLibfuse } from './fuse/transport/libfuse/server.js'
import { openOverlay } from './overlay/overlay.js'
import { detachMeanwhile } from './sys/mount.js'
import { exitHard } from './sys/process.js'
import { silenceStderr } from './sys/stderr.js'
import { type WorkerReport, failureOf, warmUp } from './worker.js'

function tellParent(report: WorkerReport, then?: () => void): void {
  process.send?.(report, undefined, undefined, () => then?.())
}

/** Passing files through needs the kernel's own session: never here, and an error where it must be. */
function overlayOptions(options: MountOptions): MountOptions['overlay'] {
  const { passthrough } = options.overlay
  if (passthrough === 'all' || passthrough === 'upper') {
    throw new LibfuseRefusal(
      `passthrough=${passthrough} is not possible; use passthrough=off, or transport=kernel`,
    )
  }
  return {
    ...options.overlay,
    passthrough: 'off',
    mountpoint: options.mount.mountpoint,
  }
}

/**
 * Serve a mount on this, the main thread, which must not touch the mount itself.
 * @param onThread told how many threads libfuse has started
 * @returns where it is mounted
 * @throws what stands in the way; nothing stays behind
 */
export function serveThroughLibfuse(
  options: MountOptions,
  report: (report: WorkerReport) => void,
  onThread: (count: number) => void = () => undefined,
): string {
  const addon = loadAddon()
  const mountpoint = checkMountpoint(options.mount.mountpoint)
  const aside = new SameThreadAside()
  const overlay = openOverlay(overlayOptions(options), aside)
  try {
    const request = { ...options.mount, mountpoint, timeoutSec: options.overlay.timeoutSec }
    serveLibfuse(addon, request, overlay.filesystem, {
      mounted: () => {
        const { warnings } = overlay
        report({ kind: 'mounted', warnings, userxattr: overlay.options.userxattr === true })
      },
      thread: onThread,
      ended: () => {
        aside.close()
        const nodes = overlay.nodeCount()
        overlay.close()
        report({ kind: 'ended', end: 'unmounted', nodes })
      },
    })
    return mountpoint
  } catch (error) {
    overlay.close()
    throw error
  }
}

/**
 * libfuse has a thread for every request under way, and ends those beyond ten that are idle. What the
 * addon keeps of a thread stays for ever, and each request looks at all of it; so with this many, none
 * of which ever ends, no more are started. One is all that is needed: requests are served in turn.
 */
const MOST_THREADS = 8
/** Where libfuse looks for the size of a new thread's stack. */
const STACK_VARIABLE = 'FUSE_THREAD_STACK'
/** A size that no thread can have. */
const NO_STACK = '-1'

function limitThreads(count: number): void {
  if (count !== MOST_THREADS) return
  process.env[STACK_VARIABLE] = NO_STACK
  // libfuse complains of each thread it could not start.
  if (process.env['DEBUG'] === undefined) silenceStderr()
}

function serve(options: MountOptions): void {
  const report = (each: WorkerReport): void => {
    tellParent(each, each.kind === 'ended' ? () => exitHard(0) : undefined)
  }
  const mountpoint = serveThroughLibfuse(options, report, limitThreads)
  process.on('disconnect', () => {
    detachMeanwhile(mountpoint, () => exitHard(1))
  })
  process.on('uncaughtException', (error) => {
    tellParent(failureOf(error), () => exitHard(1))
  })
}

/** Wait for the options of a mount, and serve it to its end. */
export function runLibfuseProcess(): void {
  warmUp()
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGPIPE'] as const) {
    // Sent to the whole group; the parent unmounts.
    process.on(signal, () => undefined)
  }
  process.once('message', (options: MountOptions) => {
    try {
      serve(options)
    } catch (error) {
      tellParent(failureOf(error), () => exitHard(1))
    }
  })
}
