/** The session against bytes: what it answers, and that bad input never gets further than an errno. */
import t from 'tap'
import { DEFERRED } from '../../../src/fuse/raw-filesystem.js'
import { EIO, ENOENT, ENOSYS, FsError, EROFS } from '../../../src/sys/errno.js'
import { Session } from '../../../src/fuse/session/session.js'
import { MemoryTransport } from '../../../src/fuse/transport/memory.js'
import { bytes, errnoOf, filesystem, initRequest, request, serve } from '../../helpers/wire.js'

const LOOKUP = 1
const GETATTR = 3
const UNLINK = 10
const RENAME2 = 45
const READ = 15
const WRITE = 16
const FORGET = 2
const BATCH_FORGET = 42
const OPENDIR = 27
const SETXATTR = 21
const MKDIR = 9

await t.test('INIT settles version, limits and flags', (t) => {
  const transport = new MemoryTransport()
  transport.requests.push(initRequest)
  t.equal(new Session({ transport, filesystem: filesystem({}) }).run(), 'unmounted')
  const [reply] = transport.written
  t.equal(reply?.readUInt32LE(0), 80, 'header and 64 bytes')
  t.equal(reply?.readUInt32LE(16), 7, 'major')
  t.equal(reply?.readUInt32LE(20), 45, 'minor')
  t.equal(reply?.readUInt32LE(36), 1 << 20, 'max_write')
  const flags = reply?.readUInt32LE(28) ?? 0
  t.equal(flags & (1 << 16), 0, 'no write-back cache')
  t.not(flags & (1 << 13), 0, 'readdirplus')
  t.end()
})

await t.test('an older protocol is refused, a newer major answered with ours', (t) => {
  const old = new MemoryTransport()
  old.requests.push(request(26, 2, 0, bytes(7, 20, 0, 0)))
  t.throws(() => new Session({ transport: old, filesystem: filesystem({}) }).run(), /7\.31|7\.20/)
  const newer = new MemoryTransport()
  newer.requests.push(request(26, 2, 0, bytes(8, 0, 0, 0)), initRequest)
  new Session({ transport: newer, filesystem: filesystem({}) }).run()
  t.equal(newer.written[0]?.readUInt32LE(16), 7)
  t.equal(newer.written.length, 2)
  t.end()
})

await t.test('names, ids and errors travel unchanged', (t) => {
  let seen: unknown[] = []
  const [missing, entry] = serve(
    {
      lookup: (ctx, parent, name, out) => {
        seen = [ctx.uid, ctx.gid, ctx.pid, parent, name]
        if (name === 'none') return -ENOENT
        out.nodeid = 7
        out.attributes.inoLo = 0xfffffff0
        out.attributes.inoHi = 5
        out.attributes.sizeBytes = 2 ** 40 + 3
        out.attributes.mode = 0o100644
        out.attributes.mtimeSec = -1
        return 0
      },
    },
    [request(LOOKUP, 4, 1, bytes('none')), request(LOOKUP, 6, 3, bytes('n\xff\xe4'))],
  )
  t.strictSame(seen, [1000, 1001, 4242, 3, 'n\xff\xe4'], 'bytes that are no UTF-8')
  t.strictSame(missing, bytes(16, 0xfffffffe, 4n), 'an error is a bare header')
  t.equal(entry?.length, 16 + 128)
  t.equal(entry?.readBigUInt64LE(8), 6n, 'unique')
  t.equal(entry?.readBigUInt64LE(16), 7n, 'nodeid')
  t.equal(entry?.readBigUInt64LE(16 + 40), 0x5fffffff0n, 'ino')
  t.equal(entry?.readBigUInt64LE(16 + 48), 2n ** 40n + 3n, 'size')
  t.equal(entry?.readBigInt64LE(16 + 72), -1n, 'a time before 1970')
  t.end()
})

await t.test('data is read into and written from the buffers in place', (t) => {
  const written: string[] = []
  const [read, wrote] = serve(
    {
      read: (_ctx, _node, _fh, offset, size, out, at) => {
        out.bytes.latin1Write(`${offset}:${size}`, at)
        return 4
      },
      write: (_ctx, _node, _fh, offset, size, data, at) => {
        written.push(`${offset} ${data.bytes.latin1Slice(at, at + size)}`)
        return size
      },
    },
    [
      request(READ, 4, 9, bytes(0n, 10n, 20, 0, 0n, 0, 0)),
      request(WRITE, 6, 9, bytes(0n, 2n ** 33n, 5, 0, 0n, 0, 0, Buffer.from('hello'))),
    ],
  )
  t.equal(read?.subarray(16).toString(), '10:2')
  t.equal(wrote?.readUInt32LE(16), 5)
  t.strictSame(written, ['8589934592 hello'])
  t.end()
})

await t.test('FORGET is counted and never answered', (t) => {
  const forgotten: [number, number][] = []
  const replies = serve({ forget: (id, count) => forgotten.push([id, count]) }, [
    request(FORGET, 4, 5, bytes(3n)),
    request(BATCH_FORGET, 6, 0, bytes(2, 0, 8n, 1n, 9n, 2n)),
    request(BATCH_FORGET, 8, 0, bytes(1000, 0, 8n, 1n)),
  ])
  t.strictSame(forgotten.slice(0, 3), [[5, 3], [8, 1], [9, 2]]) // prettier-ignore
  t.equal(replies.length, 0)
  t.end()
})

await t.test('failures become errnos', (t) => {
  const [thrown, bug, unknown, opendir] = serve(
    {
      unlink: (_ctx, _parent, name) => {
        if (name === 'a') throw new FsError(EROFS, 'unlink')
        throw new TypeError('a bug')
      },
    },
    [
      request(UNLINK, 4, 1, bytes('a')),
      request(UNLINK, 6, 1, bytes('b')),
      request(9999, 8, 1),
      request(OPENDIR, 10, 1, bytes(0, 0)),
    ],
  )
  t.equal(errnoOf(thrown), EROFS)
  t.equal(errnoOf(bug), EIO)
  t.equal(errnoOf(unknown), ENOSYS)
  t.equal(errnoOf(opendir), ENOSYS, 'the kernel then opens directories by itself')
  t.end()
})

await t.test('a deferred reply is not written, a lost one is undone', (t) => {
  t.strictSame(serve({ getattr: () => DEFERRED }, [request(GETATTR, 4, 1, bytes(0, 0, 0n))]), [])
  let lost = 0
  serve(
    {
      lookup: (_ctx, _parent, _name, out) => {
        out.nodeid = 77
        return 0
      },
      replyLost: (entry) => {
        lost = entry?.nodeid ?? 0
      },
    },
    [request(LOOKUP, 4, 1, bytes('x'))],
    (transport) => transport.writeResults.push(0, -ENOENT),
  )
  t.equal(lost, 77)
  t.end()
})

await t.test('every request cut short at every length gives an error, or is harmless', (t) => {
  let calls = 0
  const count = (): number => {
    calls += 1
    return 0
  }
  const operations = { lookup: count, rename: count, setxattr: count, mkdir: count, unlink: count }
  for (const [opcode, body] of [
    [LOOKUP, bytes('name')],
    [UNLINK, bytes('name')],
    [RENAME2, bytes(2n, 0, 0, 'old', 'new')],
    [SETXATTR, bytes(3, 0, 'user.x', Buffer.from('abc'))],
    [MKDIR, bytes(0o755, 0o22, 'name')],
  ] as const) {
    for (let length = 0; length < body.length; length += 1) {
      calls = 0
      const cut = request(opcode, 4, 1, body.subarray(0, length))
      const replies = serve(operations, [cut])
      t.equal(calls, 0, `opcode ${opcode} with ${length} of ${body.length} bytes is not served`)
      t.equal(replies.length, 1)
      t.not(errnoOf(replies[0]), 0)
    }
  }
  const lying = request(LOOKUP, 4, 1, bytes('name'))
  lying.writeUInt32LE(4000, 0)
  t.not(errnoOf(serve(operations, [lying])[0]), 0, "a length that is not the message's")
  t.end()
})
