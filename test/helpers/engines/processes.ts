/** Processes of a place, found through /proc: engines start daemons that nobody else keeps track of. */
import { readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** A process and its command line. */
export interface FoundProcess {
  readonly pid: number
  readonly words: readonly string[]
}

/** State and parent, null for a process that has ended. */
function statusOf(pid: number): { state: string; parent: number } | null {
  try {
    const [, state, parent] =
      /^\d+ \(.*\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
    return state === undefined ? null : { state, parent: Number(parent) }
  } catch {
    return null // ended and reaped
  }
}

function allProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** Whether a process runs: neither reaped nor a zombie. */
export function isRunning(pid: number): boolean {
  return !'ZX'.includes(statusOf(pid)?.state ?? 'X')
}

/** Wait until something holds; whether it did in time. */
export async function until(holds: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  const deadline = Date.now() + ms
  while (!(await holds())) {
    if (Date.now() > deadline) return false
    await delay(20)
  }
  return true
}

/** Processes whose command line mentions a text, this one not counted. */
export function processesMentioning(text: string): FoundProcess[] {
  const found: FoundProcess[] = []
  for (const pid of allProcesses()) {
    if (pid === process.pid || !isRunning(pid)) continue
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      if (line.includes(text)) found.push({ pid, words: line.split('\0').slice(0, -1) })
    } catch {
      continue // ended since the listing
    }
  }
  return found
}

/**
 * Processes that mention a text and all that descend from them: what runs in a container names no
 * path of the host.
 */
export function processTree(text: string): number[] {
  const parents = new Map<number, number>()
  for (const pid of allProcesses()) {
    const status = statusOf(pid)
    if (status !== null && !'ZX'.includes(status.state)) parents.set(pid, status.parent)
  }
  const tree = new Set(processesMentioning(text).map(({ pid }) => pid))
  let size = 0
  while (tree.size > size) {
    size = tree.size
    for (const [pid, parent] of parents) if (tree.has(parent)) tree.add(pid)
  }
  tree.delete(process.pid)
  return [...tree]
}

/** Send SIGKILL; a process that has ended meanwhile is fine. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
