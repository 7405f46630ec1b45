/**
 * Where a node's real object is: a directory descriptor and a name in it, ready for `*at` calls. The
 * name is '' when the descriptor is the object itself.
 */
import { S_IFDIR, S_IFMT } from '../sys/constants.js'
import { ESTALE } from '../sys/errno.js'
import type { FileStat } from '../sys/stat.js'
import type { OverlayContext } from './context.js'
import type { Layer } from './layer.js'
import type { Node } from './node.js'
import { statShown } from './override-stat.js'

export interface Location {
  fd: number
  name: string
}

/** A Location to be filled. */
export function makeLocation(): Location {
  return { fd: -1, name: '' }
}

/**
 * The topmost real object of a node: in upper if it is there, else in its first lower layer.
 * @returns 0 or -errno; the descriptor is valid until the next few calls
 */
export function locate(ctx: OverlayContext, node: Node, into: Location): number {
  if (node.orphanFd >= 0) return put(into, node.orphanFd, '')
  if (node.isDir) {
    const dir = node.upper ?? node.lowers[0]
    return dir === undefined ? -ESTALE : put(into, ctx.fds.fd(dir), '')
  }
  if (!node.inUpper) {
    if (node.lowerDir === null) return -ESTALE
    return put(into, ctx.fds.fd(node.lowerDir), node.lowerName)
  }
  if (node.indexed && ctx.index !== null) return put(into, ctx.index.fd, node.indexName)
  const upper = node.parent?.upper ?? null
  return upper === null ? -ESTALE : put(into, ctx.fds.fd(upper), node.name)
}

function put(into: Location, fd: number, name: string): number {
  into.fd = fd
  into.name = name
  return fd < 0 ? fd : 0
}

const here = makeLocation()

/** The layer that a node's real object is in. */
export function layerOf(ctx: OverlayContext, node: Node): Layer | null {
  if (node.isDir) return (node.upper ?? node.lowers[0])?.layer ?? null
  return node.inUpper ? ctx.upper : (node.lowerDir?.layer ?? null)
}

/**
 * Stat a node's real object.
 * @returns 0 or -errno; ESTALE when another instance over this upper has put something of another
 *   type in its place: a node that changes its type is a bad one to the kernel, which looks the name
 *   up anew after ESTALE
 */
export function statNode(ctx: OverlayContext, node: Node, into: FileStat): number {
  const found = locate(ctx, node, here)
  if (found < 0) return found
  const seen = statShown(layerOf(ctx, node), here.fd, here.name, into)
  if (seen < 0) return seen
  if (!node.isDir && node.metacopy) into.blocks = node.dataBlocks
  return (into.mode & S_IFMT) === (node.isDir ? S_IFDIR : node.type) ? 0 : -ESTALE
}
