/**
 * Program of what serves a mount when the library, not the bundle, is used: a worker thread, or a
 * process for libfuse.
 */
import { isMainThread } from 'node:worker_threads'
import { runLibfuseProcess } from './libfuse-process.js'
import { runWorker } from './worker.js'

if (isMainThread) runLibfuseProcess()
else runWorker()
