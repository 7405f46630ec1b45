/**
 * A process of its own that tears a place down when the test process ends without having done so:
 * killed by a time limit, for example. It learns this from the end of its standard input.
 */
import { rmSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { tearDown } from './tear-down.js'

/** What the test process says when nothing is left to do. */
const DONE = 'done'

const place = process.env['TSOVERLAYFS_PLACE']
if (place === undefined) throw new Error('TSOVERLAYFS_PLACE is not set')
if ((await text(process.stdin)) !== DONE) {
  // The bundle of this program is otherwise removed by the test process.
  rmSync(fileURLToPath(import.meta.url), { force: true })
  await tearDown(place)
}
