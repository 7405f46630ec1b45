// @ts-check
// Bytes: sequential and direct reads and writes, copy-up by the first write, fsync.
import { join } from 'node:path'
import * as libc from '../libc.mjs'

const CHUNK = 1 << 20

/** @param {string} dir @param {{ name: string, direct: boolean }} options */
export function readSequential(dir, { name, direct }) {
  const memory = libc.alignedMemory(CHUNK)
  const flags = libc.O_RDONLY | (direct ? libc.O_DIRECT : 0)
  const path = libc.cPath(join(dir, name))
  const begin = process.hrtime.bigint()
  const fd = libc.open(path, flags, 0)
  let bytes = 0
  for (let got = 1; got > 0; bytes += got) got = libc.read(fd, memory, CHUNK)
  libc.close(fd)
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9, bytes }
}

/**
 * Write a new file; buffered writes are flushed before the clock stops only with `sync`.
 * @param {string} dir
 * @param {{ name: string, sizeMiB: number, direct: boolean, sync: boolean }} options
 */
export function writeSequential(dir, { name, sizeMiB, direct, sync }) {
  const memory = libc.alignedMemory(CHUNK)
  const flags = libc.O_WRONLY | libc.O_CREAT | libc.O_TRUNC | (direct ? libc.O_DIRECT : 0)
  const path = libc.cPath(join(dir, name))
  const begin = process.hrtime.bigint()
  const fd = libc.open(path, flags, 0o644)
  for (let chunk = 0; chunk < sizeMiB; chunk++) {
    if (libc.write(fd, memory, CHUNK) !== CHUNK) throw new Error(`${name}: short write`)
  }
  if (sync) libc.fsync(fd)
  libc.close(fd)
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9, bytes: sizeMiB * CHUNK }
}

/** The first write to a lower file: its copy-up. @param {string} dir @param {{ name: string }} o */
export function copyUp(dir, { name }) {
  const byte = Buffer.from('x')
  const path = libc.cPath(join(dir, name))
  const begin = process.hrtime.bigint()
  const fd = libc.open(path, libc.O_RDWR, 0)
  libc.pwrite(fd, byte, 1, 0)
  libc.close(fd)
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9 }
}

/**
 * A log that is flushed after each record, then small files that are each flushed.
 * @param {string} dir
 * @param {{ count: number }} options
 */
export function fsyncWrites(dir, { count }) {
  const block = Buffer.alloc(4096, 'record ')
  const flags = libc.O_WRONLY | libc.O_CREAT | libc.O_APPEND
  const paths = Array.from({ length: count }, (_, n) => libc.cPath(join(dir, `synced${n}`)))
  let begin = process.hrtime.bigint()
  const fd = libc.open(libc.cPath(join(dir, 'log')), flags, 0o644)
  for (let n = 0; n < count; n++) {
    libc.write(fd, block, block.length)
    libc.fsync(fd)
  }
  libc.close(fd)
  const log = Number(process.hrtime.bigint() - begin) / 1e9
  begin = process.hrtime.bigint()
  for (const path of paths) {
    const file = libc.open(path, flags, 0o644)
    libc.write(file, block, block.length)
    libc.fsync(file)
    libc.close(file)
  }
  return { log, files: Number(process.hrtime.bigint() - begin) / 1e9 }
}
