/**
 * One temporary directory for everything an engine owns: stores, sockets, state, logs. What was
 * started in it is ended by its process id, and what it mounted is unmounted, whatever happens.
 */
import { spawn } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { bundle } from '../bundle.js'
import { makeOwnDirectory, mountsBelow } from '../scratch.js'
import { processesMentioning, until } from './processes.js'
import { tearDown } from './tear-down.js'

const COMMAND_MS = 90_000
const SETTLE_MS = 8000
const END_MS = 5000

/** How a command ended. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a command needs besides its words. */
export interface EngineCommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly input?: string
}

/** A process that runs beside the test. */
export interface EngineDaemon {
  readonly pid: number
  /** Ask it to end, and make it end; resolves when it has. */
  end: () => Promise<void>
}

/** Starts the process that tears a place down if this one is killed; what ends it otherwise. */
function startGuardian(path: string): () => Promise<void> {
  const program = bundle(process.cwd(), 'test/helpers/engines/guardian.ts')
  const child = spawn(process.execPath, [program], {
    // Not in its command line, where it would be a process of the place.
    env: { ...process.env, NODE_OPTIONS: '', TSOVERLAYFS_PLACE: path },
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return () => {
    child.stdin.end('done')
    return ended
  }
}

/** A directory of its own for one engine. */
export class EnginePlace {
  readonly path = makeOwnDirectory()
  readonly env: Record<string, string>
  readonly #daemons: EngineDaemon[] = []
  readonly #dismissGuardian: () => Promise<void>

  constructor() {
    this.#dismissGuardian = startGuardian(this.path)
    // Ordinary users find their own directory below it.
    chmodSync(this.path, 0o755)
    for (const name of ['home', 'tmp', 'run']) mkdirSync(`${this.path}/${name}`, { mode: 0o700 })
    this.env = {
      HOME: `${this.path}/home`,
      TMPDIR: `${this.path}/tmp`,
      XDG_RUNTIME_DIR: `${this.path}/run`,
      LC_ALL: 'C',
      TZ: 'UTC',
      NODE_OPTIONS: '',
    }
  }

  /** Make a directory; its path. */
  directory(name: string): string {
    const path = `${this.path}/${name}`
    mkdirSync(path, { recursive: true })
    return path
  }

  /** Run a command to the end of its pipes, whatever its exit code. */
  attempt(
    program: string,
    words: readonly string[],
    options: EngineCommandOptions = {},
  ): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, words, {
        cwd: options.cwd ?? this.path,
        env: { ...process.env, ...this.env, ...options.env },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      let stdout = ''
      let stderr = ''
      const limit = setTimeout(() => {
        child.kill('SIGKILL')
        child.stdout.destroy()
        child.stderr.destroy()
        const shown = `${program} ${words.join(' ')}`
        reject(
          new Error(`${shown}: not done, or its pipes held, after ${COMMAND_MS} ms\n${stderr}`),
        )
      }, COMMAND_MS)
      child.stdout.setEncoding('latin1').on('data', (text: string) => (stdout += text))
      child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text))
      // A program that ends without reading its input is judged by its exit code.
      child.stdin.on('error', () => undefined).end(options.input ?? '', 'latin1')
      child.on('error', reject)
      child.on('close', (code) => {
        clearTimeout(limit)
        resolve({ code, stdout, stderr })
      })
    })
  }

  /** Run a command that must succeed; its standard output. */
  async run(
    program: string,
    words: readonly string[],
    options: EngineCommandOptions = {},
  ): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(program, words, options)
    if (code === 0) return stdout
    throw new Error(`${program} ${words.join(' ')}: exit ${String(code)}\n${stderr}${stdout}`)
  }

  /** Start a daemon in a session of its own; its output goes to `log`. */
  start(
    program: string,
    words: readonly string[],
    options: { readonly log: string; readonly env?: Readonly<Record<string, string>> },
  ): EngineDaemon {
    const log = openSync(`${this.path}/${options.log}`, 'a')
    const child = spawn(program, words, {
      cwd: this.path,
      env: { ...process.env, ...this.env, ...options.env },
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    const { pid } = child
    if (pid === undefined) throw new Error(`${program} could not be started`)
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const daemon: EngineDaemon = {
      pid,
      async end() {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), END_MS)
        await gone
        clearTimeout(timer)
      },
    }
    this.#daemons.push(daemon)
    return daemon
  }

  /** The servers of overlays below this place, in whatever mount namespace: their process ids. */
  servers(): number[] {
    const isServer = (words: readonly string[]): boolean =>
      words.some((word) => word.includes('lowerdir=')) &&
      words.some((word) => word.startsWith(`${this.path}/`))
    return processesMentioning(this.path)
      .filter(({ words }) => isServer(words))
      .map(({ pid }) => pid)
  }

  /** FUSE mounts and processes that are still there once things had time to settle. */
  async leftovers(): Promise<string[]> {
    const list = (): string[] => [
      ...mountsBelow(this.path)
        .filter(({ type }) => type.startsWith('fuse'))
        .map(({ target }) => `mount ${target}`),
      ...processesMentioning(this.path).map(
        ({ pid, words }) => `process ${pid} ${words.join(' ')}`,
      ),
    ]
    await until(() => list().length === 0, SETTLE_MS)
    return list()
  }

  /** End, unmount and remove everything. */
  async close(): Promise<void> {
    for (const daemon of this.#daemons.reverse()) await daemon.end()
    await tearDown(this.path)
    await this.#dismissGuardian()
  }
}
