/**
 * Debug logging through the `debug` package, the only importer of it. A logger tells whether it is
 * enabled, so that the request path formats nothing when nobody reads it.
 */
import { format } from 'node:util'
import createDebug from 'debug'

/** A named log; check `enabled` before formatting anything costly. */
export interface Log {
  (format: string, ...values: unknown[]): void
  readonly enabled: boolean
}

/** What Node's own tracing writes with, left out of its types: at once, from any thread. */
interface SynchronousStderr {
  _rawDebug: (text: string) => void
}

/**
 * Write a line to standard error at once. `process.stderr` of a worker thread goes through the main
 * thread and needs the worker's event loop, which the request loop never returns to.
 */
function writeLine(...values: unknown[]): void {
  const stderr = process as unknown as SynchronousStderr
  stderr._rawDebug(format(...values))
}

/** Open the log `tsoverlayfs:<name>`; switched on by `DEBUG=tsoverlayfs:*`. */
export function openLog(name: string): Log {
  const log = createDebug(`tsoverlayfs:${name}`)
  log.log = writeLine
  return log
}

/** Show a byte string (latin1) on one line: anything but printable ASCII becomes `\xNN`. */
export function showBytes(text: string): string {
  return text.replace(/[^\x20-\x7e]|\\/g, (char) =>
    char === '\\' ? '\\\\' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
