/** A store of podman and buildah: its configuration, and the commands on it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mountsBelow } from '../scratch.js'
import { unmount } from '../syscalls.js'
import type { EnginePlace } from './place.js'

/** The limit that processes of this one inherit. */
function hardFileLimit(): string {
  const line = /^Max open files +\d+ +(\d+|unlimited)/m.exec(
    readFileSync('/proc/self/limits', 'latin1'),
  )
  return line?.[1] ?? '1024'
}

/** Where a store is. */
export interface PodmanStore {
  readonly root: string
  /** Environment that makes podman and buildah use it. */
  readonly env: Readonly<Record<string, string>>
}

/**
 * Write the configuration of a store.
 * @param mountProgram null for kernel overlayfs
 */
export function makePodmanStore(
  place: EnginePlace,
  name: string,
  mountProgram: string | null,
): PodmanStore {
  const base = place.directory(name)
  const files = hardFileLimit()
  const processes = readFileSync('/proc/sys/kernel/pid_max', 'latin1').trim()
  const storage = ['[storage]', 'driver="overlay"']
  storage.push(`graphroot="${base}/root"`, `runroot="${base}/run"`)
  if (mountProgram !== null) {
    storage.push('[storage.options.overlay]', `mount_program="${mountProgram}"`)
  }
  writeFileSync(`${base}/storage.conf`, storage.join('\n'))
  const containers = [
    '[containers]',
    `default_ulimits=["nofile=${files}:${files}","nproc=${processes}:${processes}"]`,
    'netns="none"',
    'log_driver="k8s-file"',
    '[engine]',
    'runtime="runc"',
    'cgroup_manager="cgroupfs"',
    'events_logger="file"',
    // Locks in shared memory would be those of the machine's own podman.
    'lock_type="file"',
    `tmp_dir="${base}/tmp"`,
    `volume_path="${base}/volumes"`,
  ]
  writeFileSync(`${base}/containers.conf`, containers.join('\n'))
  const env = {
    CONTAINERS_STORAGE_CONF: `${base}/storage.conf`,
    CONTAINERS_CONF: `${base}/containers.conf`,
  }
  return { root: `${base}/root`, env }
}

/** Take away the bind mount of itself that podman leaves on a store. */
export function releaseStore(store: PodmanStore): void {
  for (const { target, type } of mountsBelow(store.root)) {
    if (!type.startsWith('fuse')) unmount(target, 'lazy')
  }
}
