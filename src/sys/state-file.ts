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

function directory(): string {
  if (native.geteuid() === 0) return '/run/tsoverlayfs'
  return `${env['XDG_RUNTIME_DIR'] ?? '/tmp'}/tsoverlayfs`
}

function fileOf(device: string): string {
  return `${directory()}/${device.replace(':', '-')}.json`
}

/** Write a mount's facts. @param device MAJ:MIN of the mount @throws the error of writing */
export function writeState(device: string, state: MountState): void {
  mkdirSync(directory(), { recursive: true, mode: 0o755 })
  writeFileSync(fileOf(device), JSON.stringify(state), { mode: 0o644 })
}

/** A mount's facts; null when there are none or their daemon is gone. */
export function readState(device: string): MountState | null {
  try {
    const state = JSON.parse(readFileSync(fileOf(device), 'utf8')) as MountState
    process.kill(state.pid, 0)
    return state
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EPERM') return null
    if (error instanceof Error && 'code' in error) {
      if (error.code === 'ENOENT' || error.code === 'ESRCH') return null
    }
    throw error
  }
}

/** Forget a mount. */
export function removeState(device: string): void {
  rmSync(fileOf(device), { force: true })
}
