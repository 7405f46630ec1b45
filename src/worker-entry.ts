/** Program of the worker thread when the library, not the bundle, is used. */
import { runWorker } from './worker.js'

runWorker()
