/**
 * Named places between the steps of a multi-step operation, where the fault suite stops the daemon.
 * Without TSOVERLAYFS_FAILPOINT in the environment, which nothing sets in normal use, reaching one
 * costs a comparison.
 */
import { env, kill, pid } from 'node:process'

/** Every place where an operation can be stopped. */
export type FailpointName =
  | 'copy-up:build'
  | 'copy-up:install'
  | 'copy-up:parent-times'
  | 'create:over-whiteout'
  | 'create:opaque'
  | 'create:exchanged'
  | 'remove:whiteout'
  | 'remove:exchanged'
  | 'remove:cleanup'
  | 'clear-empty:built'
  | 'clear-empty:exchanged'
  | 'rename:copied-up'
  | 'rename:marked'
  | 'rename:moved'
  | 'rename:cleanup'

const armed = env['TSOVERLAYFS_FAILPOINT'] ?? ''

/** Stop the process dead here, if this is the armed place. */
export function failpoint(name: FailpointName): void {
  if (armed !== '' && armed === name) kill(pid, 'SIGKILL')
}
