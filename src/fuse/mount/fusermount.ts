/**
 * Mounting and unmounting through fusermount3, the set-uid helper of libfuse, where we may not do
 * it ourselves. It opens the device and sends it through a socket whose number it finds in
 * _FUSE_COMMFD.
 */
import { type SpawnSyncReturns, type StdioOptions, spawnSync } from 'node:child_process'
import { O_DIRECTORY, O_PATH } from '../../sys/constants.js'
import { EIO, EPERM } from '../../sys/errno.js'
import { FUSE_DEVICE } from '../../sys/fuse-device.js'
import { close, openPath } from '../../sys/open.js'
import { receiveDescriptor, socketPair } from '../../sys/socket.js'
import { textOf } from '../../util/byte-text.js'
import { showBytes } from '../../util/debug.js'
import { HelperMissing, MountError, mountpointError } from './mount-error.js'
import { type MountRequest, fusermountOptions } from './mount-options.js'

const PROGRAM = 'fusermount3'
/** Number of the socket, and of the mount point's descriptor, in the child. */
const CHILD_SOCKET = 3
const CHILD_MOUNTPOINT = 4

function run(args: readonly string[], stdio: StdioOptions): SpawnSyncReturns<Buffer> {
  const env = { ...process.env, _FUSE_COMMFD: String(CHILD_SOCKET) }
  return spawnSync(PROGRAM, [...args], { stdio, env })
}

/** What the helper had against it. */
function refusal(path: string, result: SpawnSyncReturns<Buffer>): MountError {
  if (result.error !== undefined) {
    return new HelperMissing(
      EPERM,
      `${showBytes(path)}: not permitted to mount, and ${PROGRAM} is not installed (package fuse3); run as root or inside "unshare -Urm"`,
    )
  }
  const said = result.stderr.toString('latin1').trim().split('\n').map(showBytes).join('; ')
  const reason = said === '' ? `${PROGRAM} failed with status ${String(result.status)}` : said
  return new MountError(EPERM, `${showBytes(path)}: ${reason}${remedyFor(said)}`)
}

function remedyFor(said: string): string {
  if (said.includes('user_allow_other')) {
    return '; have user_allow_other put into /etc/fuse.conf, or leave allow_other out'
  }
  if (said.includes(FUSE_DEVICE)) {
    return `; have the device opened to you with "chmod 666 ${FUSE_DEVICE}", or run as root`
  }
  return ''
}

/**
 * Mount through the helper.
 * @returns the descriptor of the mounted device, the caller's to close
 * @throws MountError
 */
export function fusermountMount(request: MountRequest): number {
  const options = textOf(fusermountOptions(request))
  if (options === null) {
    throw new MountError(EPERM, `${showBytes(request.source)}: as a source it must be UTF-8`)
  }
  const directory = openPath(request.mountpoint, O_PATH | O_DIRECTORY)
  if (directory < 0) throw mountpointError(request.mountpoint, -directory)
  const sockets = socketPair()
  if (typeof sockets === 'number') {
    close(directory)
    throw new MountError(-sockets, 'no socket pair for fusermount3')
  }
  const [ours, theirs] = sockets
  try {
    const target = textOf(request.mountpoint) ?? `/proc/self/fd/${String(CHILD_MOUNTPOINT)}`
    const result = run(
      ['-o', options, '--', target],
      ['ignore', 'ignore', 'pipe', theirs, directory],
    )
    if (result.error !== undefined || result.status !== 0) throw refusal(request.mountpoint, result)
    const fd = receiveDescriptor(ours)
    if (fd === null || fd < 0) {
      throw new MountError(EIO, `${showBytes(request.mountpoint)}: ${PROGRAM} sent no descriptor`)
    }
    return fd
  } finally {
    close(ours)
    close(theirs)
    close(directory)
  }
}

/**
 * Unmount through the helper.
 * @returns null, or what it said when it refused
 * @throws MountError when a path that is not UTF-8 cannot be passed on
 */
export function fusermountUnmount(mountpoint: string, how: 'now' | 'lazy'): string | null {
  const target = textOf(mountpoint)
  if (target === null) {
    throw new MountError(
      EPERM,
      `${showBytes(mountpoint)}: ${PROGRAM} cannot be given a path that is not UTF-8; unmount as root`,
    )
  }
  const flags = how === 'lazy' ? ['-u', '-z'] : ['-u']
  const result = run([...flags, '--', target], ['ignore', 'ignore', 'pipe'])
  if (result.error === undefined && result.status === 0) return null
  if (result.error !== undefined) return `${PROGRAM} is not installed (package fuse3)`
  return result.stderr.toString('latin1').trim().split('\n').map(showBytes).join('; ')
}
