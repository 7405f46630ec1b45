/** The implementations that can be compared: kernel overlayfs, a fuse-overlayfs, and ours. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { errnoName } from '../../src/sys/errno.js'
import type { TransportName } from '../../src/server.js'
import { MountHost, plainProgram } from './mount-host-client.js'
import { mountsBelow } from './scratch.js'
import { mount, unmount } from './syscalls.js'

/** One mount to be made. */
export interface MountRequest {
  /** Top-most first. */
  readonly lowers: readonly string[]
  /** One `lowerdir+=` each instead of a list. */
  readonly lowerForm?: 'lowerdir+' | undefined
  /** How many of them, from the last, hold data only. */
  readonly dataLayers?: number | undefined
  /** Both or neither. */
  readonly upper: string | null
  readonly work: string | null
  readonly target: string
  /** More options in mount(8) form; may be empty. */
  readonly options: string
}

/** A live mount. */
export interface MountedSubject {
  /** Unmount, and wait until whoever served the mount is done with the layers. */
  unmount: () => Promise<void>
}

/** Something that mounts overlays. */
export interface Subject {
  readonly name: string
  /** Throws a {@link MountRefused} where the implementation says no. */
  mount: (request: MountRequest) => Promise<MountedSubject>
  close: () => Promise<void>
}

/** The implementation refused to mount; the message is its own. */
export class MountRefused extends Error {
  override readonly name = 'MountRefused'
}

/** A path inside an option: comma, colon and backslash are escaped. */
function escaped(path: string): string {
  return path.replace(/[\\,:]/g, '\\$&')
}

function layerWords({ lowers, lowerForm, dataLayers = 0 }: MountRequest): string[] {
  const firstData = lowers.length - dataLayers
  if (lowerForm === undefined) {
    const list = lowers.map((path, index) => (index < firstData ? ':' : '::') + escaped(path))
    return [`lowerdir=${list.join('').slice(1)}`]
  }
  return lowers.map((path, index) => `${index < firstData ? 'lowerdir' : 'datadir'}+=${path}`)
}

/** The option text of a request, in the form that mount(8) takes. */
export function optionText(request: MountRequest): string {
  const words = layerWords(request)
  if (request.upper !== null) words.push(`upperdir=${request.upper}`)
  if (request.work !== null) words.push(`workdir=${request.work}`)
  if (request.options !== '') words.push(request.options)
  return words.join(',')
}

function unmountOrDetach(target: string): void {
  const result = unmount(target)
  if (result === 0) return
  const detached = unmount(target, 'lazy')
  throw new Error(`unmount ${target}: ${errnoName(result)}, lazily: ${errnoName(detached)}`)
}

/** Kernel overlayfs. */
export function kernelSubject(name = 'kernel'): Subject {
  return {
    name,
    mount: (request) => {
      const result = mount('overlay', request.target, 'overlay', 0, optionText(request))
      if (result < 0) return Promise.reject(new MountRefused(errnoName(result)))
      const unmountKernel = (): Promise<void> => {
        unmountOrDetach(request.target)
        return Promise.resolve()
      }
      return Promise.resolve({ unmount: unmountKernel })
    },
    close: () => Promise.resolve(),
  }
}

/**
 * Start a program with an extra pipe that it passes on to its daemon, so that the pipe's end is the
 * daemon's.
 */
function startWithLifeline(
  program: string,
  words: readonly string[],
): {
  child: ChildProcess
  stderr: () => string
  ended: Promise<void>
} {
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  let text = ''
  child.stderr?.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
  const lifeline = child.stdio[3] as Duplex
  lifeline.resume()
  const ended = new Promise<void>((resolve) => {
    lifeline.once('close', () => resolve())
  })
  return { child, stderr: () => text, ended }
}

/** A program called as container engines call fuse-overlayfs: it returns once the mount is live. */
export function peerSubject(program: string): Subject {
  return {
    name: program,
    mount: async (request) => {
      const words = ['-o', optionText(request), request.target]
      const { child, stderr, ended } = startWithLifeline(program, words)
      const [code] = (await once(child, 'exit')) as [number | null]
      child.stderr?.destroy()
      if (code !== 0) throw new MountRefused(`exit ${String(code)}: ${stderr().trim()}`)
      return {
        unmount: async () => {
          unmountOrDetach(request.target)
          await ended
        },
      }
    },
    close: () => Promise.resolve(),
  }
}

const POLL_MS = 2
const MOUNT_DEADLINE_MS = 15_000

async function untilMounted(child: ChildProcess, target: string): Promise<void> {
  const deadline = Date.now() + MOUNT_DEADLINE_MS
  while (child.exitCode === null && child.signalCode === null) {
    if (mountsBelow(target).some((found) => found.target === target)) return
    if (Date.now() > deadline) throw new Error(`${target} was not mounted in time`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Our program in the foreground: `bin/tsoverlayfs mount -f`. */
export function programSubject(program: string): Subject {
  return {
    name: program,
    mount: async (request) => {
      const words = ['mount', '-f', '-o', optionText(request), request.target]
      const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'pipe'] })
      let stderr = ''
      child.stderr.setEncoding('latin1').on('data', (chunk: string) => (stderr += chunk))
      const exited = once(child, 'exit')
      await untilMounted(child, request.target)
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new MountRefused(`exit ${String(child.exitCode)}: ${stderr.trim()}`)
      }
      return {
        unmount: async () => {
          unmountOrDetach(request.target)
          await exited
        },
      }
    },
    close: () => Promise.resolve(),
  }
}

/**
 * Ours, many sessions in one process: what makes thousands of mounts affordable.
 * @param ownOptions options beside those of the comparison, such as `passthrough=off`
 */
export function hostedSubject(
  checkout: string,
  transport: TransportName = 'kernel',
  ownOptions = '',
): Subject {
  const host = new MountHost(checkout, { ...plainProgram, transport })
  return {
    name: transport === 'kernel' ? 'ours' : transport,
    mount: async (request) => {
      const words = [optionText(request), ownOptions].filter((part) => part !== '').join(',')
      const refusal = await host.mount(request.target, words)
      if (refusal !== null) throw new MountRefused(refusal)
      return {
        unmount: async () => {
          unmountOrDetach(request.target)
          await host.ended(request.target)
        },
      }
    },
    close: () => host.close(),
  }
}

/**
 * Choose what is compared with the kernel: `kernel`, `ours` (in one host process), `ours:OPTIONS`
 * (with options of our own), `libfuse` (ours through libfuse 2), `program` (`bin/tsoverlayfs`, one process a mount), or the path or name of a
 * program like fuse-overlayfs.
 */
export function subjectByName(name: string, checkout: string): Subject {
  if (name === 'kernel') return kernelSubject('kernel again')
  if (name === 'ours') return hostedSubject(checkout)
  if (name.startsWith('ours:')) return hostedSubject(checkout, 'kernel', name.slice(5))
  if (name === 'libfuse') return hostedSubject(checkout, 'libfuse')
  if (name === 'program') {
    const program = `${checkout}/bin/tsoverlayfs`
    if (!existsSync(program)) throw new Error(`${program} is missing: npm run build`)
    return programSubject(program)
  }
  return peerSubject(name)
}

/** What TSOVERLAYFS_CANDIDATE asks for; ours by default. */
export function candidateName(): string {
  return process.env['TSOVERLAYFS_CANDIDATE'] ?? 'ours'
}

/** Whether the candidate is this program, in one form or another. */
export function isOurs(): boolean {
  return /^(?:ours(?:$|:)|program$|libfuse$)/.test(candidateName())
}
