// @ts-check
// The system calls that the benchmark's client makes, bound through koffi: a call costs some 200 ns,
// where node:fs costs several microseconds and would hide what the file system costs.
import koffi from 'koffi'

const libc = koffi.load(null)

/**
 * Call and throw on failure: a benchmark that measures errors measures nothing.
 * @param {string} signature
 * @returns {(...args: any[]) => number}
 */
function bind(signature) {
  const call = libc.func(signature)
  const name = /(\w+)\(/.exec(signature)?.[1] ?? signature
  return (...args) => {
    const result = call(...args)
    if (result < 0) throw new Error(`${name}: errno ${koffi.errno()}`)
    return result
  }
}

const rawStat = libc.func('int stat(void *path, void *out)')
const statBuffer = Buffer.alloc(256)

/** @param {Buffer} path ends in NUL */
export function stat(path) {
  if (rawStat(path, statBuffer) !== 0) throw new Error(`stat ${path}: errno ${koffi.errno()}`)
}

/** @param {Buffer} path ends in NUL; must not exist */
export function statMissing(path) {
  if (rawStat(path, statBuffer) === 0) throw new Error(`stat ${path}: it exists`)
}

export const open = bind('int open(void *path, int flags, unsigned int mode)')
export const close = bind('int close(int fd)')
export const read = bind('long read(int fd, void *buf, size_t size)')
export const write = bind('long write(int fd, void *buf, size_t size)')
export const pread = bind('long pread64(int fd, void *buf, size_t size, long offset)')
export const pwrite = bind('long pwrite64(int fd, void *buf, size_t size, long offset)')
export const rename = bind('int rename(void *from, void *to)')
export const unlink = bind('int unlink(void *path)')
export const fsync = bind('int fsync(int fd)')

const posixMemalign = libc.func('int posix_memalign(_Out_ void **out, size_t align, size_t size)')

/**
 * Memory that O_DIRECT accepts; lives as long as the process.
 * @param {number} sizeBytes
 * @returns {unknown} a pointer for {@link pread} and {@link pwrite}
 */
export function alignedMemory(sizeBytes) {
  const out = [null]
  const error = posixMemalign(out, 4096, sizeBytes)
  if (error !== 0) throw new Error(`posix_memalign: errno ${error}`)
  return out[0]
}

export const O_RDONLY = 0
export const O_WRONLY = 1
export const O_RDWR = 2
export const O_CREAT = 0o100
export const O_EXCL = 0o200
export const O_TRUNC = 0o1000
export const O_APPEND = 0o2000
/** x86 and arm64 differ in this one. */
export const O_DIRECT = process.arch === 'arm64' || process.arch === 'arm' ? 0o200000 : 0o40000

/** @param {string} path */
export const cPath = (path) => Buffer.from(`${path}\0`, 'latin1')
