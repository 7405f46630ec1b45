/** AUFS-style whiteouts: `.wh.NAME` hides NAME below, `.wh..wh..opq` makes its directory opaque. */

const PREFIX = '.wh.'

/** Name of the file that makes its directory opaque. */
export const WH_OPAQUE = '.wh..wh..opq'

/** Whether a name belongs to the AUFS form and is never shown where that form counts. */
export function isWhName(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** The name of the file that hides `name`. */
export function whNameOf(name: string): string {
  return PREFIX + name
}
