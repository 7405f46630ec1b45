/**
 * The layers of one overlay, opened and checked: the only place that turns the paths of the options
 * into descriptors. Everything after works below those.
 * @mirrors fs/overlayfs/super.c:ovl_fill_super
 */
import { EINVAL } from '../sys/errno.js'
import { fsUuid } from '../sys/handle.js'
import { close } from '../sys/open.js'
import { type FileStat, type FsUsage, fsUsage, isReadOnlyFs } from '../sys/stat.js'
import { Layer } from './layer.js'
import { LayerError, quotePath } from './layer-error.js'
import { type OpenedDir, isolateLower, isolateUpper, openUserDir } from './layer-open.js'
import { checkLowers, checkMountpoint, checkUpperWork } from './layer-overlap.js'
import type { OverlayOptions } from './options.js'

export interface LayerStack {
  readonly upper: Layer | null
  /** Descriptor of the user's workdir, on the same mount as upper; -1 without upper. */
  readonly workFd: number
  /** Lower layers that show names, topmost first. */
  readonly lowers: readonly Layer[]
  readonly dataLayers: readonly Layer[]
  /** Distinct file systems among the layers; 1 means that raw inode numbers are unique. */
  readonly fsCount: number
  /** Lowers are reached through read-only clones, so passthrough cannot write them. */
  readonly lowersIsolated: boolean
  readonly warnings: readonly string[]
}

/** Numbers the file systems of an overlay; upper's is 0. */
class FsNumbers {
  #numbers = new Map<string, number>()

  of(stat: FileStat): number {
    const device = `${String(stat.devMajor)}:${String(stat.devMinor)}`
    const known = this.#numbers.get(device)
    if (known !== undefined) return known
    const next = this.#numbers.size
    this.#numbers.set(device, next)
    return next
  }

  get count(): number {
    return this.#numbers.size
  }
}

const usage: FsUsage = {
  blocks: 0,
  bfree: 0,
  bavail: 0,
  files: 0,
  ffree: 0,
  bsize: 0,
  namelen: 255,
  frsize: 0,
}

function makeLayer(dir: OpenedDir, index: number, fsid: number, dataOnly: boolean): Layer {
  usage.namelen = 255
  fsUsage(dir.fd, usage)
  return new Layer(
    {
      index,
      path: dir.path,
      devMajor: dir.stat.devMajor,
      devMinor: dir.stat.devMinor,
      fsid,
      uuid: fsUuid(dir.fd),
      namelen: usage.namelen,
      dataOnly,
    },
    dir.fd,
  )
}

function checkUpper(upper: OpenedDir, work: OpenedDir, options: OverlayOptions): void {
  checkUpperWork(upper, work)
  const sameMount =
    upper.stat.mountId === work.stat.mountId &&
    upper.stat.devMajor === work.stat.devMajor &&
    upper.stat.devMinor === work.stat.devMinor
  if (!sameMount) {
    throw new LayerError(
      EINVAL,
      `workdir ${quotePath(work.path)} and upperdir ${quotePath(upper.path)} must be on the same ` +
        'mount; put workdir beside upperdir',
    )
  }
  // fuse-overlayfs shows such an upper; the kernel refuses it.
  const shownOnly = options.readOnly && options.engineMarks
  if (!shownOnly && isReadOnlyFs(upper.fd)) {
    throw new LayerError(
      EINVAL,
      `the file system of upperdir ${quotePath(upper.path)} is read-only; leave out upperdir and ` +
        'workdir for a read-only overlay',
    )
  }
}

/**
 * Open and check all layers.
 * @throws LayerError with kernel overlayfs's errno (ENOENT, EINVAL, ELOOP); nothing stays open then
 */
export function openLayers(options: OverlayOptions): LayerStack {
  const opened: OpenedDir[] = []
  const open = (path: string, what: string): OpenedDir => {
    const dir = openUserDir(path, what)
    opened.push(dir)
    return dir
  }
  try {
    return assemble(options, open)
  } catch (error) {
    for (const dir of opened) close(dir.fd)
    throw error
  }
}

function assemble(
  options: OverlayOptions,
  open: (path: string, what: string) => OpenedDir,
): LayerStack {
  const warnings: string[] = []
  const lowers = options.lowerDirs.map((path) => open(path, 'lowerdir'))
  const data = options.dataDirs.map((path) => open(path, 'data-only lowerdir'))
  const upper = options.upperDir === null ? null : open(options.upperDir, 'upperdir')
  const work = upper === null || options.workDir === null ? null : open(options.workDir, 'workdir')
  if (upper !== null && work !== null) checkUpper(upper, work, options)
  if (options.mountpoint !== null) checkMountpoint(options.mountpoint, upper, work)
  checkLowers([...lowers, ...data], upper, work, (error) => {
    if (options.overlap === 'refuse') throw error
    warnings.push(error.message)
  })

  let lowersIsolated = true
  for (const dir of [...lowers, ...data]) lowersIsolated = isolateLower(dir) && lowersIsolated
  if (upper !== null && work !== null) isolateUpper(upper, work)

  const numbers = new FsNumbers()
  const upperLayer = upper === null ? null : makeLayer(upper, 0, numbers.of(upper.stat), false)
  let index = 1
  const toLayer =
    (dataOnly: boolean) =>
    (dir: OpenedDir): Layer =>
      makeLayer(dir, index++, numbers.of(dir.stat), dataOnly)
  return {
    upper: upperLayer,
    workFd: work?.fd ?? -1,
    lowers: lowers.map(toLayer(false)),
    dataLayers: data.map(toLayer(true)),
    fsCount: numbers.count,
    lowersIsolated,
    warnings,
  }
}

/** Close the roots of all layers and the work directory. */
export function closeLayers(stack: LayerStack): void {
  for (const layer of [...stack.lowers, ...stack.dataLayers]) layer.close()
  stack.upper?.close()
  if (stack.workFd >= 0) close(stack.workFd)
}
