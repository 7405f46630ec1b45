/**
 * Debug logging through the `debug` package, the only importer of it. A logger tells whether it is
 * enabled, so that the request path formats nothing when nobody reads it.
 */
import createDebug from 'debug'

/** A named log; check `enabled` before formatting anything costly. */
export interface Log {
  (format: string, ...values: unknown[]): void
  readonly enabled: boolean
}

/** Open the log `tsoverlayfs:<name>`; switched on by `DEBUG=tsoverlayfs:*`. */
export function openLog(name: string): Log {
  return createDebug(`tsoverlayfs:${name}`)
}

/** Show a byte string (latin1) on one line: anything but printable ASCII becomes `\xNN`. */
export function showBytes(text: string): string {
  return text.replace(/[^\x20-\x7e]|\\/g, (char) =>
    char === '\\' ? '\\\\' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
