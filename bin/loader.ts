/**
 * What dist/tsoverlayfs.cjs is, for the main thread and the worker alike: it runs the program beside
 * it from V8's code cache, which spares each of them the compiling. A cache that is missing, or that
 * this version of node does not take, makes the start slower and changes nothing else.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Script } from 'node:vm'

/** Name of the program and its cache, without endings; it has the program's hash in it. */
declare const TSOVERLAYFS_PROGRAM: string

type Program = (
  exports: object,
  require: NodeJS.Require,
  module: { exports: object },
  filename: string,
  dirname: string,
) => void

function cacheOf(path: string): Buffer | undefined {
  try {
    return readFileSync(`${path}.cache`)
  } catch {
    return undefined
  }
}

const path = join(__dirname, TSOVERLAYFS_PROGRAM)
const filename = `${path}.cjs`
// The text is ASCII.
const script = new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: cacheOf(path),
})
const program = script.runInThisContext() as Program
const module = { exports: {} }
program(module.exports, createRequire(filename), module, __filename, __dirname)
