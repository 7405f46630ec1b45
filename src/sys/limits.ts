/** Limits of the process. */
import { readFileSync } from 'node:fs'

/** Soft limit on open descriptors (RLIMIT_NOFILE). */
export function openFileLimit(): number {
  const line = /^Max open files\s+(\d+|unlimited)/m.exec(
    readFileSync('/proc/self/limits', 'latin1'),
  )
  const text = line?.[1] ?? '1024'
  return text === 'unlimited' ? 1_048_576 : Number(text)
}
