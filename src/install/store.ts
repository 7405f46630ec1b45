/**
 * What a store of images and containers holds already, by the driver that wrote it. A driver reads
 * only its own layers: after a switch all images and containers of the other one are out of sight,
 * and a container that runs loses its root.
 */
import { kindOf, listNames, readText } from '../sys/files.js'
import { type Host, at } from './host.js'

/** Layers of one driver in a store. */
export interface Holding {
  /** Name of the driver, as the engine calls it. */
  readonly driver: string
  /** Directory of the layers. */
  readonly path: string
  readonly layers: number
}

/** Where each driver keeps one directory a layer, below its own; null: in its own, with a `diff`. */
const LAYER_DIRECTORIES: Readonly<Record<string, string | null>> = {
  overlay: null,
  overlay2: null,
  'fuse-overlayfs': null,
  vfs: 'dir',
  btrfs: 'subvolumes',
  zfs: 'graph',
  aufs: 'diff',
  devicemapper: 'metadata',
}

function countLayers(host: Host, home: string, below: string | null): number {
  if (below !== null) return (listNames(at(host, `${home}/${below}`)) ?? []).length
  const names = listNames(at(host, home)) ?? []
  const isLayer = (name: string): boolean =>
    kindOf(at(host, `${home}/${name}/diff`)) !== 'absent' ||
    kindOf(at(host, `${home}/${name}/link`)) !== 'absent'
  return names.filter((name) => name !== 'l' && isLayer(name)).length
}

/**
 * The layers in a store, by driver.
 * @param store graphroot of containers/storage, data-root of Docker
 * @throws FsError EACCES where the caller may not look
 */
export function holdingsOf(host: Host, store: string): Holding[] {
  return Object.entries(LAYER_DIRECTORIES).flatMap(([driver, below]) => {
    const path = `${store}/${driver}`
    const layers = countLayers(host, path, below)
    return layers === 0 ? [] : [{ driver, path, layers }]
  })
}

/** Whether the overlay layers of a containers/storage were written through a mount program. */
export function hasMountProgram(host: Host, store: string): boolean {
  return readText(at(host, `${store}/overlay/.has-mount-program`))?.trim() === 'true'
}

/** Holdings in words: `vfs (12 layers in /var/lib/containers/storage/vfs)`. */
export function describeHoldings(holdings: readonly Holding[]): string {
  return holdings
    .map(
      ({ driver, path, layers }) =>
        `${driver} (${String(layers)} ${layers === 1 ? 'layer' : 'layers'} in ${path})`,
    )
    .join(', ')
}
