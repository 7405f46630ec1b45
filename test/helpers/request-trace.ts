/**
 * Which FUSE requests an operation costs: the program under test runs in the foreground with its
 * request log on, and what it logs between two marks is counted. The kernel queues requests in
 * order, so a look-up of a name made up for the purpose ends the count of everything before it,
 * RELEASE included.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  type FSWatcher,
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  watch,
} from 'node:fs'
import { errnoName } from '../../src/sys/errno.js'
import { FileStat, statAt } from '../../src/sys/stat.js'
import { candidate, makeLayerOptions, runCommand, waitForEnd } from './program-mount.js'
import { close, openPath } from '../../src/sys/open.js'
import { O_DIRECTORY, O_RDONLY } from '../../src/sys/constants.js'

/** One request as the log tells it. */
export interface TracedRequest {
  readonly name: string
  /** The line itself, for marks and for messages. */
  readonly line: string
}

/** `12 LOOKUP node 1 "name", uid 0 ...`, behind what the debug package puts before it. */
const OWN_FORMAT = /\b\d+(?: \(resent\))? ([A-Z][A-Z0-9_]+) node \d+/
/** libfuse's `-d`, so that the same table can be made for a peer. */
const LIBFUSE_FORMAT = /^unique: \d+, opcode: ([A-Z0-9_]+) /

/** Read one line of a request log; null for lines of another kind. */
export function parseTraceLine(line: string): TracedRequest | null {
  const name = (OWN_FORMAT.exec(line) ?? LIBFUSE_FORMAT.exec(line))?.[1]
  return name === undefined ? null : { name, line }
}

/** Not caused by what the user does, or at a moment of the kernel's own choosing. */
const BACKGROUND = new Set(['FORGET', 'BATCH_FORGET', 'INTERRUPT'])

/** A mount whose requests are counted. */
export class TracedMount {
  readonly merged: string
  readonly #server: ChildProcess
  readonly #marks = new Map<string, () => void>()
  readonly #libfuse: boolean
  #root = -1
  #watcher: FSWatcher | null = null
  #seen: TracedRequest[] = []
  #lookups = 0
  #counter = 0

  private constructor(merged: string, server: ChildProcess, libfuse: boolean) {
    this.merged = merged
    this.#server = server
    this.#libfuse = libfuse
  }

  /** Mount the candidate over `lower` in the foreground; resolves when it serves. */
  static async start(base: string, lower: string): Promise<TracedMount> {
    const options = makeLayerOptions(base, lower)
    const merged = `${base}/merged`
    const libfuse = process.env['TSOVERLAYFS_CANDIDATE'] !== undefined
    const words = libfuse ? ['-f', '-d'] : ['mount', '-f']
    const log = `${base}/requests.log`
    const logFd = openSync(log, 'ax')
    const server = spawn(candidate(), [...words, '-o', options, merged], {
      env: { ...process.env, DEBUG: 'tsoverlayfs:fuse:in', DEBUG_COLORS: 'no', NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', logFd],
    })
    closeSync(logFd)
    const mount = new TracedMount(merged, server, libfuse)
    const ended = once(server, 'exit').then(([code]) => {
      throw new Error(
        `${candidate()} ended with ${String(code)} before it served: ${readFileSync(log, 'latin1')}`,
      )
    })
    await Promise.race([mount.#follow(log), ended])
    // From here on an exit is what close() waits for.
    ended.catch(() => undefined)
    mount.#root = openPath(merged, O_RDONLY | O_DIRECTORY)
    if (mount.#root < 0) throw new Error(`open ${merged}: ${errnoName(mount.#root)}`)
    return mount
  }

  /** Directory descriptor of the mount's root: names relative to it cost no walk. */
  get root(): number {
    return this.#root
  }

  /**
   * Resolves with the first request, which is INIT: the mount is made then. The log goes to a file,
   * not to a pipe: this process waits in system calls that the server answers, and could not empty
   * a pipe on which the server waits.
   */
  #follow(log: string): Promise<void> {
    return new Promise((resolve) => {
      let rest = ''
      const fd = openSync(log, 'r')
      const buffer = Buffer.alloc(1 << 16)
      const read = (): void => {
        for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) {
          const lines = (rest + buffer.latin1Slice(0, got)).split('\n')
          rest = lines.pop() ?? ''
          for (const line of lines) this.#line(line, resolve)
        }
      }
      this.#watcher = watch(log, read)
      this.#watcher.on('close', () => closeSync(fd))
      read()
    })
  }

  #line(line: string, served: () => void): void {
    this.#markIn(line)
    const request = parseTraceLine(line)
    if (request === null) return
    if (request.name === 'INIT') served()
    if (!BACKGROUND.has(request.name) && !this.#isOwn(line)) this.#seen.push(request)
  }

  /** Whether a thread of the server itself asked: it looks once whether the mount answers. */
  #isOwn(line: string): boolean {
    const thread = / pid (\d+)$/.exec(line)?.[1]
    return thread !== undefined && existsSync(`/proc/${String(this.#server.pid)}/task/${thread}`)
  }

  #markIn(line: string): void {
    for (const [mark, seen] of this.#marks) if (line.includes(mark)) seen()
  }

  /** Wait until everything asked so far is in the log. */
  async #settle(): Promise<void> {
    const mark = `request-mark-${this.#counter++}`
    const seen = new Promise<void>((resolve) => this.#marks.set(mark, resolve))
    const result = statAt(this.#root, mark, new FileStat())
    if (result >= 0) throw new Error(`${mark} exists`)
    await seen
    this.#marks.delete(mark)
    this.#lookups++
  }

  /**
   * Count the requests that `work` causes, by name. The descriptor of the root has been used just
   * before, so that no request is due to stale attributes of the root itself.
   */
  async count(work: () => void | Promise<void>): Promise<Record<string, number>> {
    await this.#settle()
    this.#seen = []
    await work()
    await this.#settle()
    const counts: Record<string, number> = {}
    for (const { name } of this.#withoutMark()) counts[name] = (counts[name] ?? 0) + 1
    return counts
  }

  /** The mark is a LOOKUP as well; libfuse logs its name on a line of its own. */
  #withoutMark(): TracedRequest[] {
    const last = this.#seen.findLastIndex(({ name }) => name === 'LOOKUP')
    if (last < 0) throw new Error(`no mark in the log after ${String(this.#lookups)} look-ups`)
    const mark = this.#seen[last]
    if (!this.#libfuse && mark?.line.includes('request-mark-') !== true) {
      throw new Error(`not a mark: ${mark?.line ?? ''}`)
    }
    return this.#seen.slice(0, last)
  }

  /** Unmount and wait for the server's end. */
  async close(): Promise<void> {
    this.#letGo()
    await runCommand('umount', [this.merged])
    if (this.#server.pid !== undefined) await waitForEnd([this.#server.pid])
  }

  /** For the teardown: let go of the mount and end the server, whatever state they are in. */
  abandon(): void {
    this.#letGo()
    if (this.#server.exitCode === null) this.#server.kill('SIGKILL')
  }

  #letGo(): void {
    this.#watcher?.close()
    this.#watcher = null
    if (this.#root >= 0) close(this.#root)
    this.#root = -1
  }
}

/** At most so many requests of each kind; kinds not named must not come at all. */
export type RequestBudget = Readonly<Record<string, number>>

/** What a count exceeds its budget by, in words; empty when it keeps to it. */
export function overBudget(
  counts: Readonly<Record<string, number>>,
  budget: RequestBudget,
): string[] {
  return Object.entries(counts)
    .filter(([name, count]) => count > (budget[name] ?? 0))
    .map(([name, count]) => `${name}: ${String(count)}, at most ${String(budget[name] ?? 0)}`)
}

/** What each of `items` things costs, from the counts for one and for that many more: start-up cancels out. */
export function costOfEach(
  one: Readonly<Record<string, number>>,
  many: Readonly<Record<string, number>>,
  items: number,
): Record<string, number> {
  const costs = Object.entries(many).map(
    ([name, count]) => [name, (count - (one[name] ?? 0)) / items] as const,
  )
  return Object.fromEntries(costs.filter(([, cost]) => cost > 0))
}
