/**
 * Which layers keep owners and modes in an xattr: those whose root carries one, and all of them with
 * xattr_permissions. Upper's root gets one of its own, by which the layer is known later.
 */
import { ENODATA, EOPNOTSUPP, errnoName } from '../sys/errno.js'
import { FileStat } from '../sys/stat.js'
import { readXattr, xattrNames } from '../sys/xattr.js'
import type { Layer, StatOverride } from './layer.js'
import { LayerError, quotePath } from './layer-error.js'
import type { LayerStack } from './layer-stack.js'
import type { OverlayOptions } from './options.js'
import { statShown, storeOverride } from './override-stat.js'

const PRIVILEGED = 'security.fuseoverlayfs.override_stat'
const LEGACY = 'user.fuseoverlayfs.override_stat'
const CONTAINERS = 'user.containers.override_stat'

/** In the order in which fuse-overlayfs looks for them. */
const KEYS = [PRIVILEGED, LEGACY, CONTAINERS] as const

/** The xattrs of a layer, by those on its root and by the option. */
export function chooseOverride(
  onRoot: readonly string[],
  permissions: OverlayOptions['xattrPermissions'],
): StatOverride | null {
  const found = KEYS.filter((key) => onRoot.includes(key))
  const [first] = found
  if (permissions === 'off') {
    if (first === undefined) return null
    return { read: found, write: found.at(-1) ?? first }
  }
  if (permissions === 'privileged') {
    return { read: [PRIVILEGED, ...found.filter((key) => key !== PRIVILEGED)], write: PRIVILEGED }
  }
  const legacy = found.includes(LEGACY) && !found.includes(CONTAINERS)
  const read = found.includes(CONTAINERS) ? found : [...found, CONTAINERS]
  return { read, write: legacy ? LEGACY : CONTAINERS }
}

function rootNames(layer: Layer): readonly string[] {
  const names = xattrNames(layer.root.fd, '')
  return typeof names === 'number' ? [] : names
}

/**
 * Set up all layers.
 * @throws LayerError when upper cannot hold the xattr
 */
export function setUpOverrides(options: OverlayOptions, stack: LayerStack): void {
  const { xattrPermissions: permissions } = options
  if (permissions === 'off' && !options.engineMarks) return
  const { upper } = stack
  for (const layer of [...(upper === null ? [] : [upper]), ...stack.lowers, ...stack.dataLayers]) {
    layer.override = chooseOverride(rootNames(layer), permissions)
  }
  if (upper === null || upper.override === null || options.readOnly) return
  const { override } = upper
  const marked = override.read.some((key) => typeof readXattr(upper.root.fd, '', key) === 'string')
  if (marked) return
  const top = stack.lowers.find((layer) => layer.override !== null && isMarked(layer))
  const shown = new FileStat()
  const seen = statShown(top ?? upper, (top ?? upper).root.fd, '', shown)
  const stored = seen < 0 ? seen : storeOverride(override, upper.root.fd, '', shown)
  if (stored >= 0) return
  const remedy =
    stored === -EOPNOTSUPP || stored === -ENODATA
      ? 'its file system takes no such attribute; leave out xattr_permissions'
      : errnoName(stored)
  throw new LayerError(
    -stored,
    `upperdir ${quotePath(upper.facts.path)}: cannot write ${override.write}: ${remedy}`,
  )
}

function isMarked(layer: Layer): boolean {
  return (layer.override?.read ?? []).some(
    (key) => typeof readXattr(layer.root.fd, '', key) === 'string',
  )
}
