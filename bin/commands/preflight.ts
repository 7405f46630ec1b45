/**
 * Imported before anything that makes system calls: where the binding for them does not load (another
 * platform's node_modules, an incomplete installation), people get a line instead of a stack trace.
 */
import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Descriptor on which the launcher waits for the answer of a mount in the background. */
const ANSWER_FD = 3

try {
  createRequire(__filename)('koffi')
} catch (error) {
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  const line = `tsoverlayfs: koffi, which makes the system calls, does not load (${reason}): install tsoverlayfs anew on this machine\n`
  const background = process.env['TSOVERLAYFS_INHERITED'] !== undefined
  writeSync(background ? ANSWER_FD : 2, background ? `${line}fail 1` : line)
  process.exit(1)
}
