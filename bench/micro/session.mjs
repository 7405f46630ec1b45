#!/usr/bin/env node
// @ts-check
// Usage: node bench/micro/session.mjs [rounds]
// JavaScript time the session spends on one request, in µs, over a transport without a kernel: reading, dispatch and
// reply, and nothing of the file system behind them (which answers constants). Needs esbuild; leaves
// nothing behind.
import { buildSync } from 'esbuild'
import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const rounds = Number(process.argv[2] ?? 400_000)
const directory = `${root}/node_modules/.cache/tsoverlayfs-bench`
const outfile = `${directory}/session-${process.pid}.mjs`

mkdirSync(directory, { recursive: true })
buildSync({
  absWorkingDir: root,
  stdin: {
    contents: `export { Session } from './src/fuse/session/session.js'`,
    resolveDir: root,
  },
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'error',
})
const { Session } = await import(pathToFileURL(outfile).href)
rmSync(outfile)

/** @param {number} opcode @param {Buffer} body */
function request(opcode, body) {
  const message = Buffer.alloc(40 + body.length)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt32LE(opcode, 4)
  message.writeUInt32LE(4, 8)
  message.writeUInt32LE(7, 16)
  body.copy(message, 40)
  return message
}

const init = request(26, Buffer.alloc(64, 0xff))
init.writeUInt32LE(7, 40)
init.writeUInt32LE(45, 44)

/** Hands out INIT, then `message` `count` times. */
class LoopTransport {
  pageSizeBytes = 4096
  /** @param {Buffer} message @param {number} count */
  constructor(message, count) {
    this.message = message
    this.left = count + 1
    this.count = count
  }
  /** @param {{ bytes: Buffer }} memory */
  readRequest(memory) {
    const message = this.left > this.count ? init : this.message
    if (this.left-- === 0) return -19
    message.copy(memory.bytes)
    return message.length
  }
  write() {
    return 0
  }
  wait() {
    return 1
  }
  openBacking() {
    return 1
  }
  closeBacking() {
    return 0
  }
  close() {}
}

/** @param {any} out */
function stat(out) {
  out.attributes.sizeBytes = 4096
  out.attributes.mtimeSec = 1_700_000_000
  out.attributes.mode = 0o100644
  out.attrTtlSec = Infinity
}

const filesystem = {
  init() {},
  destroy() {},
  /** @param {unknown} _ctx @param {number} _parent @param {string} _name @param {any} out */
  lookup(_ctx, _parent, _name, out) {
    out.nodeid = 9
    out.entryTtlSec = Infinity
    stat(out)
    return 0
  },
  /** @param {unknown} _ctx @param {number} _nodeid @param {number} _fh @param {any} out */
  getattr(_ctx, _nodeid, _fh, out) {
    stat(out)
    return 0
  },
  read: () => 4096,
  write: () => 4096,
  forget() {},
  /** @param {unknown} _ctx @param {number} _nodeid @param {number} _fh @param {number} _offset @param {any} out */
  readdir(_ctx, _nodeid, _fh, _offset, out) {
    for (let i = 1; out.hasRoom(12); i++) out.add('some-name.ts', i, 0, 8, i)
    return 0
  },
}

const readBody = Buffer.alloc(40)
readBody.writeUInt32LE(4096, 16)
const cases = {
  LOOKUP: request(1, Buffer.from('some-name-of-20.txt\0')),
  GETATTR: request(3, Buffer.alloc(16)),
  FORGET: request(2, Buffer.alloc(8)),
  READ: request(15, readBody),
  WRITE: request(16, Buffer.concat([readBody, Buffer.alloc(4096)])),
  'READDIR of 102 names': request(28, readBody),
}

const none = Object.assign(() => undefined, { enabled: false })
const log = { in: none, out: none, session: none, bug: none }
for (const [name, message] of Object.entries(cases)) {
  let best = Infinity
  for (let repeat = 0; repeat < 5; repeat++) {
    const transport = new LoopTransport(message, rounds / 5)
    const session = new Session({ transport, filesystem, log })
    const started = performance.now()
    session.run()
    best = Math.min(best, ((performance.now() - started) * 1000) / (rounds / 5))
  }
  process.stdout.write(`${name.padEnd(22)} ${best.toFixed(3)} µs\n`)
}
