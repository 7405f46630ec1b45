/** The addon's handlers with an addon that is none: what they are given, what they reply. */
import t from 'tap'
import { DEFERRED, PARKED, type RequestContext } from '../../../../../src/fuse/raw-filesystem.js'
import { Adapter } from '../../../../../src/fuse/transport/libfuse/adapter.js'
import {
  type Addon,
  type OperationName,
  operationNames,
} from '../../../../../src/fuse/transport/libfuse/addon.js'
import { makeHandlers } from '../../../../../src/fuse/transport/libfuse/handlers.js'
import { RECORD_BYTES } from '../../../../../src/fuse/transport/libfuse/request-record.js'
import { STAT_BYTES } from '../../../../../src/fuse/transport/libfuse/stat-record.js'
import { EIO, ENODATA, ENOENT, ENOSPC, FsError } from '../../../../../src/sys/errno.js'
import { NativeMemory } from '../../../../../src/sys/memory.js'
import { MemoryFilesystem } from '../../../../helpers/fuse/memory-filesystem.js'

const S_IFREG = 0o100000
const O_RDWR = 2
/** Offsets of fuse-native.c 2.2.6. */
const AT = {
  path: 24,
  dest: 32,
  linkname: 40,
  info: 48,
  atime: 104,
  mtime: 112,
  name: 128,
  stat: 168,
  statvfs: 176,
}

type Reply = readonly [signal: string, result: number, ...rest: unknown[]]

/** An addon that only notes what it is told. */
function fakeAddon(): { addon: Addon; replies: Reply[] } {
  const replies: Reply[] = []
  const signal =
    (name: string) =>
    (_record: Buffer, result: number, ...rest: unknown[]): void => {
      replies.push([name, result, ...rest])
    }
  const opcodes = Object.fromEntries(operationNames.map((name, index) => [`op_${name}`, index]))
  const addon = {
    ...(opcodes as Record<`op_${OperationName}`, number>),
    sizeof_fuse_thread_t: 8,
    fuse_native_mount: () => undefined,
    fuse_native_unmount: () => undefined,
    fuse_native_signal_access: signal('plain'),
    fuse_native_signal_open: signal('open'),
    fuse_native_signal_create: signal('create'),
    fuse_native_signal_read: signal('read'),
    fuse_native_signal_write: signal('write'),
    fuse_native_signal_getxattr: signal('getxattr'),
    fuse_native_signal_listxattr: signal('listxattr'),
    fuse_native_signal_setxattr: signal('setxattr'),
  }
  return { addon, replies }
}

interface Stage {
  readonly x: Adapter
  /** All replies since the last call. */
  readonly replies: readonly Reply[]
  readonly handle: (name: OperationName, record: Buffer, ...values: unknown[]) => void
  readonly filesystem: MemoryFilesystem
  readonly bugs: string[]
  readonly inits: number[]
  /** Call a handler; returns what was replied. */
  readonly call: (name: OperationName, record: Buffer, ...values: unknown[]) => Reply
}

function stage(filesystem = new MemoryFilesystem()): Stage {
  const { addon, replies } = fakeAddon()
  const bugs: string[] = []
  const inits: number[] = []
  const log = (enabled: boolean) =>
    Object.assign((...words: unknown[]) => void bugs.push(words.map(String).join(' ')), { enabled })
  const logs = { trace: log(false), bug: log(true) }
  const x = new Adapter(filesystem, { uid: 0, gid: 0 })
  const { handlers, served } = makeHandlers(addon, x, () => inits.push(1), logs)
  const handle = (name: OperationName, record: Buffer, ...values: unknown[]): void => {
    const opcode = addon[`op_${name}`]
    replies.length = 0
    if (served[opcode] !== 1) throw new Error(`${name} is not served`)
    handlers[opcode]?.(record, opcode, ...values)
  }
  const call = (name: OperationName, record: Buffer, ...values: unknown[]): Reply => {
    handle(name, record, ...values)
    const [reply] = replies
    if (reply === undefined || replies.length > 1) {
      throw new Error(`${name}: ${String(replies.length)} replies`)
    }
    return reply
  }
  return { x, replies, handle, filesystem, bugs, inits, call }
}

function makeRecord(fields: Partial<Record<keyof typeof AT, number>> = {}): Buffer {
  const record = Buffer.alloc(RECORD_BYTES)
  for (const [name, value] of Object.entries(fields)) {
    record.writeBigInt64LE(BigInt(value), AT[name as keyof typeof AT])
  }
  return record
}

/** A C string at an address. */
function cstring(bytes: string): NativeMemory {
  const memory = new NativeMemory(bytes.length + 1)
  memory.bytes.latin1Write(bytes)
  return memory
}

await t.test('every operation has a handler, and init tells the server', async (t) => {
  const { call, inits } = stage()
  t.strictSame(call('init', makeRecord()), ['plain', 0])
  t.strictSame(inits, [1])
})

await t.test('a life of a file', async (t) => {
  const { call, filesystem } = stage()
  const record = makeRecord()
  const info = new NativeMemory(40)
  info.i32[0] = O_RDWR
  const creating = makeRecord({ info: info.address })
  t.strictSame(call('create', creating, '/f', S_IFREG | 0o644), ['create', 0, 1])
  const text = Buffer.from('hello')
  t.strictSame(call('write', creating, '/f', 1, text, 5, 0, 0), ['write', 5, 0, text.buffer])
  const into = Buffer.alloc(4)
  t.strictSame(call('read', record, '-', 1, into, 4, 1, 0), ['read', 4, 0, into.buffer])
  t.equal(into.toString(), 'ello')
  t.strictSame(call('flush', record, '/f', 1), ['plain', 0])
  t.strictSame(call('fsync', record, '/f', 1, 1), ['plain', 0])
  t.strictSame(call('ftruncate', record, '/f', 1, 2, 0), ['plain', 0])
  t.equal(filesystem.nodes.get(2)?.data.toString(), 'he')
  t.strictSame(call('truncate', record, '/f', 1, 0), ['plain', 0])
  t.equal(filesystem.nodes.get(2)?.data.toString(), 'h')
  t.strictSame(call('open', record, '/f', 0), ['open', 0, 2])
  t.strictSame(call('open', record, '/none', 0), ['open', -ENOENT, 0])
  t.strictSame(call('release', record, '-', 2), ['plain', 0])
  t.strictSame(call('rename', record, '/f', '/g'), ['plain', 0])
  t.strictSame(call('unlink', record, '/g'), ['plain', 0])
  t.strictSame(call('mkdir', record, '/d', 0o755), ['plain', 0])
  t.strictSame(call('mknod', record, '/d/n', S_IFREG, 0), ['plain', 0])
  t.strictSame(call('link', record, '/d/n', '/d/l'), ['plain', 0])
  t.strictSame(call('symlink', record, 'n', '/d/s'), ['plain', 0])
  t.strictSame(call('chmod', record, '/d/n', 0o600), ['plain', 0])
  t.strictSame(call('chown', record, '/d/n', 1, 2), ['plain', 0])
  t.match(filesystem.nodes.get(4), { mode: S_IFREG | 0o600, uid: 1, gid: 2 })
  t.strictSame(call('fsyncdir', record, '/d', 0, 0), ['plain', 0])
  t.strictSame(call('rmdir', record, '/none'), ['plain', -ENOENT])
})

await t.test('attributes are written where libfuse wants them', async (t) => {
  const { call, filesystem } = stage()
  call('mknod', makeRecord(), '/f', S_IFREG | 0o640, 0)
  const node = filesystem.nodes.get(2)
  if (node === undefined) throw new Error('no node')
  Object.assign(node, { uid: 3_000_000_000, gid: 4, nlink: 5, mtimeSec: -2, mtimeNsec: 7 })
  const out = new NativeMemory(STAT_BYTES)
  t.strictSame(call('getattr', makeRecord({ stat: out.address }), '/f'), ['plain', 0])
  const { view } = out
  t.equal(view.getBigUint64(8, true), 2n, 'st_ino')
  t.equal(view.getBigUint64(16, true), 5n, 'st_nlink')
  t.equal(view.getUint32(24, true), S_IFREG | 0o640, 'st_mode')
  t.equal(view.getUint32(28, true), 3_000_000_000, 'st_uid')
  t.equal(view.getUint32(32, true), 4, 'st_gid')
  t.equal(view.getBigInt64(88, true), -2n, 'st_mtim, before the epoch')
  t.equal(view.getBigInt64(96, true), 7n, 'to the nanosecond')
  t.strictSame(call('getattr', makeRecord({ stat: out.address }), '/none'), ['plain', -ENOENT])

  const usage = new NativeMemory(112)
  t.strictSame(call('statfs', makeRecord({ statvfs: usage.address }), '/'), ['plain', 0])
  const words = Array.from({ length: 11 }, (_, index) => usage.view.getUint32(index * 8, true))
  t.strictSame(words, [4096, 4096, 1000, 600, 500, 100, 1, 1, 0, 0, 255])
})

await t.test('names are bytes', async (t) => {
  const { call, filesystem } = stage()
  const lost = cstring('/n\xff\xfe')
  const other = cstring('/m\xc3')
  const record = makeRecord({ path: lost.address, dest: other.address })
  call('mkdir', record, '/n\ufffd\ufffd', 0o755)
  t.strictSame([...(filesystem.nodes.get(1)?.children.keys() ?? [])], ['n\xff\xfe'])
  t.strictSame(call('rename', record, '/n\ufffd\ufffd', '/m\ufffd'), ['plain', 0])
  call('mkdir', makeRecord(), '/ü€', 0o755)
  t.strictSame(
    [...(filesystem.nodes.get(1)?.children.keys() ?? [])],
    ['m\xc3', Buffer.from('ü€').toString('latin1')],
  )
  const genuine = cstring(Buffer.from('/\ufffd').toString('latin1'))
  call('mkdir', makeRecord({ path: genuine.address }), '/\ufffd', 0o755)
  t.ok(filesystem.nodes.get(1)?.children.has('\xef\xbf\xbd'), 'a name that has U+FFFD in it')

  const target = cstring('t\x80')
  call('symlink', makeRecord({ path: target.address }), 't\ufffd', '/s')
  const link = new NativeMemory(4097)
  t.strictSame(call('readlink', makeRecord({ linkname: link.address }), '/s'), ['plain', 0])
  t.equal(link.bytes.latin1Slice(0, 3), 't\x80\0')

  const attribute = cstring('user.\xff')
  const value = Buffer.from('v')
  const named = makeRecord({ name: attribute.address })
  t.strictSame(call('setxattr', named, '/s', 'user.\ufffd', value, 0, 0), [
    'setxattr',
    0,
    value.buffer,
  ])
  const list = Buffer.alloc(16)
  t.strictSame(call('listxattr', makeRecord(), '/s', list), ['listxattr', 7, list.buffer])
  t.equal(list.latin1Slice(0, 7), 'user.\xff\0')
  const into = Buffer.alloc(4)
  t.strictSame(call('getxattr', named, '/s', 'user.\ufffd', into), ['getxattr', 1, into.buffer])
  t.strictSame(call('removexattr', named, '/s', 'user.\ufffd'), ['plain', 0])
  t.strictSame(call('removexattr', named, '/s', 'user.\ufffd'), ['plain', -ENODATA])
})

await t.test('the second time of utimens is taken from the record', async (t) => {
  const { call, filesystem } = stage()
  call('mknod', makeRecord(), '/f', S_IFREG | 0o640, 0)
  const record = makeRecord({ atime: 1_000, mtime: 2_345 })
  t.strictSame(call('utimens', record, '/f', 1_000, 0, 1_000, 0), ['plain', 0])
  t.match(filesystem.nodes.get(2), { mtimeSec: 2, mtimeNsec: 345_000_000 })
})

await t.test('offsets and sizes beyond 2^32', async (t) => {
  const seen: number[] = []
  class FarFilesystem extends MemoryFilesystem {
    override read(...values: Parameters<MemoryFilesystem['read']>): number {
      seen.push(values[3])
      return 0
    }
    override setattr(...values: Parameters<MemoryFilesystem['setattr']>): number {
      seen.push(values[2].sizeBytes)
      return 0
    }
  }
  const { call } = stage(new FarFilesystem())
  call('mknod', makeRecord(), '/f', S_IFREG | 0o640, 0)
  call('open', makeRecord(), '/f', O_RDWR)
  call('read', makeRecord(), '/f', 1, Buffer.alloc(4), 4, 5, 3)
  call('truncate', makeRecord(), '/f', 7, 2)
  call('ftruncate', makeRecord(), '/f', 1, 9, 1)
  t.strictSame(seen, [3 * 2 ** 32 + 5, 2 * 2 ** 32 + 7, 2 ** 32 + 9])
})

await t.test('whatever happens, there is one reply, and it is one the kernel takes', async (t) => {
  const outcomes: (() => number)[] = [
    () => -ENOSPC,
    () => {
      throw new FsError(ENOSPC, 'mkdirat', '/x')
    },
    () => {
      throw new TypeError('a bug')
    },
    () => -99_999,
  ]
  class FailingFilesystem extends MemoryFilesystem {
    override mkdir(): number {
      return (outcomes.shift() ?? (() => 0))()
    }
    override open(...values: Parameters<MemoryFilesystem['open']>): number {
      if (values[2] === 0) throw new TypeError('a bug')
      return super.open(...values)
    }
    override flush(): number {
      return NaN
    }
  }
  const { call, bugs } = stage(new FailingFilesystem())
  const results = [1, 2, 3, 4].map(() => call('mkdir', makeRecord(), '/d', 0o755)[1])
  t.strictSame(results, [-ENOSPC, -ENOSPC, -EIO, -EIO])
  t.equal(bugs.length, 2, 'what should not happen is told')
  call('mknod', makeRecord(), '/f', S_IFREG | 0o640, 0)
  t.strictSame(call('open', makeRecord(), '/f', 0), ['open', -EIO, 0])
  const info = new NativeMemory(40)
  info.i32[0] = O_RDWR
  call('create', makeRecord({ info: info.address }), '/g', S_IFREG | 0o640)
  t.strictSame(call('flush', makeRecord(), '/g', 1), ['plain', -EIO])
})

await t.test('requests that are answered later', async (t) => {
  let isReady = false
  class SlowFilesystem extends MemoryFilesystem {
    readonly waiting: number[] = []
    override fsync(...values: unknown[]): number {
      const [request] = values as [RequestContext]
      this.waiting.push(request.uniqueLo)
      return DEFERRED
    }
    override open(...values: Parameters<MemoryFilesystem['open']>): number {
      return isReady ? super.open(...values) : PARKED
    }
  }
  const filesystem = new SlowFilesystem()
  const { x, replies, handle, call } = stage(filesystem)
  call('mknod', makeRecord(), '/f', S_IFREG | 0o640, 0)
  handle('open', makeRecord(), '/f', 0)
  t.strictSame([replies.length, x.late.size], [0, 1], 'parked')
  x.late.retryParked()
  t.strictSame([replies.length, x.late.size], [0, 1], 'and again')
  isReady = true
  x.late.retryParked()
  t.strictSame(replies, [['open', 0, 1]])

  handle('fsync', makeRecord(), '/f', 0, 1)
  handle('fsync', makeRecord(), '/f', 0, 1)
  const [first = -1, second = -1] = filesystem.waiting
  t.not(first, second)
  t.strictSame(call('getattr', makeRecord(), '/none'), ['plain', -ENOENT], 'others are served')
  t.equal(x.late.reply(second, -ENOSPC), 0)
  t.equal(x.late.reply(first, 0), 0)
  t.strictSame(replies.slice(1), [
    ['plain', -ENOSPC],
    ['plain', 0],
  ])
  t.equal(x.late.reply(first, 0), -ENOENT, 'once')
  t.equal(x.late.size, 0)
})
