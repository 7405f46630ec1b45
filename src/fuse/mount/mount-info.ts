/** Reads proc(5)'s mountinfo: which mount lies on a path, and its device number. Pure. */

/** One line of mountinfo; texts are byte strings (latin1). */
export interface MountInfo {
  readonly id: number
  /** `major:minor` of the file system's st_dev. */
  readonly device: string
  /** Directory of that file system which is the mount's root. */
  readonly root: string
  readonly mountpoint: string
  /** Per-mount options, comma-separated. */
  readonly options: string
  /** With subtype: `fuse.tsoverlayfs`. */
  readonly type: string
  readonly source: string
}

/** Undo the octal escapes of space, tab, newline, backslash and `#`. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

function parseLine(line: string): MountInfo | null {
  // Optional fields of unknown number end with a single dash.
  const [left, right] = line.split(' - ', 2)
  const [id, , device, root, mountpoint, options] = left?.split(' ') ?? []
  const [type, source] = right?.split(' ') ?? []
  if (device === undefined || root === undefined || mountpoint === undefined) return null
  if (options === undefined || type === undefined || source === undefined) return null
  return {
    id: Number(id),
    device,
    root: unescape(root),
    mountpoint: unescape(mountpoint),
    options,
    type: unescape(type),
    source: unescape(source),
  }
}

/** Parse the whole file; lines it does not understand are left out. */
export function parseMountInfo(text: string): MountInfo[] {
  const mounts: MountInfo[] = []
  for (const line of text.split('\n')) {
    const mount = parseLine(line)
    if (mount !== null) mounts.push(mount)
  }
  return mounts
}

/**
 * The mount visible at exactly `mountpoint` (absolute, symlinks resolved): the latest, when several
 * lie on top of each other; null when there is none.
 */
export function findMount(mounts: readonly MountInfo[], mountpoint: string): MountInfo | null {
  return mounts.findLast((mount) => mount.mountpoint === mountpoint) ?? null
}
