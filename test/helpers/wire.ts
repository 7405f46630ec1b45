/** Requests built field by field, apart from the writers under test; a file system that answers by table. */
import type { RawFilesystem } from '../../src/fuse/raw-filesystem.js'
import { Session } from '../../src/fuse/session/session.js'
import { MemoryTransport } from '../../src/fuse/transport/memory.js'

const silent = Object.assign(() => undefined, { enabled: false })

/** Little-endian fields: a number is 4 bytes, a bigint 8, a string itself with a final NUL. */
export function bytes(...fields: readonly (number | bigint | string | Buffer)[]): Buffer {
  return Buffer.concat(
    fields.map((field) => {
      if (Buffer.isBuffer(field)) return field
      if (typeof field === 'string') return Buffer.from(`${field}\0`, 'latin1')
      const out = Buffer.alloc(typeof field === 'bigint' ? 8 : 4)
      if (typeof field === 'bigint') out.writeBigUInt64LE(field)
      else out.writeUInt32LE(field >>> 0)
      return out
    }),
  )
}

/** A whole request: header and body. */
export function request(
  opcode: number,
  unique: number,
  nodeid: number,
  body: Buffer = Buffer.alloc(0),
): Buffer {
  const header = bytes(
    40 + body.length, // len
    opcode,
    BigInt(unique),
    BigInt(nodeid),
    1000, // uid
    1001, // gid
    4242, // pid
    0, // total_extlen, padding
  )
  return Buffer.concat([header, body])
}

/** FUSE_INIT as Linux 6.18 sends it, with every flag offered. */
export const initRequest = request(
  26,
  2,
  0,
  bytes(7, 45, 1 << 20, 0xffffffff, 0xffffffff, Buffer.alloc(44)),
)

/** A file system that knows the given operations only; the others answer ENOSYS. */
export function filesystem(operations: Partial<RawFilesystem>): RawFilesystem {
  const known = new Map<PropertyKey, unknown>(Object.entries(operations))
  return new Proxy({} as RawFilesystem, {
    get: (_target, name) => known.get(name) ?? (() => -38),
  })
}

/** Serve requests after INIT; returns what was written, the answer to INIT left out. */
export function serve(
  operations: Partial<RawFilesystem>,
  requests: readonly Buffer[],
  prepare: (transport: MemoryTransport) => void = () => undefined,
): Buffer[] {
  const transport = new MemoryTransport()
  transport.requests.push(initRequest, ...requests)
  prepare(transport)
  const log = { in: silent, out: silent, session: silent, bug: silent }
  new Session({ transport, filesystem: filesystem(operations), log }).run()
  return transport.written.slice(1)
}

/** Error of a reply, as the positive errno. */
export function errnoOf(reply: Buffer | undefined): number {
  return reply === undefined ? NaN : -reply.readInt32LE(4)
}
