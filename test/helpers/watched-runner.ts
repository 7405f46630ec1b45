/**
 * A process that makes system calls on mounts under test, one request at a time. They are synchronous
 * and may hang with the daemon, so this side waits only so long, ends it, and starts another.
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { demolish, makeOwnDirectory } from './scratch.js'

/** A request that did not come to an end, or broke down. */
export class RunnerFailed extends Error {
  override readonly name = 'RunnerFailed'
}

interface Runner {
  readonly child: ChildProcess
  readonly directory: string
}

/** Started with the first request, and anew after a failure. */
export class WatchedRunner<Request extends object, Reply extends { readonly error?: string }> {
  readonly #begin: (directory: string) => ChildProcess
  readonly #deadlineMs: number
  #runner: Runner | null = null

  /**
   * @param begin starts the process, whose mounts are all below the directory it is given, with an
   *   IPC channel
   */
  constructor(begin: (directory: string) => ChildProcess, deadlineMs: number) {
    this.#begin = begin
    this.#deadlineMs = deadlineMs
    process.once('exit', this.#removeNow)
  }

  /** Have a request served. Throws a {@link RunnerFailed}. */
  async ask(request: Request): Promise<Reply> {
    const { child } = (this.#runner ??= this.#start())
    child.send(request)
    const reply = await this.#reply(child)
    if (typeof reply !== 'string' && reply.error === undefined) return reply
    await this.close()
    throw new RunnerFailed(typeof reply === 'string' ? reply : reply.error)
  }

  async #reply(child: ChildProcess): Promise<Reply | string> {
    return new Promise<Reply | string>((resolve) => {
      const finish = (reply: Reply | string): void => {
        clearTimeout(timer)
        child.removeListener('message', hear)
        child.removeListener('exit', lost)
        resolve(reply)
      }
      const hear = (message: unknown): void => finish(message as Reply)
      const lost = (code: number | null, signal: string | null): void =>
        finish(`the runner ended (${code ?? signal ?? ''})`)
      const timer = setTimeout(() => {
        finish(`no result within ${this.#deadlineMs} ms`)
      }, this.#deadlineMs)
      child.on('message', hear)
      child.on('exit', lost)
    })
  }

  #start(): Runner {
    const directory = makeOwnDirectory()
    return { child: this.#begin(directory), directory }
  }

  /** End the process and remove everything it made. */
  async close(): Promise<void> {
    const runner = this.#runner
    if (runner === null) return
    this.#runner = null
    const { child, directory } = runner
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.disconnect()
      const stuck = setTimeout(() => child.kill('SIGKILL'), 5000)
      // A runner that waits for a daemon that hangs ends when the connection is aborted.
      const abort = setTimeout(() => demolish(directory), 2000)
      await exited
      clearTimeout(stuck)
      clearTimeout(abort)
    }
    demolish(directory)
  }

  readonly #removeNow = (): void => {
    const runner = this.#runner
    if (runner === null) return
    runner.child.kill('SIGKILL')
    demolish(runner.directory)
  }
}
