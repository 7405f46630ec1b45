/** A test process that makes a place, fills it, says where it is, and waits to be killed. */
import { mount } from '../syscalls.js'
import { EnginePlace } from './place.js'

const place = new EnginePlace()
const directory = place.directory('mounted')
if (mount('none', directory, 'tmpfs', 0, '') < 0) throw new Error('tmpfs')
// The child of the daemon does not mention the place.
const script = 'sleep 1000 & echo $! >"$0/child"; wait'
const daemon = place.start('sh', ['-c', script, place.path], { log: 'log' })
process.stdout.write(JSON.stringify({ path: place.path, daemon: daemon.pid }) + '\n')
setInterval(() => undefined, 1000)
