/** Requests that wait for something long, and are asked again. */
import t from 'tap'
import { type Connection, PARKED } from '../../../../src/fuse/raw-filesystem.js'
import { Session } from '../../../../src/fuse/session/session.js'
import { MemoryTransport } from '../../../../src/fuse/transport/memory.js'
import { ENOENT } from '../../../../src/sys/errno.js'
import { bytes, errnoOf, filesystem, initRequest, request } from '../../../helpers/wire.js'

const lookupOf = (name: string, unique: number): Buffer => request(1, unique, 1, bytes(name))

await t.test('parked requests are served anew, in their order, when told', (t) => {
  const transport = new MemoryTransport()
  const names = ['long a', 'short', 'long b', 'long a']
  transport.requests.push(initRequest, ...names.map((name, index) => lookupOf(name, 4 + 2 * index)))
  const asked: string[] = []
  let connection: Connection | null = null
  let ready = false
  const session = new Session({
    transport,
    filesystem: filesystem({
      init: (made) => {
        connection = made
      },
      lookup: (ctx, _parent, name) => {
        asked.push(`${name} ${ctx.uniqueLo} of ${ctx.uid}`)
        session.pollFd = 9
        return name.startsWith('long') && !ready ? PARKED : -ENOENT
      },
    }),
  })
  // What ends ahead of time lets all be parked again; the second time they are answered.
  let polls = 0
  session.onPoll = () => {
    ready = ++polls === 2
    connection?.retryParked()
  }
  transport.waitResults.push(1, 1, 1, 2, 2)
  session.run()
  t.strictSame(asked, [
    'long a 4 of 1000',
    'short 6 of 1000',
    'long b 8 of 1000',
    'long a 10 of 1000',
    'long a 4 of 1000',
    'long b 8 of 1000',
    'long a 10 of 1000',
    'long a 4 of 1000',
    'long b 8 of 1000',
    'long a 10 of 1000',
  ])
  const replies = transport.written.slice(1)
  t.strictSame(
    replies.map((reply) => Number(reply.readBigUInt64LE(8))),
    [6, 4, 8, 10],
  )
  t.ok(
    replies.every((reply) => errnoOf(reply) === ENOENT),
    'all are answered',
  )
  t.end()
})
