/** Ends everything below a place by force: processes, then mounts, then files. */
import { demolish } from '../scratch.js'
import { killProcess, processTree, until } from './processes.js'

const KILLED_MS = 5000

/** Kill the processes of a place, unmount and remove everything below it. */
export async function tearDown(path: string): Promise<void> {
  const ended = (): boolean => {
    const tree = processTree(path)
    for (const pid of tree) killProcess(pid)
    return tree.length === 0
  }
  // A server of a dead container hangs in its exit until its connection is aborted.
  const allEnded = await until(ended, KILLED_MS)
  demolish(path)
  if (!allEnded && !(await until(ended, KILLED_MS))) {
    throw new Error(`processes of ${path} outlive SIGKILL: ${processTree(path).join(' ')}`)
  }
}
