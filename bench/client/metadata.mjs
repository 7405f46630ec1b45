// @ts-check
// Loops over names: stat, read, create, append, rename, unlink.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as libc from '../libc.mjs'

/**
 * Every file below `dir` in an order that readdir did not give, so that no layout is favoured.
 * @param {string} dir
 * @returns {string[]}
 */
export function filesBelow(dir) {
  const found = readdirSync(dir, { recursive: true, withFileTypes: true })
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** @param {() => void} work */
function timed(work) {
  const begin = process.hrtime.bigint()
  work()
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9 }
}

/** @param {string} dir @param {{ repeat: number }} options */
export function statCached(dir, { repeat }) {
  const paths = filesBelow(dir).map(libc.cPath)
  for (const path of paths) libc.stat(path)
  const { seconds } = timed(() => {
    for (let round = 0; round < repeat; round++) for (const path of paths) libc.stat(path)
  })
  return { seconds, calls: repeat * paths.length }
}

/** @param {string} dir @param {{ repeat: number }} options */
export function statNegative(dir, { repeat }) {
  const paths = filesBelow(dir).map((path) => libc.cPath(`${path}.missing`))
  for (const path of paths) libc.statMissing(path)
  const { seconds } = timed(() => {
    for (let round = 0; round < repeat; round++) for (const path of paths) libc.statMissing(path)
  })
  return { seconds, calls: repeat * paths.length }
}

/**
 * Look up names for the first time. `names` are below `dir`.
 * @param {string} dir
 * @param {{ names: string[], missing: boolean }} options
 */
export function lookupNames(dir, { names, missing }) {
  const paths = names.map((name) => libc.cPath(join(dir, name)))
  return timed(() => {
    if (missing) for (const path of paths) libc.statMissing(path)
    else for (const path of paths) libc.stat(path)
  })
}

/**
 * Read whole files, in name order. The names come from outside, so that listing them does not warm
 * what a cold read is to meet.
 * @param {string} dir
 * @param {{ names: string[] }} options
 */
export function readFiles(dir, { names }) {
  const paths = names.map((name) => libc.cPath(join(dir, name)))
  const buffer = Buffer.alloc(1 << 16)
  return timed(() => {
    for (const path of paths) {
      const fd = libc.open(path, libc.O_RDONLY, 0)
      while (libc.read(fd, buffer, buffer.length) > 0);
      libc.close(fd)
    }
  })
}

/** @param {string} dir @param {{ dirs: string[], each: number, prefix: string }} options */
function namesIn(dir, { dirs, each, prefix }) {
  return dirs.flatMap((sub) =>
    Array.from({ length: each }, (_, n) => libc.cPath(join(dir, sub, `${prefix}${n}`))),
  )
}

const content = Buffer.alloc(100, 'content ')

/** @param {string} dir @param {{ dirs: string[], each: number, prefix: string }} options */
export function createFiles(dir, options) {
  const paths = namesIn(dir, options)
  return timed(() => {
    for (const path of paths) {
      const fd = libc.open(path, libc.O_WRONLY | libc.O_CREAT | libc.O_EXCL, 0o644)
      libc.write(fd, content, content.length)
      libc.close(fd)
    }
  })
}

/** @param {string} dir @param {{ names: string[] }} options */
export function appendFiles(dir, { names }) {
  const paths = names.map((name) => libc.cPath(join(dir, name)))
  return timed(() => {
    for (const path of paths) {
      const fd = libc.open(path, libc.O_WRONLY | libc.O_APPEND, 0)
      libc.write(fd, content, content.length)
      libc.close(fd)
    }
  })
}

/** @param {string} dir @param {{ names: string[] }} options */
export function renameFiles(dir, { names }) {
  const pairs = names.map((name) => {
    const path = join(dir, name)
    return /** @type {const} */ ([libc.cPath(path), libc.cPath(`${path}.renamed`)])
  })
  return timed(() => {
    for (const [from, to] of pairs) libc.rename(from, to)
  })
}

/** @param {string} dir @param {{ names: string[] }} options */
export function unlinkFiles(dir, { names }) {
  const paths = names.map((name) => libc.cPath(join(dir, name)))
  return timed(() => {
    for (const path of paths) libc.unlink(path)
  })
}

/**
 * One directory with very many names: list it, look each up, make as many more, delete those.
 * @param {string} dir
 * @param {{ entries: number }} options names are `e0`, `e1`, ...
 */
export function bigDirectory(dir, { entries }) {
  const paths = (/** @type {string} */ prefix) =>
    Array.from({ length: entries }, (_, n) => libc.cPath(join(dir, `${prefix}${n}`)))
  let listed = 0
  const list = timed(() => {
    listed = readdirSync(dir, { encoding: 'buffer' }).length
  })
  if (listed !== entries) throw new Error(`${dir}: listed ${listed} entries of ${entries}`)
  const old = paths('e')
  const fresh = paths('n')
  const lookup = timed(() => {
    for (const path of old) libc.stat(path)
  })
  const create = timed(() => {
    for (const path of fresh) {
      libc.close(libc.open(path, libc.O_WRONLY | libc.O_CREAT | libc.O_EXCL, 0o644))
    }
  })
  const remove = timed(() => {
    for (const path of old) libc.unlink(path)
    for (const path of fresh) libc.unlink(path)
  })
  return {
    list: list.seconds,
    lookup: lookup.seconds,
    create: create.seconds,
    delete: remove.seconds,
  }
}

/**
 * Open every file, read a byte of each once all are open, then close them.
 * @param {string} dir
 * @param {{ names: string[] }} options
 */
export function openAndKeep(dir, { names }) {
  const paths = names.map((name) => libc.cPath(join(dir, name)))
  const byte = Buffer.alloc(1)
  return timed(() => {
    const open = paths.map((path) => libc.open(path, libc.O_RDONLY, 0))
    for (const fd of open) if (libc.read(fd, byte, 1) !== 1) throw new Error('open file is empty')
    for (const fd of open) libc.close(fd)
  })
}
