// @ts-check
// Extended attributes for scripts: koffi where it loads, else the programs of the package `attr`.
// Values are byte strings (latin1); a missing attribute is null.
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'

/**
 * @typedef {object} XattrCalls
 * @property {(path: string, name: string) => string | null} get
 * @property {(path: string, name: string, value: string) => string | null} set null, or why not
 */

/** @returns {XattrCalls} */
function throughKoffi() {
  const koffi = createRequire(import.meta.url)('koffi')
  const libc = koffi.load(null)
  const lgetxattr = libc.func(
    'long lgetxattr(const char *path, const char *name, void *value, size_t size)',
  )
  const lsetxattr = libc.func(
    'int lsetxattr(const char *path, const char *name, void *value, size_t size, int flags)',
  )
  return {
    get(path, name) {
      const value = Buffer.alloc(65_536)
      const size = Number(lgetxattr(path, name, value, value.length))
      return size < 0 ? null : value.toString('latin1', 0, size)
    },
    set(path, name, value) {
      const bytes = Buffer.from(value, 'latin1')
      if (lsetxattr(path, name, bytes, bytes.length, 0) === 0) return null
      const number = koffi.errno()
      const names = Object.entries(koffi.os.errno ?? {})
      return names.find(([, value]) => value === number)?.[0] ?? `errno ${number}`
    },
  }
}

/** @returns {XattrCalls} */
function throughPrograms() {
  const quiet = { stdio: /** @type {['ignore', 'pipe', 'pipe']} */ (['ignore', 'pipe', 'pipe']) }
  return {
    get(path, name) {
      try {
        const options = { ...quiet, encoding: /** @type {const} */ ('latin1') }
        return execFileSync('getfattr', ['-h', '--only-values', '-n', name, path], options)
      } catch (error) {
        if (isMissingProgram(error)) throw error
        return null
      }
    },
    set(path, name, value) {
      try {
        execFileSync('setfattr', ['-h', '-n', name, '-v', value, path], quiet)
        return null
      } catch (error) {
        if (isMissingProgram(error)) throw error
        return (
          /** @type {Error & { stderr?: Buffer }} */ (error).stderr?.toString().trim() ?? 'failed'
        )
      }
    },
  }
}

/** @param {unknown} error */
function isMissingProgram(error) {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** @type {XattrCalls | null} */
let calls = null

/** The system calls, by whichever way works here. */
export function xattr() {
  if (calls !== null) return calls
  try {
    calls = throughKoffi()
  } catch (error) {
    if (!(error instanceof Error)) throw error
    calls = throughPrograms()
  }
  return calls
}
