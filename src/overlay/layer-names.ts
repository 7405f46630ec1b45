/**
 * All names of one lower directory, read once: answers that a name is absent, or hidden by an
 * AUFS-style whiteout, without a system call. Lower layers do not change, so it stays true.
 */
import { readDirents } from '../sys/dirents.js'
import { close, openDirRead } from '../sys/open.js'
import { isWhName } from '../whiteout/wh-prefix.js'

/** The names of one lower directory. */
export class LayerNames {
  /** Name to DT_* type, in the directory's own order. */
  readonly types: ReadonlyMap<string, number>
  /** Whether any name has the AUFS whiteout form. */
  readonly hasWh: boolean

  constructor(types: ReadonlyMap<string, number>, hasWh: boolean) {
    this.types = types
    this.hasWh = hasWh
  }
}

/**
 * Read the names of the directory behind an O_PATH descriptor.
 * @returns the names, or -errno
 */
export function readLayerNames(dirfd: number): LayerNames | number {
  const fd = openDirRead(dirfd)
  if (fd < 0) return fd
  const types = new Map<string, number>()
  let hasWh = false
  const result = readDirents(fd, (name, type) => {
    types.set(name, type)
    if (isWhName(name)) hasWh = true
  })
  close(fd)
  return result < 0 ? result : new LayerNames(types, hasWh)
}
