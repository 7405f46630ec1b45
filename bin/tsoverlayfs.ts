/**
 * The command line: which command, in which of the forms that people and container engines use. The
 * same bundle is the program of the worker thread, and of the process that serves through libfuse.
 */
import './commands/preflight.js'
import { isMainThread } from 'node:worker_threads'
import { SERVE_VARIABLE, runLibfuseProcess, runWorker } from '../src/index.js'
import { main } from './commands/main.js'

if (!isMainThread) runWorker()
else if (process.env[SERVE_VARIABLE] === 'libfuse') runLibfuseProcess()
else void main()
