/**
 * A thread that serves one mount after another: started once, it costs the next mount neither the
 * start of a thread nor the loading of the program.
 */
import { parentPort } from 'node:worker_threads'
import type { MountOptions } from '../../src/config/mount-options.js'
import { type WorkerReport, runWorker } from '../../src/worker.js'

parentPort?.on('message', (options: MountOptions) => {
  runWorker({ options, line: null }, (report: WorkerReport) => parentPort?.postMessage(report))
})
