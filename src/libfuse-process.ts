/**
 * The process that serves one mount through libfuse 2, whose addon works on a main thread alone. It is
 * a child of the process that mounts, hears from it what to mount, and ends with the mount; when its
 * parent is gone, so is the mount.
 */
import type { MountOptions } from './config/mount-options.js'
import { checkMountpoint, unmount } from './fuse/mount/mount.js'
import { loadAddon } from './fuse/transport/libfuse/addon.js'
import { LibfuseRefusal } from './fuse/transport/libfuse/mount-options.js'
import { serveLibfuse } from './fuse/transport/libfuse/server.js'
import { openOverlay } from './overlay/overlay.js'
import { exitHard } from './sys/process.js'
import { type WorkerReport, failureOf } from './worker.js'

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
 * @returns where it is mounted
 * @throws what stands in the way; nothing stays behind
 */
export function serveThroughLibfuse(
  options: MountOptions,
  report: (report: WorkerReport) => void,
): string {
  const addon = loadAddon()
  const mountpoint = checkMountpoint(options.mount.mountpoint)
  const overlay = openOverlay(overlayOptions(options))
  try {
    const request = { ...options.mount, mountpoint, timeoutSec: options.overlay.timeoutSec }
    serveLibfuse(addon, request, overlay.filesystem, {
      mounted: () => {
        const { warnings } = overlay
        report({ kind: 'mounted', warnings, userxattr: overlay.options.userxattr === true })
      },
      ended: () => {
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

function serve(options: MountOptions): void {
  const mountpoint = serveThroughLibfuse(options, (report) => {
    tellParent(report, report.kind === 'ended' ? () => exitHard(0) : undefined)
  })
  process.on('disconnect', () => {
    try {
      unmount(mountpoint, { lazy: true })
    } finally {
      exitHard(1)
    }
  })
}

/** Wait for the options of a mount, and serve it to its end. */
export function runLibfuseProcess(): void {
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
