/** INIT: what is agreed with old and new kernels, as tables; the answer byte for byte. */
import t from 'tap'
import {
  type InitOffer,
  type InitParameters,
  defaultInitParameters,
  negotiate,
} from '../../../../src/fuse/session/init.js'
import {
  acceptedInitFlags,
  hasInitFlag,
  initFlagNames,
  refusedInitFlags,
} from '../../../../src/fuse/protocol/flags/init.js'
import { ProtocolVersionError } from '../../../../src/fuse/session/init.js'
import { Session } from '../../../../src/fuse/session/session.js'
import { MemoryTransport } from '../../../../src/fuse/transport/memory.js'
import { bytes, errnoOf, filesystem, initRequest, request } from '../../../helpers/wire.js'
import { EIO } from '../../../../src/sys/errno.js'

const ALL = 0xffffffff
const offer = (changes: Partial<InitOffer> = {}): InitOffer => ({
  major: 7,
  minor: 45,
  maxReadaheadBytes: 131072,
  flags: ALL,
  flags2: ALL,
  ...changes,
})
const wanted = (changes: Partial<InitParameters> = {}): InitParameters => ({
  ...defaultInitParameters,
  ...changes,
})

/** Names of what a kernel with everything and a mount with everything agree on. */
const EVERYTHING = [
  'ASYNC_READ',
  'ATOMIC_O_TRUNC',
  'BIG_WRITES',
  'DONT_MASK',
  'DO_READDIRPLUS',
  'ASYNC_DIO',
  'PARALLEL_DIROPS',
  'POSIX_ACL',
  'ABORT_ERROR',
  'MAX_PAGES',
  'CACHE_SYMLINKS',
  'NO_OPENDIR_SUPPORT',
  'EXPLICIT_INVAL_DATA',
  'HANDLE_KILLPRIV_V2',
  'SETXATTR_EXT',
  'INIT_EXT',
  'HAS_EXPIRE_ONLY',
  'DIRECT_IO_ALLOW_MMAP',
  'PASSTHROUGH',
  'NO_EXPORT_SUPPORT',
  'HAS_RESEND',
]

function agreed(theirs: InitOffer, ours: InitParameters, pageSize = 4096) {
  const outcome = negotiate(theirs, ours, pageSize)
  if (outcome.kind !== 'agreed') throw new Error(`not agreed: ${outcome.kind}`)
  return outcome.answer
}

function names(answer: { flags: number; flags2: number }): string[] {
  const found: string[] = []
  for (let bit = 0; bit < 64; bit++) {
    if (hasInitFlag(answer.flags, answer.flags2, bit)) found.push(initFlagNames.get(bit) ?? '?')
  }
  return found
}

await t.test('flags', (t) => {
  const all = wanted({ posixAcl: true, passthroughStackDepth: 1 })
  t.strictSame(names(agreed(offer(), all)), EVERYTHING)
  const without = (...gone: string[]): string[] => EVERYTHING.filter((name) => !gone.includes(name))
  t.strictSame(names(agreed(offer(), wanted())), without('POSIX_ACL', 'PASSTHROUGH'))
  t.strictSame(
    names(agreed(offer({ flags2: 0 }), all)),
    EVERYTHING.slice(0, EVERYTHING.indexOf('HAS_EXPIRE_ONLY')),
    'a kernel before 5.17',
  )
  t.strictSame(names(agreed(offer({ flags: 0, flags2: 0 }), all)), [], 'nothing offered')
  t.end()
})

await t.test('no flag is in both lists or without a reason', (t) => {
  const bits = [...acceptedInitFlags, ...refusedInitFlags].map(({ bit }) => bit)
  t.equal(new Set(bits).size, bits.length)
  for (const { name, reason } of [...acceptedInitFlags, ...refusedInitFlags]) {
    t.ok(reason.length > 10, name)
  }
  t.end()
})

await t.test('versions', (t) => {
  for (const [major, minor, expected] of [
    [7, 31, 31],
    [7, 38, 38],
    [7, 45, 45],
    [7, 60, 45],
  ] as const) {
    t.equal(agreed(offer({ major, minor }), wanted()).minor, expected)
  }
  t.equal(negotiate(offer({ major: 7, minor: 30 }), wanted(), 4096).kind, 'refused')
  t.equal(negotiate(offer({ major: 6, minor: 99 }), wanted(), 4096).kind, 'refused')
  t.equal(negotiate(offer({ major: 8, minor: 0 }), wanted(), 4096).kind, 'renegotiate')
  t.end()
})

await t.test('sizes', (t) => {
  t.match(agreed(offer(), wanted()), { maxWriteBytes: 1 << 20, maxPages: 256, maxStackDepth: 0 })
  t.match(agreed(offer(), wanted(), 65536), { maxWriteBytes: 1 << 20, maxPages: 16 })
  t.match(
    agreed(offer({ flags: ALL & ~(1 << 22) }), wanted()),
    { maxWriteBytes: 131072, maxPages: 32 },
    'without MAX_PAGES',
  )
  const deep = wanted({ passthroughStackDepth: 2 })
  t.equal(agreed(offer(), deep).maxStackDepth, 2)
  t.equal(agreed(offer({ flags2: 0 }), deep).maxStackDepth, 0, 'only with PASSTHROUGH')
  t.end()
})

await t.test('the answer byte for byte', (t) => {
  const transport = new MemoryTransport()
  // Linux 5.4: 16 bytes of body, no flags2.
  const flags = (1 << 0) | (1 << 1) | (1 << 13) | (1 << 16) | (1 << 22)
  transport.requests.push(request(26, 2, 0, bytes(7, 31, 131072, flags)))
  const seen: unknown[] = []
  const session = new Session({
    transport,
    filesystem: filesystem({
      init: ({ minor, flags, flags2, maxWriteBytes }) => {
        seen.push(minor, flags, flags2, maxWriteBytes)
      },
      destroy: () => {
        seen.push('destroyed')
      },
    }),
    init: { posixAcl: true, passthroughStackDepth: 1 },
  })
  t.equal(session.run(), 'unmounted')
  const agreedFlags = (1 << 0) | (1 << 13) | (1 << 22)
  t.strictSame(transport.written, [
    bytes(
      16 + 64, // len
      0, // error
      2n, // unique
      7, // major
      31, // minor
      1 << 20, // max_readahead
      agreedFlags, // flags
      (48 << 16) | 64, // congestion_threshold, max_background
      1 << 20, // max_write
      1, // time_gran
      256, // max_pages, map_alignment
      0, // flags2
      0, // max_stack_depth
      Buffer.alloc(24),
    ),
  ])
  t.strictSame(seen, [31, agreedFlags, 0, 1 << 20, 'destroyed'])
  t.end()
})

await t.test('a kernel too old is refused in words, and still told', (t) => {
  const transport = new MemoryTransport()
  transport.requests.push(request(26, 2, 0, bytes(7, 27, 0, 0)))
  let destroyed = 0
  const session = new Session({
    transport,
    filesystem: filesystem({ destroy: () => void destroyed++ }),
  })
  t.throws(() => session.run(), ProtocolVersionError)
  t.equal(errnoOf(transport.written[0]), EIO)
  t.equal(destroyed, 1)
  t.end()
})

await t.test('before INIT nothing is served, after it no second one', (t) => {
  const transport = new MemoryTransport()
  const lookup = request(1, 4, 1, bytes('name'))
  const second = Buffer.from(initRequest)
  second.writeUInt32LE(8, 8)
  transport.requests.push(lookup, request(2, 5, 1, bytes(1n)), initRequest, second, lookup)
  let inits = 0
  new Session({
    transport,
    filesystem: filesystem({ init: () => void inits++, lookup: () => 0 }),
  }).run()
  t.strictSame(
    transport.written.map((reply) => [reply.readUInt32LE(8), errnoOf(reply)]),
    [
      [4, EIO],
      [2, 0],
      [8, EIO],
      [4, 0],
    ],
  )
  t.equal(inits, 1)
  t.end()
})
