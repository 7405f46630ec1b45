/**
 * A mount's life as a process: leave the caller, mount, say that it is ready, watch for signals, end
 * with the mount.
 */
import {
  type MountOptions,
  type Mounted,
  MountFailure,
  mount,
  mountOn,
  process as system,
  releaseProgramText,
  showOptions,
  stateFile,
  unmountOrDetach,
} from '../../src/index.js'

/** Descriptor on which the launcher waits for the answer. */
const ANSWER_FD = 3
/** How long a detached mount may still be used after a signal, ms. */
const GRACE_MS = 5000

/** Where messages go: to the launcher's pipe, or to stderr in the foreground. */
export interface Audience {
  readonly background: boolean
  say(line: string): void
  ready(): void
  fail(what: Failure): never
}

/** What failed: the mount, or already the reading of the command line. */
export type Failure = 'mount' | 'command-line'

/** Exit statuses by what failed. */
export type ExitCodes = Readonly<Record<Failure, number>>

/** Find out who listens. In the background: leave the caller's session and descriptors at once. */
export function findAudience(codes: ExitCodes): Audience {
  const inherited = process.env['TSOVERLAYFS_INHERITED']
  if (inherited === undefined) {
    return {
      background: false,
      say: (line) => process.stderr.write(`tsoverlayfs: ${line}\n`),
      ready: () => undefined,
      fail: (what) => system.exitHard(codes[what]),
    }
  }
  system.newSession()
  const numbers = inherited
    .split(' ')
    .filter((word) => word !== '')
    .map(Number)
  system.closeInherited(numbers, ANSWER_FD)
  return {
    background: true,
    say: (line) => {
      system.writeText(ANSWER_FD, `tsoverlayfs: ${line}\n`)
    },
    ready: () => {
      system.writeText(ANSWER_FD, 'ready')
      system.closeFd(ANSWER_FD)
    },
    fail: (what) => {
      system.writeText(ANSWER_FD, `fail ${String(codes[what])}`)
      return system.exitHard(codes[what])
    },
  }
}

function watchSignals(mounted: Mounted): void {
  let stopping = false
  const stop = (): void => {
    if (stopping) return
    stopping = true
    unmountOrDetach(mounted)
    setTimeout(() => system.exitHard(0), GRACE_MS).unref()
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop)
  process.on('SIGPIPE', () => undefined)
}

/** Mount, serve until the mount is gone, and end the process. */
export async function runDaemon(options: MountOptions, audience: Audience): Promise<void> {
  for (const warning of options.warnings) audience.say(warning)
  const mounted = await start(options, audience)
  const device = mountOn(mounted.mountpoint)?.device ?? ''
  if (device !== '') {
    const { mountpoint } = mounted
    const transport = mounted.transport === 'libfuse' ? 'libfuse' : options.mount.transport
    const settled = { ...options, mount: { ...options.mount, transport } }
    const state = { pid: process.pid, mountpoint, options: showOptions(settled) }
    if (!stateFile.writeState(device, state) && !audience.background) {
      audience.say("no run-time directory can be written: 'tsoverlayfs options' will not know it")
    }
  }
  watchSignals(mounted)
  for (const warning of mounted.warnings) audience.say(warning)
  if (audience.background) process.chdir('/')
  audience.ready()
  releaseProgramText()
  await mounted.ended
  if (device !== '') stateFile.removeState(device)
  process.exit(0)
}

async function start(options: MountOptions, audience: Audience): Promise<Mounted> {
  try {
    return await mount(options, __filename)
  } catch (error) {
    audience.say(
      error instanceof MountFailure || error instanceof Error ? error.message : String(error),
    )
    return audience.fail('mount')
  }
}
