/**
 * A process that hosts many sessions of ours: threads are kept for the next mount, so a mount costs
 * milliseconds instead of a process start. Runs until its parent disconnects.
 */
import { promises } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { MountOptions } from '../../src/config/mount-options.js'
import { splitOptions } from '../../src/config/option-words.js'
import { parseOptions } from '../../src/config/parse-options.js'
import { serveThroughLibfuse } from '../../src/libfuse-process.js'
import type { WorkerReport } from '../../src/worker.js'
import type { HostEvent, HostRequest } from './mount-host-protocol.js'

const workerProgram = process.argv[2] ?? ''
/** `libfuse`: this thread serves all mounts, since libfuse's addon works on no other. */
const transport = process.argv[3] ?? 'kernel'
const idle: Worker[] = []

function tell(event: HostEvent): void {
  if (process.connected) process.send?.(event)
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/**
 * How the mounts differ from what the scenario says, from the environment: TSOVERLAYFS_ENGINE set,
 * the layers are an engine's, mounted with these options besides; `wh-file` among them: whiteouts are
 * `.wh.` files.
 */
const engineWords = process.env['TSOVERLAYFS_ENGINE']?.split(',')

function variant(options: MountOptions): MountOptions {
  if (engineWords?.includes('wh-file') !== true) return options
  return { ...options, overlay: { ...options.overlay, whiteouts: 'wh-file' } }
}

function optionsOf({ mount }: HostRequest): MountOptions {
  const words = [`transport=${transport}`, mount.options, ...(engineWords ?? [])]
  const options = parseOptions({
    dialect: engineWords === undefined ? 'kernel' : 'fuse-overlayfs',
    words: splitOptions(words.join(',')),
    mountpoint: mount.target,
    source: 'tsoverlayfs',
    subtype: 'tsoverlayfs',
    foreground: true,
    debug: false,
    isRoot: true,
  })
  return variant(options)
}

/** Tell of a report; returns whether the mount is over. */
function retell({ id, mount }: HostRequest, report: WorkerReport): boolean {
  switch (report.kind) {
    case 'mounted':
      promises.statfs(Buffer.from(mount.target, 'latin1')).then(
        () => tell({ kind: 'mounted', id, error: null }),
        (error: unknown) => tell({ kind: 'mounted', id, error: text(error) }),
      )
      return false
    case 'failed':
      tell({ kind: 'mounted', id, error: report.message })
      return true
    case 'ended':
      tell({ kind: 'ended', id, error: report.end === 'unmounted' ? null : report.end })
      return true
  }
}

/** Serve one mount in a thread; the thread is free again after the session's end. */
function runInThread(request: HostRequest): void {
  const worker = idle.pop() ?? new Worker(workerProgram)
  const hear = (report: WorkerReport): void => {
    if (!retell(request, report)) return
    worker.removeListener('message', hear)
    worker.removeListener('error', lose)
    idle.push(worker)
  }
  const lose = (error: unknown): void => {
    tell({ kind: 'ended', id: request.id, error: text(error) })
  }
  worker.on('message', hear)
  worker.on('error', lose)
  worker.postMessage(optionsOf(request))
}

function run(request: HostRequest): void {
  if (transport === 'kernel') runInThread(request)
  else serveThroughLibfuse(optionsOf(request), (report) => void retell(request, report))
}

process.on('message', (message) => {
  const request = message as HostRequest
  try {
    run(request)
  } catch (error) {
    tell({ kind: 'mounted', id: request.id, error: text(error) })
  }
})
process.on('disconnect', () => process.exit(0))
