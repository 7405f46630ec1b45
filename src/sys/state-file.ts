/**
 * What is known of live mounts outside their daemons: one small JSON file a mount, named after the
 * mount's device number, in /run/tsoverlayfs or the user's run-time directory.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { env } from 'node:process'
import { native } from './native.js'

/** A live mount's facts. */
export interface MountState {
  readonly pid: number
  readonly mountpoint: string
  /** Effective options, as text. */
  readonly options: string
}

/** Where the files may be: the system's place, then the user's own. */
function directories(): string[] {
  const own = env['XDG_RUNTIME_DIR']
  const places = native.geteuid() === 0 ? ['/run/tsoverlayfs'] : []
  if (own !== undefined && own !== '') places.push(`${own}/tsoverlayfs`)
  return places
}

function fileIn(directory: string, device: string): string {
  return `${directory}/${device.replace(':', '-')}.json`
}

/** Whether an error is the file system's answer, and not a bug. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

/**
 * Write a mount's facts.
 * @param device MAJ:MIN of the mount
 * @returns whether there was a place that could be written
 */
export function writeState(device: string, state: MountState): boolean {
  for (const directory of directories()) {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o755 })
      writeFileSync(fileIn(directory, device), JSON.stringify(state), { mode: 0o644 })
      return true
    } catch (error) {
      // Read-only, or another user's: the next place may do.
      if (!isSystemError(error)) throw error
    }
  }
  return false
}

/** A mount's facts; null when there are none or their daemon is gone. */
export function readState(device: string): MountState | null {
  for (const directory of directories()) {
    try {
      const state = JSON.parse(readFileSync(fileIn(directory, device), 'utf8')) as MountState
      process.kill(state.pid, 0)
      return state
    } catch (error) {
      // No such file, or no such process any more.
      if (!isSystemError(error)) throw error
    }
  }
  return null
}

/** Forget a mount. */
export function removeState(device: string): void {
  for (const directory of directories()) {
    try {
      rmSync(fileIn(directory, device), { force: true })
    } catch (error) {
      // Not a place of ours.
      if (!isSystemError(error)) throw error
    }
  }
}
