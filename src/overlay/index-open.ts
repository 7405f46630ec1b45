/**
 * Opening work/index. It belongs to one upper and one lower layer: both leave a file handle that later
 * mounts compare.
 * @mirrors fs/overlayfs/super.c:ovl_get_indexdir
 */
import { actAsSelf, useUmask } from '../sys/creds.js'
import { O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../sys/constants.js'
import { EBUSY, EEXIST, ENOENT, ESTALE, errnoName } from '../sys/errno.js'
import { openHandle } from '../sys/handle.js'
import { mkdirAt } from '../sys/node.js'
import { close, openAt } from '../sys/open.js'
import { lacksXattr, readXattr, writeXattr } from '../sys/xattr.js'
import { cleanIndex } from './index-clean.js'
import { IndexDir } from './index-dir.js'
import { LayerError, quotePath } from './layer-error.js'
import type { Layer } from './layer.js'
import type { LayerStack } from './layer-stack.js'
import type { OverlayOptions } from './options.js'
import { decodeOrigin, encodeOrigin } from './origin.js'
import { type WorkDir, disinherit } from './workdir.js'

const NO_UUID = '\0'.repeat(16)

/** What an index is opened over. */
export interface IndexPlace {
  readonly options: OverlayOptions
  readonly stack: LayerStack
  /** null on a read-only mount: what is there is used, nothing is written. */
  readonly work: WorkDir | null
  /** Of the private xattrs. */
  readonly prefix: string
  readonly canMark: boolean
}

/** Whether objects of a layer's file system can be named by handles, and found by them. */
function hasHandles(layer: Layer): boolean {
  const origin = encodeOrigin(layer, layer.root.fd, '')
  const decoded = typeof origin === 'string' ? decodeOrigin(origin) : null
  const mountFd = decoded === null ? -1 : layer.handleFd()
  if (decoded === null || mountFd < 0) return false
  const fd = openHandle(mountFd, decoded.handle, O_PATH)
  if (fd >= 0) close(fd)
  return fd >= 0
}

/** Why there can be no index here; null if there can. */
function obstacle({ stack, canMark }: IndexPlace, upper: Layer): string | null {
  if (!canMark) return 'upperdir takes no overlay xattrs'
  const uuids = new Map<string, number>()
  for (const layer of [upper, ...stack.lowers, ...stack.dataLayers]) {
    const where = layer === upper ? 'upperdir' : `lowerdir ${quotePath(layer.facts.path)}`
    if (!hasHandles(layer))
      return `the file system of ${where} has no file handles that can be used`
    if (layer === upper) continue
    const { uuid } = layer.facts
    const other = uuids.get(uuid) ?? layer.fsid
    if (other !== layer.fsid) {
      const what = uuid === NO_UUID ? 'without a UUID' : 'with the UUID of another'
      return `the file system of ${where} is a second one ${what}`
    }
    uuids.set(uuid, other)
  }
  return null
}

/**
 * Compare a handle that an earlier mount left with what it is to lead to; leave it if there is none.
 * @mirrors fs/overlayfs/namei.c:ovl_verify_set_fh
 */
function verifyHandle(fd: number, key: string, handle: string, writable: boolean): number {
  const value = readXattr(fd, '', key)
  if (typeof value === 'number' && !lacksXattr(value)) return value
  if (typeof value === 'string' && decodeOrigin(value) !== null)
    return value === handle ? 0 : -ESTALE
  return writable ? writeXattr(fd, '', key, handle) : 0
}

function verify(fd: number, key: string, layer: Layer, place: IndexPlace, remedy: string): void {
  const isUpper = layer.index === 0
  const handle = encodeOrigin(layer, layer.root.fd, '', isUpper)
  const result =
    typeof handle === 'number' ? handle : verifyHandle(fd, key, handle, place.work !== null)
  if (result === 0) return
  const what = isUpper ? 'upperdir' : 'the topmost lowerdir'
  const reason =
    result === -ESTALE
      ? `index=on: ${what} is not the one of the mount before; ${remedy}`
      : `index=on: cannot note ${what}: ${errnoName(result)}`
  throw new LayerError(-result, reason)
}

/** Descriptor of the index; ENOENT where a read-only mount finds none. */
function openDir({ options, stack, work }: IndexPlace): number {
  actAsSelf()
  useUmask(0)
  const made = work === null ? -EEXIST : mkdirAt(stack.workFd, 'index', 0)
  if (made < 0 && made !== -EEXIST) return made
  const fd = openAt(stack.workFd, 'index', O_PATH | O_DIRECTORY | O_NOFOLLOW)
  if (fd >= 0 && made === 0) {
    disinherit(fd, `${options.workDir ?? ''}/index`, () => {
      close(fd)
    })
  }
  return fd
}

/**
 * Open the index, check that it is this overlay's, and clean it.
 * @param warnings receives why there is none though it was asked for
 * @returns null where there is none
 * @throws LayerError ESTALE for the index of another upper or lower layer, EBUSY when work is in use,
 *   EINVAL or ENODATA for entries that cannot be understood, else the errno of making it
 */
export function openIndex(place: IndexPlace, warnings: string[]): IndexDir | null {
  const { options, stack, work, prefix } = place
  const [lower] = stack.lowers
  if (!options.index || stack.upper === null || stack.workFd < 0 || lower === undefined) return null
  const path = quotePath(options.workDir ?? '')
  if (work?.alone === false) {
    throw new LayerError(
      EBUSY,
      `workdir ${path} is in use by another mount; index=on needs its own`,
    )
  }
  const reason = work === null ? null : obstacle(place, stack.upper)
  if (reason !== null) {
    warnings.push(`index=on: ${reason}: mounted with index=off`)
    return null
  }
  const remedy = 'mount with that one, or with index=off'
  verify(stack.upper.root.fd, `${prefix}origin`, lower, place, remedy)
  const fd = openDir(place)
  if (fd === -ENOENT && work === null) return null
  if (fd < 0) {
    throw new LayerError(-fd, `workdir ${path}: cannot make index in it: ${errnoName(fd)}`)
  }
  try {
    verify(fd, `${prefix}upper`, stack.upper, place, remedy)
    if (work !== null) clean(place, fd, path)
  } catch (error) {
    close(fd)
    throw error
  }
  return new IndexDir(fd)
}

function clean({ stack, prefix }: IndexPlace, fd: number, path: string): void {
  const layers = [...stack.lowers, ...stack.dataLayers]
  const stopped = cleanIndex({ fd, prefix, layers })
  if (stopped === null) return
  throw new LayerError(
    -stopped.errno,
    `workdir ${path}: cannot use index/${stopped.name}: ${errnoName(stopped.errno)}; ` +
      'mount with index=off, or remove index',
  )
}
