/** Command-line words as bytes, and the form they are in. */
import { process as system } from '../../src/index.js'

/** What the command line is, before its options are read. */
export interface Invocation {
  /** Called as, or like, fuse-overlayfs: unknown options only warn. */
  readonly engine: boolean
  /** Called by mount(8): `-f` means that nothing is to be mounted. */
  readonly helper: boolean
  /** Words after the command's name, as byte strings (latin1). */
  readonly words: readonly string[]
  readonly command: string
  /** Name the program was called by. */
  readonly name: string
}

const COMMANDS = ['mount', 'umount', 'options', 'install', 'doctor', 'help']

/**
 * Tell the forms apart: a first word that is a command's name is our own form; anything else is
 * fuse-overlayfs's, or mount(8)'s under the names `mount.tsoverlayfs` and
 * `mount.fuse.tsoverlayfs`.
 */
export function readInvocation(): Invocation {
  const all = system.commandLine()
  const script = all.findIndex((word) => word.endsWith('.cjs'))
  const words = all.slice(script + 1)
  const name = process.env['TSOVERLAYFS_NAME'] ?? 'tsoverlayfs'
  const [first] = words
  const isHelper = name.startsWith('mount.')
  if (!isHelper && first !== undefined && COMMANDS.includes(first)) {
    return { engine: false, helper: false, command: first, words: words.slice(1), name }
  }
  if (first === undefined || first === '--help' || first === '-h') {
    return { engine: false, helper: isHelper, command: 'help', words, name }
  }
  if (words.includes('--version') || words.includes('-V')) {
    return { engine: true, helper: isHelper, command: 'version', words, name }
  }
  return { engine: !isHelper, helper: isHelper, command: 'mount', words, name }
}
