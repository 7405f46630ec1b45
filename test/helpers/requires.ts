/** What a test needs of the machine, and what happens where that is missing. */
import { accessSync, constants, readFileSync } from 'node:fs'
import type { Test } from 'tap'
import { LibfuseUnavailable, loadAddon } from '../../src/fuse/transport/libfuse/addon.js'

/** Something that a machine may lack. */
export type Need = 'root' | 'fuse' | 'kernel-overlay' | 'fuse-overlayfs' | 'engines' | 'libfuse'

function canReadWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** Whether PATH has a program. */
function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(`${directory}/${program}`, constants.X_OK)
      return true
    } catch {
      return false // not in this directory of PATH
    }
  })
}

/** What the suites of container engines start. */
const ENGINE_PROGRAMS = [
  'podman buildah docker dockerd containerd ctr runc',
  'newuidmap busybox setfattr setcap setpriv nsenter unshare tar',
].flatMap((words) => words.split(' '))

const probes: Readonly<Record<Need, () => string | null>> = {
  root: () => (process.geteuid?.() === 0 ? null : 'root is needed'),
  fuse: () => (canReadWrite('/dev/fuse') ? null : '/dev/fuse is needed'),
  'kernel-overlay': () => {
    if (process.geteuid?.() !== 0) return 'root is needed to mount kernel overlayfs'
    return /\boverlay\b/.test(readFileSync('/proc/filesystems', 'latin1'))
      ? null
      : 'kernel overlayfs is needed (modprobe overlay)'
  },
  'fuse-overlayfs': () => (isInPath('fuse-overlayfs') ? null : 'fuse-overlayfs is needed'),
  engines: () => {
    const absent = ENGINE_PROGRAMS.filter((program) => !isInPath(program))
    return absent.length === 0 ? null : `not found in PATH: ${absent.join(', ')}`
  },
  libfuse: () => {
    try {
      loadAddon()
      return null
    } catch (error) {
      return error instanceof LibfuseUnavailable ? error.message : String(error)
    }
  },
}

/** Why this machine cannot run something, in words; null when it can. */
export function missing(...needs: readonly Need[]): string | null {
  for (const need of needs) {
    const reason = probes[need]()
    if (reason !== null) return reason
  }
  return null
}

/**
 * Declare what a test needs. Where something is missing the test is skipped with the reason, or
 * fails if TSOVERLAYFS_REQUIRE (comma-separated needs, or `all`) names the need.
 * @returns whether the test can go on
 */
export function requires(t: Test, ...needs: readonly Need[]): boolean {
  const required = (process.env['TSOVERLAYFS_REQUIRE'] ?? '').split(',')
  for (const need of needs) {
    const reason = probes[need]()
    if (reason === null) continue
    if (required.includes(need) || required.includes('all')) {
      t.fail(`TSOVERLAYFS_REQUIRE asks for ${need}, but ${reason}`)
    } else {
      t.plan(0, `skipped: ${reason}`)
    }
    return false
  }
  return true
}
