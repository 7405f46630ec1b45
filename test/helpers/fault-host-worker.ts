/** The thread that serves mounts, with faults at its system calls. The order of imports matters. */
import './faulty-calls.js'
import './mount-host-worker.js'
