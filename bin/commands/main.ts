/** From the command line to a command. */
import { Command, CommanderError } from 'commander'
import { OptionError, isRemount, mountOn, remount, stateFile, unmount } from '../../src/index.js'
import { type ExitCodes, findAudience, runDaemon } from './daemon.js'
import { doctorCommand } from './doctor.js'
import { installCommand } from './install.js'
import { mountCommand, parseMount, readMountLine } from './mount.js'
import { type Invocation, readInvocation } from './words.js'

declare const TSOVERLAYFS_VERSION: string

function version(name: string): string {
  if (name === 'fuse-overlayfs')
    return `fuse-overlayfs: version ${TSOVERLAYFS_VERSION} (tsoverlayfs)`
  return `tsoverlayfs version ${TSOVERLAYFS_VERSION}`
}

function fail(message: string, code: number): never {
  process.stderr.write(`tsoverlayfs: ${message}\n`)
  process.exit(code)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

const CODES: ExitCodes = { mount: 1, 'command-line': 2 }
/** mount(8)'s own. */
const HELPER_CODES: ExitCodes = { mount: 32, 'command-line': 1 }

async function runMount(invocation: Invocation): Promise<void> {
  if (invocation.words.includes('--help') || invocation.words.includes('-h')) {
    mountCommand().name('tsoverlayfs mount').outputHelp()
    return
  }
  const audience = findAudience(invocation.helper ? HELPER_CODES : CODES)
  try {
    const line = readMountLine(invocation)
    if (isRemount(line.words)) {
      remount(line.mountpoint, line.words)
      audience.ready()
      return
    }
    const options = parseMount(invocation, line)
    if (invocation.helper && line.flags.foreground === true) audience.ready()
    else await runDaemon(options, audience)
  } catch (error) {
    audience.say(messageOf(error).replace(/^error: /, ''))
    const isUsage = error instanceof CommanderError && !(error instanceof OptionError)
    audience.fail(isUsage ? 'command-line' : 'mount')
  }
}

function program(name: string): Command {
  const root = new Command('tsoverlayfs')
    .description('Union file system over FUSE, disk-compatible with kernel overlayfs.')
    .version(version(name), '-V, --version')
    .addHelpText(
      'after',
      `
Without a command the words are read as fuse-overlayfs reads them:
  tsoverlayfs [-f] [-d] -o lowerdir=...,upperdir=...,workdir=... [source] MOUNTPOINT

Examples:
  tsoverlayfs mount -o lowerdir=/a:/b,upperdir=/u,workdir=/w /mnt
  tsoverlayfs umount /mnt
  tsoverlayfs mount --help

Exit status: 0 done; 1 it failed, stderr says why; 2 the command line is wrong.`,
    )
  root.addCommand(mountCommand())
  root
    .command('umount')
    .description('Unmount an overlay; its daemon ends with it.')
    .argument('<mountpoint>')
    .option('--lazy', 'detach it now, even if it is in use')
    .addHelpText(
      'after',
      '\nExamples:\n  tsoverlayfs umount /mnt\n  tsoverlayfs umount --lazy /mnt',
    )
    .action((mountpoint: string, flags: { lazy?: boolean }) => {
      try {
        unmount(Buffer.from(mountpoint).toString('latin1'), { lazy: flags.lazy === true })
      } catch (error) {
        fail(messageOf(error), 1)
      }
    })
  root
    .command('options')
    .description('Show the effective options of a live mount.')
    .argument('<mountpoint>')
    .addHelpText('after', '\nExample:\n  tsoverlayfs options /mnt')
    .action((mountpoint: string) => {
      const found = mountOn(Buffer.from(mountpoint).toString('latin1'))
      const state = found === null ? null : stateFile.readState(found.device)
      if (state === null) fail(`'${mountpoint}' is not a live mount of tsoverlayfs`, 1)
      process.stdout.write(Buffer.from(`${state.options}\n`, 'latin1'))
    })
  root.addCommand(installCommand())
  root.addCommand(doctorCommand())
  return root
}

/** Run the command line of this process. */
export async function main(): Promise<void> {
  // A reader that went away (`tsoverlayfs --help | head`) is no failure.
  process.stdout.on('error', () => process.exit(0))
  const invocation = readInvocation()
  if (invocation.command === 'mount') {
    await runMount(invocation)
    return
  }
  const root = program(invocation.name)
  if (invocation.command === 'help') {
    root.outputHelp()
    return
  }
  for (const command of [root, ...root.commands]) {
    command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  }
  const words = invocation.command === 'version' ? ['--version'] : process.argv.slice(2)
  await root.parseAsync(words, { from: 'user' })
}
