/** The loop around requests: device errors, ends, failing writes, deferred work, who may ask. */
import t from 'tap'
import {
  DEFERRED,
  type Connection,
  type OpenReply,
  type RawFilesystem,
} from '../../../../src/fuse/raw-filesystem.js'
import { KernelNotifier } from '../../../../src/fuse/session/notify.js'
import { Session, type SessionLogs } from '../../../../src/fuse/session/session.js'
import { MemoryTransport } from '../../../../src/fuse/transport/memory.js'
import {
  EACCES,
  EAGAIN,
  ECONNABORTED,
  EINTR,
  EINVAL,
  EIO,
  ENODEV,
  ENOENT,
  ENOSYS,
  EOPNOTSUPP,
  EPERM,
} from '../../../../src/sys/errno.js'
import { bytes, errnoOf, filesystem, initRequest, request, serve } from '../../../helpers/wire.js'

const lookupOf = (name: string, unique = 4): Buffer => request(1, unique, 1, bytes(name))
const openOf = request(14, 6, 9, bytes(0, 0))
const createOf = request(35, 8, 1, bytes(0, 0o644, 0, 0, 'name'))

/** Logs that keep what they are told. */
function listen(): { log: SessionLogs; told: string[] } {
  const told: string[] = []
  const log = (name: string) =>
    Object.assign(
      (format: string, ...values: unknown[]) => {
        let text = format
        for (const value of values) text = text.replace(/%[sd]/, () => String(value))
        told.push(`${name} ${text}`)
      },
      { enabled: true },
    )
  return { log: { in: log('in'), out: log('out'), session: log('session'), bug: log('bug') }, told }
}

await t.test('device errors', (t) => {
  const transport = new MemoryTransport()
  transport.requests.push(-EINTR, initRequest, -EAGAIN, -ENOENT, -EINTR, lookupOf('x'))
  const session = new Session({ transport, filesystem: filesystem({ lookup: () => 0 }) })
  t.equal(session.run(), 'unmounted')
  t.equal(transport.written.length, 2)
  t.notOk(transport.closed, "the transport is the caller's")

  const aborted = new MemoryTransport()
  aborted.requests.push(initRequest, -ECONNABORTED)
  t.equal(new Session({ transport: aborted, filesystem: filesystem({}) }).run(), 'aborted')

  const broken = new MemoryTransport()
  broken.requests.push(-EPERM)
  let destroyed = 0
  const options = {
    transport: broken,
    filesystem: filesystem({ destroy: () => void destroyed++ }),
  }
  t.throws(() => new Session(options).run(), { message: /EPERM/ })
  t.equal(destroyed, 1)
  t.end()
})

await t.test('promises that did not arrive are taken back', (t) => {
  const lost: unknown[] = []
  const operations: Partial<RawFilesystem> = {
    lookup: (_ctx, _parent, name, out) => {
      out.nodeid = name === 'none' ? 0 : 70
      return 0
    },
    open: (_ctx, _nodeid, _flags, _openFlags, out) => {
      out.fh = 71
      return 0
    },
    create: (_ctx, _parent, _name, _flags, _mode, _umask, _openFlags, entry, out) => {
      entry.nodeid = 72
      out.fh = 73
      return 0
    },
    unlink: () => 0,
    replyLost: (entry, open: OpenReply | null) => {
      lost.push([entry?.nodeid ?? null, open?.fh ?? null])
    },
  }
  const lose = (message: Buffer): unknown[] => {
    serve(operations, [message], (transport) => transport.writeResults.push(0, -ENOENT))
    return lost.splice(0)
  }
  t.strictSame(lose(lookupOf('some')), [[70, null]])
  t.strictSame(lose(lookupOf('none')), [], 'a negative entry promises nothing')
  t.strictSame(lose(openOf), [[null, 71]])
  t.strictSame(lose(createOf), [[72, 73]])
  t.strictSame(lose(request(10, 6, 1, bytes('name'))), [])
  t.strictSame(lose(lookupOf('..')), [], 'nor does an error')
  t.end()
})

await t.test('a reply the kernel refuses becomes EIO for its caller', (t) => {
  const { log, told } = listen()
  const transport = new MemoryTransport()
  transport.requests.push(initRequest, lookupOf('x'))
  transport.writeResults.push(0, -EINVAL)
  new Session({ transport, filesystem: filesystem({ lookup: () => 0 }), log }).run()
  t.strictSame(transport.written.map(errnoOf), [0, 0, EIO])
  t.match(
    told.filter((line) => line.startsWith('bug')),
    [/LOOKUP/],
  )
  const gone = new MemoryTransport()
  gone.requests.push(initRequest, lookupOf('x'))
  gone.writeResults.push(0, -ENODEV)
  t.equal(
    new Session({ transport: gone, filesystem: filesystem({ lookup: () => 0 }) }).run(),
    'unmounted',
  )
  t.equal(gone.written.length, 2, 'after the end nothing more is said')
  t.end()
})

await t.test('results that the kernel could not be told', (t) => {
  const unlink = request(10, 4, 1, bytes('name'))
  const read = request(15, 4, 1, bytes(0n, 0n, 8, 0, 0n, 0, 0))
  for (const [result, expected] of [
    [-512, EIO],
    [-1e9, EIO],
    [-1.5, EIO],
    [NaN, EIO],
    [-ENOSYS, EOPNOTSUPP],
    [-511, 511],
  ] as const) {
    t.equal(errnoOf(serve({ unlink: () => result }, [unlink])[0]), expected, `unlink ${result}`)
  }
  for (const result of [9, 2.5, 2 ** 32]) {
    t.equal(errnoOf(serve({ read: () => result }, [read])[0]), EIO, `read ${result} of 8`)
  }
  t.strictSame(
    serve({ unlink: () => 5 }, [unlink]),
    [bytes(16, 0, 4n)],
    'no body where none belongs',
  )
  const link = request(5, 4, 1)
  t.not(errnoOf(serve({ readlink: () => 4096 }, [link])[0]), 0, 'a target longer than a path')
  t.end()
})

await t.test('ENOSYS is for what the kernel may forget about, and unknown operations', (t) => {
  const passes = [
    request(21, 4, 1, bytes(1, 0, 0, 0, 'user.x', Buffer.from('v'))),
    request(22, 4, 1, bytes(0, 0, 'user.x')),
    request(23, 4, 1, bytes(0, 0)),
    request(24, 4, 1, bytes('user.x')),
    request(20, 4, 1, bytes(0n, 0, 0)),
    request(30, 4, 1, bytes(0n, 0, 0)),
    request(25, 4, 1, bytes(0n, 0, 0, 0n)),
    request(47, 4, 1, bytes(0n, 0n, 0n, 0n, 0n, 0n, 0n)),
    request(31, 4, 1, Buffer.alloc(48)),
    request(34, 4, 1, Buffer.alloc(8)),
    request(40, 4, 1, Buffer.alloc(24)),
    request(27, 4, 1, Buffer.alloc(8)),
    request(7, 4, 1),
    request(54, 4, 1),
    request(4096, 4, 1),
    request(0xffffffff, 4, 1),
  ]
  for (const message of passes) {
    const opcode = message.readUInt32LE(4)
    t.equal(errnoOf(serve({}, [message])[0]), ENOSYS, `opcode ${opcode}`)
  }
  const never = [
    lookupOf('x'),
    openOf,
    createOf,
    request(43, 4, 1, bytes(0n, 0n, 0n, 0, 0)),
    request(45, 4, 1, bytes(1n, 0, 0, 'a', 'b')),
    request(46, 4, 1, bytes(0n, 0n, 3, 0)),
    request(52, 4, 1, bytes(0, 0, 0n, 0, 0)),
  ]
  for (const message of never) {
    const opcode = message.readUInt32LE(4)
    t.equal(errnoOf(serve({}, [message])[0]), EOPNOTSUPP, `opcode ${opcode}`)
  }
  t.end()
})

await t.test('deferred replies and notifications', (t) => {
  const transport = new MemoryTransport()
  transport.requests.push(initRequest, lookupOf('x', 10), request(36, 11, 0, bytes(10n)))
  let connection: Connection | null = null
  const interrupted: number[][] = []
  const operations: Partial<RawFilesystem> = {
    init: (given) => {
      connection = given
    },
    lookup: () => DEFERRED,
    interrupt: (lo, hi) => void interrupted.push([lo, hi]),
  }
  const session = new Session({ transport, filesystem: filesystem(operations) })
  session.run()
  t.equal(transport.written.length, 1, 'INIT alone is answered')
  t.strictSame(interrupted, [[10, 0]])
  t.equal(session.connection, connection)
  const sent = (act: (on: Connection) => number): Buffer | undefined => {
    if (session.connection === null) throw new Error('no connection')
    t.equal(act(session.connection), 0)
    return transport.written.at(-1)
  }
  t.strictSame(
    sent((on) => on.reply(10, 1, 0)),
    bytes(16, 0, 10, 1),
  )
  t.strictSame(
    sent((on) => on.reply(10, 0, -ENOENT)),
    bytes(16, 2 ** 32 - 2, 10n),
  )
  const body = Buffer.alloc(5000, 'x')
  t.strictSame(
    sent((on) => on.reply(10, 0, 0, body)),
    bytes(5016, 0, 10n, body),
  )
  t.strictSame(
    sent((on) => on.invalidateAttributes(2 ** 33)),
    bytes(40, 2, 0n, 2n ** 33n, 2n ** 64n - 1n, 0n),
  )
  t.strictSame(
    sent((on) => on.bumpEpoch()),
    bytes(16, 8, 0n),
  )
  t.equal(session.connection?.reply(10, 0, -512), -EINVAL)
  t.equal(session.connection?.openBacking(7), 1)
  t.equal(session.connection?.closeBacking(1), 0)
  t.end()
})

await t.test('notifications for another thread', (t) => {
  const transport = new MemoryTransport()
  const notifier = new KernelNotifier(transport)
  notifier.invalidatePages(5, 4096, 8192)
  notifier.invalidateEntry(1, 'n\xff', 'expire')
  notifier.invalidateEntry(1, 'name', 'invalidate')
  notifier.deleteEntry(1, 2 ** 33, 'name')
  notifier.resend()
  t.strictSame(transport.written, [
    bytes(40, 2, 0n, 5n, 4096n, 8192n),
    bytes(16 + 16 + 3, 3, 0n, 1n, 2, 1, 'n\xff'),
    bytes(16 + 16 + 5, 3, 0n, 1n, 4, 0, 'name'),
    bytes(16 + 24 + 5, 6, 0n, 1n, 2n ** 33n, 4, 0, 'name'),
    bytes(16, 7, 0n),
  ])
  t.end()
})

await t.test('a kernel without epochs is not sent one', (t) => {
  const transport = new MemoryTransport()
  const old = Buffer.from(initRequest)
  old.writeUInt32LE(43, 44)
  transport.requests.push(old)
  const session = new Session({ transport, filesystem: filesystem({}) })
  session.run()
  t.equal(session.connection?.bumpEpoch(), -ENOSYS)
  t.equal(transport.written.length, 1)
  t.end()
})

await t.test('deferred work is heard between requests', (t) => {
  const transport = new MemoryTransport()
  transport.requests.push(initRequest, lookupOf('a'), lookupOf('b'), lookupOf('c'))
  const heard: string[] = []
  const session = new Session({
    transport,
    filesystem: filesystem({
      lookup: (_ctx, _parent, name) => {
        heard.push(name)
        if (name === 'a') session.pollFd = 9
        if (name === 'c') session.pollFd = -1
        return -ENOENT
      },
    }),
  })
  session.onPoll = () => {
    heard.push('poll')
    if (heard.length === 2) throw new Error('a poll that fails does not end the session')
  }
  // After a: the other descriptor alone, a signal, then both; after b: a request.
  transport.waitResults.push(2, -EINTR, 3, 1)
  session.run()
  t.strictSame(heard, ['a', 'poll', 'poll', 'b', 'c'])
  t.end()
})

await t.test('allow_root lets in the owner and root', (t) => {
  const ask = (uid: number, message: Buffer): number => {
    const transport = new MemoryTransport()
    const from = Buffer.from(message)
    from.writeUInt32LE(uid, 24)
    transport.requests.push(initRequest, from)
    const operations = { lookup: () => -ENOENT, read: () => 0 }
    new Session({ transport, filesystem: filesystem(operations), onlyUid: 1000 }).run()
    return errnoOf(transport.written[1])
  }
  t.equal(ask(1000, lookupOf('x')), ENOENT)
  t.equal(ask(0, lookupOf('x')), ENOENT)
  t.equal(ask(1001, lookupOf('x')), EACCES)
  const read = request(15, 4, 1, bytes(0n, 0n, 8, 0, 0n, 0, 0))
  t.equal(ask(1001, read), 0, 'what is open stays open')
  t.end()
})

await t.test('the log shows names, not numbers', (t) => {
  const { log, told } = listen()
  const transport = new MemoryTransport()
  transport.requests.push(
    initRequest,
    request(45, 4, 1, bytes(7n, 1, 0, 'n\xff', 'b"')),
    request(35, 6, 1, bytes(0o1101, 0o644, 0o22, 0, 'new')),
    request(2, 8, 5, bytes(3n)),
    request(1, 10, 1, Buffer.from('cut')),
    request(99, 12, 1),
  )
  const operations: Partial<RawFilesystem> = {
    rename: () => -ENOENT,
    create: (_ctx, _parent, _name, _flags, _mode, _umask, _openFlags, entry, open) => {
      entry.nodeid = 44
      open.fh = 3
      open.openFlags = 0x82
      return 0
    },
    forget: () => undefined,
  }
  new Session({ transport, filesystem: filesystem(operations), log }).run()
  const shown = (name: string): string[] => told.filter((line) => line.startsWith(`${name} `))
  const caller = 'uid 1000 gid 1001 pid 4242'
  t.strictSame(shown('in').slice(1), [
    `in 4 RENAME2 node 1 "n\\xff" "b"", newdir 7, flags NOREPLACE, ${caller}`,
    `in 6 CREATE node 1 "new", flags O_WRONLY|O_CREAT|O_TRUNC, mode 0644, umask 022, open_flags 0, ${caller}`,
    `in 8 FORGET node 5, nlookup 3, ${caller}`,
    `in 10 LOOKUP node 1 (unterminated name), ${caller}`,
    'in 12 unknown opcode 99, node 1',
  ])
  t.match(shown('out'), [
    /^out 4 RENAME2: ENOENT, \d+ µs$/,
    /^out 6 CREATE: OK node 44, fh 3 KEEP_CACHE\|PASSTHROUGH, /,
    /^out 8 FORGET: no reply/,
    /^out 10 LOOKUP: EINVAL/,
    /^out 12 unknown: ENOSYS/,
  ])
  t.match(shown('session').join('\n'), /kernel offers FUSE 7\.45.*\n.*agreed on 7\.45[^]*unmounted/)
  t.end()
})
