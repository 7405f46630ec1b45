/**
 * What a mount is told, as data. Paths are byte strings (latin1), used as given: never normalised,
 * and relative ones are meant from the working directory at start.
 */
import type { OverlayOptions } from '../overlay/options.js'

/**
 * Who wrote the option text. `kernel`: mount(8) and `tsoverlayfs mount`, where what is unknown or
 * contradictory is an error, as in kernel overlayfs. `fuse-overlayfs`: container engines, where it
 * is a warning.
 */
export type Dialect = 'kernel' | 'fuse-overlayfs'

/** How access times are kept, as mount(8) names it; `default` leaves it to the kernel. */
export type AtimeMode = 'default' | 'noatime' | 'relatime' | 'strictatime'

/**
 * Who carries requests between the kernel and the overlay: our own session, libfuse 2, or the first of
 * these that works.
 */
export type TransportChoice = 'auto' | 'kernel' | 'libfuse'

/** What concerns the mount in the kernel rather than the overlay. */
export interface MountSettings {
  readonly mountpoint: string
  /** First field of /proc/mounts. */
  readonly source: string
  /** The type is shown as `fuse.<subtype>`. */
  readonly subtype: string
  readonly allowOther: boolean
  readonly allowRoot: boolean
  readonly readOnly: boolean
  readonly suid: boolean
  readonly dev: boolean
  readonly exec: boolean
  readonly atime: AtimeMode
  readonly diratime: boolean
  readonly sync: boolean
  readonly dirsync: boolean
  /** Read-ahead of the kernel, bytes; null = as much as it offers. */
  readonly readAheadBytes: number | null
  readonly transport: TransportChoice
}

/** How the process behaves. */
export interface DaemonSettings {
  /** Stay attached to the caller. */
  readonly foreground: boolean
  /** Trace requests and replies. */
  readonly debug: boolean
}

/** Everything a mount needs. */
export interface MountOptions {
  readonly overlay: OverlayOptions
  readonly mount: MountSettings
  readonly daemon: DaemonSettings
  /** What was ignored or adjusted, for the caller's stderr. */
  readonly warnings: readonly string[]
}
