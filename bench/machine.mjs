// @ts-check
// What the figures were measured on: goes into the head of every report.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, statfsSync } from 'node:fs'
import os from 'node:os'

const OVERLAYFS_SUPER_MAGIC = 0x794c7630
const FUSE_SUPER_MAGIC = 0x65735546
/** @type {Record<number, string>} */
const FILE_SYSTEMS = {
  0xef53: 'ext2/3/4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0xf2f52010: 'f2fs',
  [OVERLAYFS_SUPER_MAGIC]: 'overlayfs',
  [FUSE_SUPER_MAGIC]: 'fuse',
}

/** @param {string} dir */
export function fileSystemOf(dir) {
  const type = statfsSync(dir).type
  return FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`
}

function overlayParameters() {
  const dir = '/sys/module/overlay/parameters'
  if (!existsSync(dir)) return {}
  return Object.fromEntries(
    readdirSync(dir).map((name) => [name, readFileSync(`${dir}/${name}`, 'utf8').trim()]),
  )
}

/** The commit measured, or null outside a checkout. */
function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null
  }
}

/** @param {string} dir where the layers are made */
export function describeMachine(dir) {
  const cpus = os.cpus()
  return {
    date: new Date().toISOString(),
    commit: commit(),
    kernel: `${os.type()} ${os.release()} ${os.machine()}`,
    node: process.version,
    cpu: `${cpus.length} x ${cpus[0]?.model.trim() ?? 'unknown'}`,
    memoryMiB: Math.round(os.totalmem() / 2 ** 20),
    fileSystem: fileSystemOf(dir),
    loadAtStart: os.loadavg().map((load) => Number(load.toFixed(2))),
    overlayParameters: overlayParameters(),
  }
}

/**
 * How often caches were dropped by hand since boot. A drop by somebody else during a sample turns a
 * warm run cold, so the runner compares this around each one.
 */
export function cacheDrops() {
  const text = readFileSync('/proc/vmstat', 'utf8')
  return Number(/^drop_slab (\d+)$/m.exec(text)?.[1] ?? 0)
}
