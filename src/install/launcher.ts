/** Our own program, as engines will run it: where it lies, and whether it stays and starts there. */
import { isProgram, ownership, parentOf, resolvePath } from '../sys/files.js'
import { type Host, at } from './host.js'

/** Where the launcher looks for node when PATH has none. */
export const NODE_PLACES = ['/usr/local/bin/node', '/usr/bin/node', '/bin/node'] as const

/** The launcher that belongs to the bundle `program`; null when it is not where it should be. */
export function launcherOf(program: string): string | null {
  return resolvePath(`${parentOf(parentOf(program))}/bin/tsoverlayfs`)
}

/** Why engines could not name this path in their configuration; null when they can. */
export function unfit(launcher: string): string | null {
  if (!launcher.startsWith('/')) return `${launcher}: not an absolute path`
  const text = Buffer.from(launcher, 'latin1')
  if (!Buffer.from(text.toString('utf8'), 'utf8').equals(text)) {
    return `${launcher}: configuration files are UTF-8, and this path is not; install tsoverlayfs elsewhere`
  }
  return null
}

function isSafe(host: Host, path: string): boolean {
  for (let part = path; part !== ''; part = parentOf(part)) {
    const found = ownership(at(host, part))
    const isSticky = found !== null && (found.mode & 0o1000) !== 0
    if (found !== null && (found.uid !== 0 || (!isSticky && (found.mode & 0o022) !== 0)))
      return false
  }
  return true
}

/** What may go wrong later with a program at this place. */
export function launcherNotes(host: Host, launcher: string): string[] {
  const notes: string[] = []
  if (!isProgram(at(host, launcher))) {
    notes.push(`${launcher} is not there, or not a program: engines will fail until it is`)
  } else if (/\/(_npx|\.npm)\//.test(launcher) || launcher.startsWith('/tmp/')) {
    notes.push(
      `${launcher} is in a place for temporary files: install with 'npm install --global tsoverlayfs'`,
    )
  } else if (host.uid === 0 && !isSafe(host, launcher)) {
    notes.push(
      `${launcher}: users other than root can replace it, and engines run it as root; install it below /usr/local or /opt`,
    )
  }
  if (!NODE_PLACES.some((place) => isProgram(at(host, place)))) {
    notes.push(
      `engines that run as services find no node (looked for ${NODE_PLACES.join(', ')}): 'ln -s ${process.execPath} /usr/local/bin/node', or set TSOVERLAYFS_NODE for them`,
    )
  }
  return notes
}
