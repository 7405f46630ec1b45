/**
 * The command line: which command, in which of the forms that people and container engines use. The
 * same bundle is the program of the worker thread.
 */
import './commands/preflight.js'
import { isMainThread } from 'node:worker_threads'
import { runWorker } from '../src/index.js'
import { main } from './commands/main.js'

if (isMainThread) void main()
else runWorker()
