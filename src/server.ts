/**
 * What serves a mount beside the thread that asked for it: a worker thread that speaks to the kernel,
 * or a process that does it through libfuse.
 */
import { fork } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { AsidePerformer } from './aside/performer.js'
import type { MountOptions } from './config/mount-options.js'
import { textOf } from './util/byte-text.js'
import { showBytes } from './util/debug.js'
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

/** Half of what V8 would take: nodes live long, and what does not is small. */
const YOUNG_GENERATION_MIB = 24

function startWorker(program: string, options: MountOptions, events: ServerEvents): void {
  const aside = new AsidePerformer()
  const order: WorkerOrder = { options, line: aside.line }
  const worker = new Worker(program, {
    workerData: order,
    transferList: [aside.line.port],
    stdin: false,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
  })
  worker.on('message', events.report)
  worker.on('error', events.lost)
  worker.on('exit', () => {
    aside.close()
    events.exited()
  })
}

function startProcess(program: string, options: MountOptions, events: ServerEvents): void {
  // The words are for those who look at the list of processes.
  const words = ['serve', textOf(options.mount.mountpoint) ?? showBytes(options.mount.mountpoint)]
  const child = fork(program, words, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    env: { ...process.env, [SERVE_VARIABLE]: 'libfuse' },
  })
  child.on('message', events.report)
  child.on('error', events.lost)
  child.on('exit', events.exited)
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
