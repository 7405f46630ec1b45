/**
 * What serves a mount beside the thread that asked for it: a worker thread that speaks to the kernel,
 * or a process that does it through libfuse.
 */
import { fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { AsidePerformer } from './aside/performer.js'
import type { MountOptions } from './config/mount-options.js'
import type { WorkerOrder, WorkerReport } from './worker.js'

/** Who carries requests between the kernel and the file system. */
export type TransportName = 'kernel' | 'libfuse'

/** Set for the process that serves through libfuse: the program is the caller's own. */
export const SERVE_VARIABLE = 'TSOVERLAYFS_SERVE'

/** What is heard of a server. */
export interface ServerEvents {
  readonly report: (report: WorkerReport) => void
  /** It broke down. */
  readonly lost: (error: Error) => void
  /** It is gone; nothing is heard any more. */
  readonly exited: () => void
}

function startWorker(program: string, options: MountOptions, events: ServerEvents): void {
  const aside = new AsidePerformer()
  const order: WorkerOrder = { options, line: aside.line }
  const worker = new Worker(program, {
    workerData: order,
    transferList: [aside.line.port],
    stdin: false,
  })
  worker.on('message', events.report)
  worker.on('error', events.lost)
  worker.on('exit', () => {
    aside.close()
    events.exited()
  })
}

/** How much of what libfuse says before the mount is live is kept for a message, characters. */
const SAID_CHARS = 2000

function startProcess(program: string, options: MountOptions, events: ServerEvents): void {
  const child = fork(program, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, [SERVE_VARIABLE]: 'libfuse' },
  })
  let said = ''
  let isLive = false
  let failed: (WorkerReport & { readonly kind: 'failed' }) | null = null
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (isLive) process.stderr.write(text)
    else said = (said + text).slice(-SAID_CHARS)
  })
  child.on('message', (report: WorkerReport) => {
    if (report.kind === 'failed') {
      failed = report
      return
    }
    if (report.kind === 'mounted') {
      isLive = true
      process.stderr.write(said)
    }
    events.report(report)
  })
  child.on('error', events.lost)
  // Only now all that libfuse had to say is here.
  child.on('close', () => {
    if (failed !== null) {
      const reason = said.trim().split('\n').join('; ')
      const message = reason === '' ? failed.message : `${failed.message}: ${reason}`
      events.report({ ...failed, message })
    }
    events.exited()
  })
  child.send(options)
}

/** Start a server. @param program file that runs `runWorker` or `runLibfuseProcess` */
export function startServer(
  transport: TransportName,
  program: string,
  options: MountOptions,
  events: ServerEvents,
): void {
  const start = transport === 'kernel' ? startWorker : startProcess
  start(program, options, events)
}
