/** `tsoverlayfs mount`, and the forms without a command that engines and mount(8) use. */
import { Command, CommanderError } from 'commander'
import { type MountOptions, type OptionWord, parseOptions, splitOptions } from '../../src/index.js'
import type { Invocation } from './words.js'

const EXAMPLES = `
Examples:
  tsoverlayfs mount -o lowerdir=/a:/b,upperdir=/u,workdir=/w /mnt
  tsoverlayfs mount --lower /a --lower /b --upper /u --work /w /mnt
  tsoverlayfs mount -o lowerdir=/a:/b /mnt            read-only
  DEBUG=tsoverlayfs:fuse:* tsoverlayfs mount -f -o ... /mnt    trace every request

Options are kernel overlayfs's (lowerdir, upperdir, workdir, redirect_dir, index, metacopy, xino,
userxattr, volatile, ro ...) and fuse-overlayfs's (uidmapping, squash_to_uid, timeout ...), plus
passthrough=auto|all|upper|off and transport=auto|kernel|libfuse. The first lowerdir is the topmost. In paths, write \\: for a colon and
\\, for a comma.

Exit status: 0 the mount is live; 1 it failed, stderr says why; 2 the command line is wrong.`

interface Flags {
  o: string[]
  lower: string[]
  upper?: string
  work?: string
  transport?: string
  foreground?: boolean
  debug?: boolean
  /** Sloppy. */
  s?: boolean
  /** Path of a mount namespace. */
  N?: string
}

/** A mount's command line, read but not yet understood. */
export interface MountLine {
  readonly flags: Flags
  readonly words: readonly OptionWord[]
  readonly mountpoint: string
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}

/** The command with its flags; parsing is `parseMount`'s. */
export function mountCommand(): Command {
  return new Command('mount')
    .description(
      'Mount an overlay: lower directories, read-only, under an upper one that takes all changes.',
    )
    .argument('[source]', 'ignored, as in mount(8)')
    .argument('<mountpoint>', 'directory to mount on')
    .option('-o <options>', 'mount options, comma-separated; may be repeated', collect, [])
    .option('--lower <dir>', 'a lower directory, topmost first; may be repeated', collect, [])
    .option('--upper <dir>', 'directory that receives all changes')
    .option('--work <dir>', 'empty directory on the same file system as --upper')
    .option('--transport <name>', 'kernel, libfuse (optional, slower), or auto: kernel if it works')
    .option('-f, --foreground', 'stay in the foreground')
    .option('-d, --debug', 'stay in the foreground and trace requests')
    .option('-t <type>', 'ignored, as in mount(8)')
    .option('-N <ns>', 'refused: a mount is made in this namespace')
    .option('-s', 'pass over unknown options, as in mount(8)')
    .option('-n', 'ignored, as in mount(8)')
    .option('-v', 'ignored, as in mount(8)')
    .addHelpText('after', EXAMPLES)
}

function friendlyWords(flags: Flags): OptionWord[] {
  const words: OptionWord[] = flags.lower.map((value) => ({
    key: 'lowerdir+',
    value,
    literal: true,
  }))
  if (flags.upper !== undefined) words.push({ key: 'upperdir', value: flags.upper, literal: true })
  if (flags.work !== undefined) words.push({ key: 'workdir', value: flags.work, literal: true })
  if (flags.transport !== undefined) words.push({ key: 'transport', value: flags.transport })
  return words
}

/**
 * Read a mount's command line.
 * @throws CommanderError for a wrong one
 */
export function readMountLine(invocation: Invocation): MountLine {
  const command = mountCommand()
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
  // Two words are source and mountpoint, one is the mountpoint: both arguments are optional here.
  command.registeredArguments.forEach((argument) => {
    argument.required = false
  })
  command.allowExcessArguments(invocation.engine)
  command.parse(invocation.words, { from: 'user' })
  const flags = command.opts<Flags>()
  const mountpoint = command.args.at(-1)
  if (mountpoint === undefined) {
    throw new CommanderError(2, 'mountpoint', 'missing mountpoint: give the directory to mount on')
  }
  if (flags.N !== undefined) {
    const message = '-N: cannot mount in another namespace; run mount in it, with nsenter --mount'
    throw new CommanderError(2, 'namespace', message)
  }
  const words = [...flags.o.flatMap(splitOptions), ...friendlyWords(flags)]
  return { flags, words, mountpoint }
}

/**
 * Give a mount's command line its meaning.
 * @throws OptionError for a wrong option
 */
export function parseMount(invocation: Invocation, line: MountLine): MountOptions {
  const { flags, words, mountpoint } = line
  const asFuseOverlayfs = invocation.name === 'fuse-overlayfs'
  const name = asFuseOverlayfs ? 'fuse-overlayfs' : 'tsoverlayfs'
  const options = parseOptions({
    dialect: invocation.engine ? 'fuse-overlayfs' : 'kernel',
    words,
    mountpoint,
    source: name,
    subtype: name,
    foreground: flags.foreground === true,
    debug: flags.debug === true,
    isRoot: process.geteuid?.() === 0,
    sloppy: flags.s === true,
  })
  const asked = process.env['FUSE_OVERLAYFS_DISABLE_OVL_WHITEOUT'] !== undefined
  if (!invocation.engine || !asked) return options
  return { ...options, overlay: { ...options.overlay, whiteouts: 'wh-file' } }
}
