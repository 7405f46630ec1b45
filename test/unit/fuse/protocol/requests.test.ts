/**
 * Every operation by its bytes: what a request's fields become, and what the answer's bytes are. The
 * requests are laid out here field by field, not by any code under test.
 */
import t from 'tap'
import type { RawFilesystem } from '../../../../src/fuse/raw-filesystem.js'
import { EFBIG, EINVAL, EIO, EOVERFLOW } from '../../../../src/sys/errno.js'
import { bytes, errnoOf, filesystem, request, serve } from '../../../helpers/wire.js'

/** Operations that write down how they were called, and what they answer. */
type Answers = Partial<Record<keyof RawFilesystem, (args: readonly unknown[]) => unknown>>

/** A file system whose operations record their arguments, buffers and records left out. */
function recorder(answers: Answers): { operations: Partial<RawFilesystem>; calls: unknown[][] } {
  const calls: unknown[][] = []
  const operations: Record<string, unknown> = {}
  for (const [name, answer] of Object.entries(answers)) {
    operations[name] = (...args: unknown[]) => {
      const plain = args.filter((arg) => typeof arg !== 'object')
      calls.push([name, ...plain])
      return answer(args)
    }
  }
  return { operations, calls }
}

/** Fill a record handed over as an argument. */
const fill =
  (index: number, values: object, result = 0) =>
  (args: readonly unknown[]): number => {
    Object.assign(args[index] as object, values)
    return result
  }

const attributes = {
  inoLo: 0x11,
  inoHi: 0x22,
  sizeBytes: 2 ** 33 + 5,
  blocks: 7,
  atimeSec: -2,
  atimeNsec: 101,
  mtimeSec: 2 ** 32 + 1,
  mtimeNsec: 102,
  ctimeSec: 1_700_000_000,
  ctimeNsec: 103,
  btimeSec: 1_600_000_000,
  btimeNsec: 104,
  mode: 0o120644,
  nlink: 3,
  uid: 1000,
  gid: 2 ** 32 - 2,
  rdevMajor: 0x123,
  rdevMinor: 0x45678,
  blksize: 4096,
}

/** struct fuse_attr of {@link attributes}. */
const attr = bytes(
  0x2200000011n, // ino
  2n ** 33n + 5n, // size
  7n, // blocks
  2n ** 64n - 2n, // atime
  2n ** 32n + 1n, // mtime
  1_700_000_000n, // ctime
  101, // atimensec
  102, // mtimensec
  103, // ctimensec
  0o120644, // mode
  3, // nlink
  1000, // uid
  2 ** 32 - 2, // gid
  0x45612378, // rdev: minor's low byte, major, minor's rest
  4096, // blksize
  0, // flags
)

const entry = { nodeid: 2 ** 40 + 9, attributes, entryTtlSec: Infinity, attrTtlSec: 1.5 }

/** struct fuse_entry_out of {@link entry}. */
const entryOut = bytes(
  2n ** 40n + 9n, // nodeid
  0n, // generation
  0xffffffffn, // entry_valid: for ever
  1n, // attr_valid
  0, // entry_valid_nsec
  500_000_000, // attr_valid_nsec
  attr,
)

const openReply = { fh: 2 ** 35 + 1, openFlags: 0x82, backingId: 6 }
const openOut = bytes(2n ** 35n + 1n, 0x82, 6)

const attrReply = { attributes, attrTtlSec: 2 ** 31 }
const attrOut = bytes(0xffffffffn, 0, 0, attr)

const statxOut = bytes(
  0xffffffffn, // attr_valid
  0, // attr_valid_nsec
  0, // flags
  0n, // spare
  0n,
  0xfff, // mask: basic and birth time
  4096, // blksize
  0n, // attributes
  3, // nlink
  1000, // uid
  2 ** 32 - 2, // gid
  0o120644, // mode, 16 bits, and padding
  0x2200000011n, // ino
  2n ** 33n + 5n, // size
  7n, // blocks
  0n, // attributes_mask
  2n ** 64n - 2n, // atime
  101,
  0,
  1_600_000_000n, // btime
  104,
  0,
  1_700_000_000n, // ctime
  103,
  0,
  2n ** 32n + 1n, // mtime
  102,
  0,
  0x123, // rdev_major
  0x45678, // rdev_minor
  0, // dev_major
  0, // dev_minor
  Buffer.alloc(112), // spare
)

/** Extensions as FUSE_CREATE_SUPP_GROUP and FUSE_SECURITY_CTX would add them. */
const extensions = bytes(16, 32, 1, 100, 24, 1, 8, 0, 'label\0\0')

interface Fixture {
  readonly name: string
  readonly opcode: number
  readonly body: Buffer
  readonly answers: Answers
  readonly call: readonly unknown[]
  /** Body of the reply; null when none must be written. */
  readonly reply: Buffer | null
  /** Cut messages that are complete all the same: what follows is optional. */
  readonly optionalTail?: number
}

const created = { mknod: 6, mkdir: 5, symlink: 4, link: 4 }

const fixtures: readonly Fixture[] = [
  {
    name: 'LOOKUP',
    opcode: 1,
    body: bytes('n\xff'),
    answers: { lookup: fill(3, entry) },
    call: ['lookup', 33, 'n\xff'],
    reply: entryOut,
  },
  {
    name: 'FORGET',
    opcode: 2,
    body: bytes(2n ** 32n + 3n),
    answers: { forget: () => undefined },
    call: ['forget', 33, 2 ** 32 + 3],
    reply: null,
  },
  {
    name: 'GETATTR by handle',
    opcode: 3,
    body: bytes(1, 0, 2n ** 33n),
    answers: { getattr: fill(3, attrReply) },
    call: ['getattr', 33, 2 ** 33],
    reply: attrOut,
  },
  {
    name: 'GETATTR',
    opcode: 3,
    body: bytes(0, 0, 99n),
    answers: { getattr: fill(3, attrReply) },
    call: ['getattr', 33, -1],
    reply: attrOut,
  },
  {
    name: 'READLINK',
    opcode: 5,
    body: Buffer.alloc(0),
    answers: {
      readlink: ([, , out, at]) =>
        (out as { bytes: Buffer }).bytes.latin1Write('to/\xfe', at as number),
    },
    call: ['readlink', 33, 16],
    reply: Buffer.from('to/\xfe', 'latin1'),
  },
  {
    name: 'SYMLINK',
    opcode: 6,
    body: bytes('name', '../to\xff', extensions),
    answers: { symlink: fill(created.symlink, entry) },
    call: ['symlink', 33, 'name', '../to\xff'],
    reply: entryOut,
    optionalTail: extensions.length,
  },
  {
    name: 'MKNOD',
    opcode: 8,
    body: bytes(0o20644, 0x501, 0o22, 0, 'name', extensions),
    answers: { mknod: fill(created.mknod, entry) },
    call: ['mknod', 33, 'name', 0o20644, 0x501, 0o22],
    reply: entryOut,
    optionalTail: extensions.length,
  },
  {
    name: 'MKDIR',
    opcode: 9,
    body: bytes(0o755, 0o27, 'name', extensions),
    answers: { mkdir: fill(created.mkdir, entry) },
    call: ['mkdir', 33, 'name', 0o755, 0o27],
    reply: entryOut,
    optionalTail: extensions.length,
  },
  {
    name: 'UNLINK',
    opcode: 10,
    body: bytes('name'),
    answers: { unlink: () => 0 },
    call: ['unlink', 33, 'name'],
    reply: Buffer.alloc(0),
  },
  {
    name: 'RMDIR',
    opcode: 11,
    body: bytes('name'),
    answers: { rmdir: () => 0 },
    call: ['rmdir', 33, 'name'],
    reply: Buffer.alloc(0),
  },
  {
    name: 'RENAME',
    opcode: 12,
    body: bytes(44n, 'old', 'new'),
    answers: { rename: () => 0 },
    call: ['rename', 33, 'old', 44, 'new', 0],
    reply: Buffer.alloc(0),
  },
  {
    name: 'RENAME2',
    opcode: 45,
    body: bytes(44n, 2, 0, 'old', 'new'),
    answers: { rename: () => 0 },
    call: ['rename', 33, 'old', 44, 'new', 2],
    reply: Buffer.alloc(0),
  },
  {
    name: 'LINK',
    opcode: 13,
    body: bytes(44n, 'name'),
    answers: { link: fill(created.link, entry) },
    call: ['link', 44, 33, 'name'],
    reply: entryOut,
  },
  {
    name: 'OPEN',
    opcode: 14,
    body: bytes(0o2001, 1),
    answers: { open: fill(4, openReply) },
    call: ['open', 33, 0o2001, 1],
    reply: openOut,
  },
  {
    name: 'CREATE',
    opcode: 35,
    body: bytes(0o301, 0o644, 0o22, 1, 'name', extensions),
    answers: {
      create: (args) => {
        fill(7, entry)(args)
        return fill(8, openReply)(args)
      },
    },
    call: ['create', 33, 'name', 0o301, 0o644, 0o22, 1],
    reply: Buffer.concat([entryOut, openOut]),
    optionalTail: extensions.length,
  },
  {
    name: 'TMPFILE',
    opcode: 51,
    body: bytes(0o2, 0o600, 0o22, 0, '/'),
    answers: {
      tmpfile: (args) => {
        fill(6, entry)(args)
        return fill(7, openReply)(args)
      },
    },
    call: ['tmpfile', 33, 0o2, 0o600, 0o22, 0],
    reply: Buffer.concat([entryOut, openOut]),
    optionalTail: 2,
  },
  {
    name: 'READ',
    opcode: 15,
    body: bytes(5n, 2n ** 41n, 6, 0, 0n, 0o100000, 0),
    answers: {
      read: ([, , , , , out, at]) =>
        (out as { bytes: Buffer }).bytes.latin1Write('abc\0\xff', at as number),
    },
    call: ['read', 33, 5, 2 ** 41, 6, 16],
    reply: Buffer.from('abc\0\xff', 'latin1'),
  },
  {
    name: 'WRITE',
    opcode: 16,
    body: bytes(5n, 2n ** 41n, 3, 4, 0n, 0o2001, 0, Buffer.from('xyz')),
    answers: { write: () => 2 },
    call: ['write', 33, 5, 2 ** 41, 3, 80, 4, 0o2001],
    reply: bytes(2, 0),
  },
  {
    name: 'STATFS',
    opcode: 17,
    body: Buffer.alloc(0),
    answers: {
      statfs: fill(2, {
        blocks: 2 ** 40,
        bfree: 2,
        bavail: 3,
        files: 4,
        ffree: 5,
        bsize: 6,
        namelen: 255,
        frsize: 8,
      }),
    },
    call: ['statfs', 33],
    reply: bytes(2n ** 40n, 2n, 3n, 4n, 5n, 6, 255, 8, Buffer.alloc(28)),
  },
  {
    name: 'RELEASE',
    opcode: 18,
    body: bytes(5n, 0o2, 0, 0n),
    answers: { release: () => 0 },
    call: ['release', 33, 5, 0o2],
    reply: Buffer.alloc(0),
  },
  {
    name: 'FLUSH',
    opcode: 25,
    body: bytes(5n, 0, 0, 0n),
    answers: { flush: () => 0 },
    call: ['flush', 33, 5],
    reply: Buffer.alloc(0),
  },
  {
    name: 'FSYNC, data only',
    opcode: 20,
    body: bytes(5n, 1, 0),
    answers: { fsync: () => 0 },
    call: ['fsync', 33, 5, true],
    reply: Buffer.alloc(0),
  },
  {
    name: 'FSYNCDIR',
    opcode: 30,
    body: bytes(5n, 0, 0),
    answers: { fsyncdir: () => 0 },
    call: ['fsyncdir', 33, 5, false],
    reply: Buffer.alloc(0),
  },
  {
    name: 'SYNCFS',
    opcode: 50,
    body: bytes(0n),
    answers: { syncfs: () => 0 },
    call: ['syncfs', 33],
    reply: Buffer.alloc(0),
  },
  {
    name: 'SETXATTR',
    opcode: 21,
    body: bytes(3, 1, 1, 0, 'user.x', Buffer.from('v\0w')),
    answers: { setxattr: () => 0 },
    call: ['setxattr', 33, 'user.x', 40 + 16 + 7, 3, 1, 1],
    reply: Buffer.alloc(0),
  },
  {
    name: 'GETXATTR',
    opcode: 22,
    body: bytes(8, 0, 'user.x'),
    answers: {
      getxattr: ([, , , , out, at]) =>
        (out as { bytes: Buffer }).bytes.latin1Write('v\0w', at as number),
    },
    call: ['getxattr', 33, 'user.x', 8, 16],
    reply: Buffer.from('v\0w'),
  },
  {
    name: 'GETXATTR, the size only',
    opcode: 22,
    body: bytes(0, 0, 'user.x'),
    answers: { getxattr: () => 300 },
    call: ['getxattr', 33, 'user.x', 0, 16],
    reply: bytes(300, 0),
  },
  {
    name: 'LISTXATTR',
    opcode: 23,
    body: bytes(9, 0),
    answers: {
      listxattr: ([, , , out, at]) =>
        (out as { bytes: Buffer }).bytes.latin1Write('user.x\0', at as number),
    },
    call: ['listxattr', 33, 9, 16],
    reply: bytes('user.x'),
  },
  {
    name: 'LISTXATTR, the size only',
    opcode: 23,
    body: bytes(0, 0),
    answers: { listxattr: () => 7 },
    call: ['listxattr', 33, 0, 16],
    reply: bytes(7, 0),
  },
  {
    name: 'REMOVEXATTR',
    opcode: 24,
    body: bytes('user.x'),
    answers: { removexattr: () => 0 },
    call: ['removexattr', 33, 'user.x'],
    reply: Buffer.alloc(0),
  },
  {
    name: 'INTERRUPT',
    opcode: 36,
    body: bytes(0x500000006n),
    answers: { interrupt: () => undefined },
    call: ['interrupt', 6, 5],
    reply: null,
  },
  {
    name: 'DESTROY',
    opcode: 38,
    body: Buffer.alloc(0),
    answers: {},
    call: [],
    reply: Buffer.alloc(0),
  },
  {
    name: 'RELEASEDIR',
    opcode: 29,
    body: bytes(0n, 0, 0, 0n),
    answers: {},
    call: [],
    reply: Buffer.alloc(0),
  },
  {
    name: 'IOCTL',
    opcode: 39,
    body: bytes(5n, 16, 0x80086601, 0n, 3, 8, Buffer.from('in!')),
    answers: {
      ioctl: (args) => {
        const out = args[9] as { data: { bytes: Buffer }; offset: number }
        out.data.bytes.latin1Write('answer', out.offset)
        return fill(9, { result: -1, outSize: 6 })(args)
      },
    },
    call: ['ioctl', 33, 5, 16, 0x80086601, 72, 3, 8],
    reply: bytes(2 ** 32 - 1, 0, 0, 0, Buffer.from('answer')),
  },
  {
    name: 'FALLOCATE',
    opcode: 43,
    body: bytes(5n, 2n ** 34n, 4096n, 3, 0),
    answers: { fallocate: () => 0 },
    call: ['fallocate', 33, 5, 2 ** 34, 4096, 3],
    reply: Buffer.alloc(0),
  },
  {
    name: 'LSEEK',
    opcode: 46,
    body: bytes(5n, 2n ** 64n - 1n, 3, 0),
    answers: { lseek: () => 2 ** 36 },
    call: ['lseek', 33, 5, -1, 3],
    reply: bytes(2n ** 36n),
  },
  {
    name: 'COPY_FILE_RANGE',
    opcode: 47,
    body: bytes(5n, 2n ** 34n, 44n, 6n, 8192n, 2n ** 20n, 0n),
    answers: { copyFileRange: () => 4096 },
    call: ['copyFileRange', 33, 5, 2 ** 34, 44, 6, 8192, 2 ** 20, 0],
    reply: bytes(4096, 0),
  },
  {
    name: 'COPY_FILE_RANGE_64 of more than one call moves',
    opcode: 53,
    body: bytes(5n, 0n, 44n, 6n, 0n, 2n ** 62n, 0n),
    answers: { copyFileRange: () => 0x7ffff000 },
    call: ['copyFileRange', 33, 5, 0, 44, 6, 0, 0x7ffff000, 0],
    reply: bytes(0x7ffff000n),
  },
  {
    name: 'STATX',
    opcode: 52,
    body: bytes(1, 0, 5n, 0, 0xfff),
    answers: { getattr: fill(3, attrReply) },
    call: ['getattr', 33, 5],
    reply: statxOut,
  },
]

for (const { name, opcode, body, answers, call, reply } of fixtures) {
  await t.test(name, (t) => {
    const { operations, calls } = recorder(answers)
    const unique = 2 ** 40 + 8
    const replies = serve(operations, [request(opcode, unique, 33, body)])
    t.strictSame(calls, call.length === 0 ? [] : [call], 'what the file system is asked')
    if (reply === null) t.strictSame(replies, [], 'no reply')
    else {
      const header = bytes(16 + reply.length, 0, BigInt(unique))
      t.strictSame(replies, [Buffer.concat([header, reply])], 'the reply, byte for byte')
    }
    t.end()
  })
}

await t.test('SETATTR', (t) => {
  const fields = (valid: number, size: bigint): Buffer =>
    bytes(
      valid,
      0,
      5n, // fh
      size,
      0n, // lock_owner
      2n ** 64n - 3n, // atime
      2n ** 32n + 7n, // mtime
      0n, // ctime
      11, // atimensec
      12, // mtimensec
      13, // ctimensec
      0o100600, // mode
      0,
      1000, // uid
      2 ** 32 - 2, // gid
      0,
    )
  let seen: object = {}
  const operations: Partial<RawFilesystem> = {
    setattr: (_ctx, nodeid, set, out) => {
      seen = { nodeid, ...set }
      Object.assign(out, attrReply)
      return 0
    },
  }
  const valid = 0x8 | 0x40
  const [reply] = serve(operations, [request(4, 6, 33, fields(valid, 2n ** 42n))])
  t.strictSame(reply, Buffer.concat([bytes(16 + 104, 0, 6n), attrOut]))
  t.strictSame(seen, {
    nodeid: 33,
    valid,
    fh: 5,
    sizeBytes: 2 ** 42,
    atimeSec: -3,
    atimeNsec: 11,
    mtimeSec: 2 ** 32 + 7,
    mtimeNsec: 12,
    mode: 0o100600,
    uid: 1000,
    gid: 2 ** 32 - 2,
  })
  serve(operations, [request(4, 6, 33, fields(0, 0n))])
  t.match(seen, { valid: 0, fh: -1 }, 'a SETATTR of nothing arrives: it asks to strip set-user-id')
  const [huge] = serve(operations, [request(4, 6, 33, fields(0x8, 2n ** 63n - 1n))])
  t.equal(errnoOf(huge), EFBIG, 'a size numbers cannot hold')
  t.end()
})

await t.test('what numbers cannot hold is refused, not rounded', (t) => {
  const never = (): number => {
    throw new Error('served')
  }
  const operations = {
    read: never,
    write: never,
    fallocate: never,
    lseek: never,
    copyFileRange: never,
  }
  const far = 2n ** 53n + 1n
  for (const [opcode, body, errno] of [
    [15, bytes(0n, far, 6, 0, 0n, 0, 0), EOVERFLOW],
    [16, bytes(0n, far, 1, 0, 0n, 0, 0, Buffer.from('x')), EFBIG],
    [43, bytes(0n, far, 1n, 0, 0), EFBIG],
    [43, bytes(0n, 0n, far, 0, 0), EFBIG],
    [46, bytes(0n, far, 3, 0), EOVERFLOW],
    [47, bytes(0n, far, 44n, 0n, 0n, 1n, 0n), EFBIG],
    [47, bytes(0n, 0n, 44n, 0n, far, 1n, 0n), EFBIG],
  ] as const) {
    t.equal(
      errnoOf(serve(operations, [request(opcode, 6, 33, body)])[0]),
      errno,
      `opcode ${opcode}`,
    )
  }
  t.end()
})

await t.test('cut at every length, no request reaches the file system', (t) => {
  const wrong: string[] = []
  for (const { name, opcode, body, answers, reply, optionalTail = 0 } of fixtures) {
    for (let length = 0; length < body.length - optionalTail; length++) {
      const { operations, calls } = recorder(answers)
      // The message before it must not lend its bytes.
      const whole = request(opcode, 6, 33, body)
      const cut = request(opcode, 8, 33, body.subarray(0, length))
      const replies = serve(operations, [whole, cut]).slice(reply === null ? 0 : 1)
      const what = `${name} with ${length} of ${body.length} bytes`
      if (calls.length > 1) wrong.push(`${what} was served`)
      if (reply === null ? replies.length !== 0 : errnoOf(replies[0]) !== EINVAL)
        wrong.push(`${what} was not refused`)
    }
  }
  t.strictSame(wrong, [])
  t.end()
})

await t.test('cut inside the header, a message is dropped', (t) => {
  const whole = request(1, 6, 33, bytes('name'))
  for (let length = 0; length < 40; length++) {
    t.strictSame(serve({ lookup: () => 0 }, [whole.subarray(0, length)]), [])
  }
  t.end()
})

await t.test('a length that is not its own is EIO', (t) => {
  for (const claimed of [0, 39, 44, 46, 2 ** 32 - 1]) {
    const message = request(1, 6, 33, bytes('name'))
    message.writeUInt32LE(claimed, 0)
    t.equal(errnoOf(serve({ lookup: () => 0 }, [message])[0]), EIO)
  }
  const forget = request(2, 6, 33, bytes(1n))
  forget.writeUInt32LE(99, 0)
  t.strictSame(serve({}, [forget]), [], 'but FORGET is never answered')
  t.end()
})

await t.test('names that no directory holds are EINVAL', (t) => {
  const { operations, calls } = recorder({ lookup: () => 0, rename: () => 0, getxattr: () => 0 })
  for (const name of ['', '.', '..', 'a/b', '/']) {
    t.equal(errnoOf(serve(operations, [request(1, 6, 1, bytes(name))])[0]), EINVAL, name)
    const rename = request(12, 6, 1, bytes(1n, 'good', name))
    t.equal(errnoOf(serve(operations, [rename])[0]), EINVAL, `rename to ${name}`)
  }
  t.equal(errnoOf(serve(operations, [request(22, 6, 1, bytes(8, 0, ''))])[0]), EINVAL)
  t.strictSame(calls, [])
  t.equal(
    errnoOf(serve(operations, [request(1, 6, 1, bytes('...'))])[0]),
    0,
    'three dots are a name',
  )
  t.end()
})

await t.test('the resend mark is seen and kept', (t) => {
  const marked = request(10, 6, 33, bytes('name'))
  marked.writeUInt32LE(0x80000000, 12)
  let resent = false
  const [reply] = serve(
    {
      unlink: (ctx) => {
        resent = ctx.resent
        return 0
      },
    },
    [marked],
  )
  t.ok(resent)
  t.strictSame(reply, bytes(16, 0, 6, 0x80000000))
  t.end()
})

await t.test('a file system that knows nothing answers every operation', (t) => {
  for (const { name, opcode, body, reply } of fixtures) {
    if (reply === null) continue
    const replies = serve(filesystem({}), [request(opcode, 6, 33, body)])
    t.equal(replies.length, 1, name)
    t.equal(replies[0]?.length, 16)
  }
  t.end()
})
