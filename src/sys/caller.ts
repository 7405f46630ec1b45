/** What /proc tells of a process that calls us: a request names its ids, but not all of its groups. */
import { readFileSync } from 'node:fs'

/**
 * Supplementary groups of a thread.
 * @param pid 0 where the caller is in a pid namespace that ours cannot see
 * @returns group ids in our user namespace; none where the thread cannot be looked at
 */
export function groupsOf(pid: number): readonly number[] {
  if (pid === 0) return []
  let status: string
  try {
    status = readFileSync(`/proc/${String(pid)}/status`, 'latin1')
  } catch (error) {
    // It may have been killed meanwhile, or belong to somebody whose processes are hidden from us.
    if (error instanceof Error && 'code' in error) return []
    throw error
  }
  const line = /^Groups:[ \t]*([\d ]*)$/m.exec(status)?.[1]?.trim() ?? ''
  return line === '' ? [] : line.split(/ +/).map(Number)
}
