// @ts-check
// Several clients at once, each in a directory of its own, on a mix of everything.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as libc from '../libc.mjs'

/**
 * One client's share: per file create, write, stat, read back, rename, stat a missing name, and of
 * every second file unlink. Waits for a byte on standard input before it begins.
 * @param {string} dir
 * @param {{ files: number }} options
 */
export async function mixOne(dir, { files }) {
  const content = Buffer.alloc(4096, 'mix ')
  const buffer = Buffer.alloc(4096)
  const names = Array.from({ length: files }, (_, n) => ({
    path: libc.cPath(join(dir, `m${n}`)),
    renamed: libc.cPath(join(dir, `r${n}`)),
    missing: libc.cPath(join(dir, `x${n}`)),
  }))
  process.stdout.write('ready\n')
  await once(process.stdin, 'data')
  names.forEach(({ path, renamed, missing }, n) => {
    const fd = libc.open(path, libc.O_RDWR | libc.O_CREAT | libc.O_EXCL, 0o644)
    libc.write(fd, content, content.length)
    libc.pread(fd, buffer, buffer.length, 0)
    libc.close(fd)
    libc.stat(path)
    libc.rename(path, renamed)
    libc.statMissing(missing)
    const again = libc.open(renamed, libc.O_RDONLY, 0)
    libc.read(again, buffer, buffer.length)
    libc.close(again)
    if (n % 2 === 0) libc.unlink(renamed)
  })
  process.stdin.destroy()
  return {}
}

/** @param {string} dir @param {{ clients: number, files: number }} options */
export async function mixParallel(dir, { clients, files }) {
  const program = fileURLToPath(new URL('../client.mjs', import.meta.url))
  const children = Array.from({ length: clients }, (_, n) => {
    const own = join(dir, `client${n}`)
    mkdirSync(own)
    return spawn(process.execPath, [program, 'mixOne', own, JSON.stringify({ files })], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
  })
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  const begin = process.hrtime.bigint()
  const ends = children.map((child) => once(child, 'exit'))
  for (const child of children) child.stdin.write('go\n')
  for (const [code] of await Promise.all(ends)) {
    if (code !== 0) throw new Error(`a parallel client ended with ${code}`)
  }
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9 }
}
