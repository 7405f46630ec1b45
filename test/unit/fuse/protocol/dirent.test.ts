/** READDIR and READDIRPLUS: records byte for byte, room, and what is taken back. */
import t from 'tap'
import { DirentWriter } from '../../../../src/fuse/protocol/dirent.js'
import type { Entry } from '../../../../src/fuse/raw-filesystem.js'
import { makeAttributes } from '../../../../src/fuse/raw-filesystem.js'
import { EIO, ENOENT, ENOTDIR } from '../../../../src/sys/errno.js'
import { NativeMemory } from '../../../../src/sys/memory.js'
import { bytes, errnoOf, request, serve } from '../../../helpers/wire.js'

const READDIR = 28
const READDIRPLUS = 44
const listing = (opcode: number, offset: bigint, size: number): Buffer =>
  request(opcode, 6, 9, bytes(0n, offset, size, 0, 0n, 0, 0))

/** A name as it follows a record's header: without NUL, padded to 8. */
function padded(name: string): Buffer {
  const out = Buffer.alloc(Math.ceil(name.length / 8) * 8)
  out.write(name, 'latin1')
  return out
}

const dirent = (ino: bigint, cookie: bigint, type: number, name: string): Buffer =>
  bytes(ino, cookie, name.length, type, padded(name))

const entryOf = (nodeid: number, ino: number, mode: number): Entry => ({
  nodeid,
  attributes: { ...makeAttributes(), inoLo: ino, mode },
  entryTtlSec: 2,
  attrTtlSec: 3,
})

await t.test('records of READDIR', (t) => {
  const asked: number[] = []
  const [reply] = serve(
    {
      readdir: (_ctx, _nodeid, _fh, offset, out) => {
        asked.push(offset)
        out.add('.', 1, 0, 4, 1)
        out.add('n\xff34567', 5, 6, 8, 2 ** 33)
        out.add('12345678', 7, 0, 10, 3)
        return 0
      },
    },
    [listing(READDIR, 2n ** 40n, 4096)],
  )
  const records = Buffer.concat([
    dirent(1n, 1n, 4, '.'),
    dirent(0x600000005n, 2n ** 33n, 8, 'n\xff34567'),
    dirent(7n, 3n, 10, '12345678'),
  ])
  t.strictSame(reply, Buffer.concat([bytes(16 + records.length, 0, 6n), records]))
  t.strictSame(asked, [2 ** 40])
  t.end()
})

await t.test('records of READDIRPLUS', (t) => {
  const [reply] = serve(
    {
      readdirplus: (_ctx, _nodeid, _fh, _offset, out) => {
        out.add('..', entryOf(0, 2, 0o040755), 1)
        out.add('file', entryOf(2 ** 33, 5, 0o100644), 2)
        return 0
      },
    },
    [listing(READDIRPLUS, 0n, 4096)],
  )
  const records = Buffer.concat([
    bytes(0n, 0n, 2n, 3n, 0, 0, Buffer.alloc(88)), // nodeid 0: a name only
    dirent(2n, 1n, 4, '..'),
    bytes(2n ** 33n, 0n, 2n, 3n, 0, 0),
    bytes(5n, Buffer.alloc(52), 0o100644, Buffer.alloc(24)),
    dirent(5n, 2n, 8, 'file'),
  ])
  t.strictSame(reply, Buffer.concat([bytes(16 + records.length, 0, 6n), records]))
  t.end()
})

await t.test('room ends where the request says', (t) => {
  const memory = new NativeMemory(256)
  const sink = new DirentWriter(memory)
  sink.begin(16, 64)
  t.ok(sink.hasRoom(40))
  t.notOk(sink.hasRoom(41))
  sink.add('12345678', 1, 0, 8, 1)
  t.equal(sink.used, 32)
  t.ok(sink.hasRoom(8))
  t.notOk(sink.hasRoom(9))
  t.throws(() => {
    sink.add('123456789', 1, 0, 8, 2)
  }, RangeError)
  sink.begin(16, 1 << 20)
  t.notOk(sink.hasRoom(240), 'nor beyond the buffer')
  t.end()
})

await t.test('records written win over an error, else it is told', (t) => {
  const answer = (before: number): Buffer | undefined =>
    serve(
      {
        readdir: (_ctx, _nodeid, _fh, _offset, out) => {
          for (let i = 0; i < before; i++) out.add('name', 1, 0, 8, i + 1)
          return -ENOTDIR
        },
      },
      [listing(READDIR, 0n, 4096)],
    )[0]
  t.equal(errnoOf(answer(0)), ENOTDIR)
  t.equal(answer(2)?.length, 16 + 2 * 32)
  t.end()
})

await t.test('lookups counted by records that get lost are undone', (t) => {
  const lost: (number | undefined)[] = []
  const operations = {
    readdirplus: (
      _ctx: unknown,
      _nodeid: number,
      _fh: number,
      offset: number,
      out: { add: (name: string, entry: Entry, cookie: number) => void },
    ): number => {
      out.add('..', entryOf(0, 2, 0o040755), 1)
      out.add('a', entryOf(2 ** 33 + 1, 5, 0o100644), 2)
      out.add('long name, padded', entryOf(44, 5, 0o100644), 3)
      if (offset === 1) throw new Error('half-way')
      return 0
    },
    replyLost: (entry: Entry | null): void => {
      lost.push(entry?.nodeid)
    },
  }
  serve(operations, [listing(READDIRPLUS, 0n, 4096)])
  t.strictSame(lost, [], 'delivered')
  serve(operations, [listing(READDIRPLUS, 0n, 4096)], (transport) =>
    transport.writeResults.push(0, -ENOENT),
  )
  t.strictSame(lost.splice(0), [2 ** 33 + 1, 44], 'the caller was gone')
  const [failed] = serve(operations, [listing(READDIRPLUS, 1n, 4096)])
  t.equal(errnoOf(failed), EIO)
  t.strictSame(lost, [2 ** 33 + 1, 44], 'the operation broke off')
  t.end()
})
