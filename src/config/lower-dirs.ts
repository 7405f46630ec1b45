/**
 * The value of `lowerdir`: layers split at unescaped colons, `::` before each data-only layer.
 * @mirrors fs/overlayfs/params.c:ovl_parse_layer, ovl_parse_param_split_lowerdirs
 */
import { EINVAL } from '../sys/errno.js'
import { OptionError } from './option-error.js'
import { unescapeValue } from './option-words.js'

/** Layers, top-most first. */
export interface LowerDirs {
  readonly lowers: readonly string[]
  readonly data: readonly string[]
}

/** As many lower layers as kernel overlayfs takes, data-only ones included. */
export const maxLowerDirs = 500

function fail(message: string): never {
  throw new OptionError(EINVAL, 'lowerdir', `lowerdir: ${message}`)
}

/** Split at unescaped colons; escapes stay in the parts. */
function splitColons(value: string): string[] {
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < value.length; at++) {
    if (value[at] === '\\') at += 1
    else if (value[at] === ':') {
      parts.push(value.slice(start, at))
      start = at + 1
    }
  }
  parts.push(value.slice(start))
  return parts
}

/**
 * Split the value of `lowerdir`. An empty one gives no layers.
 * @throws OptionError EINVAL for misplaced colons and for a layer after a data-only one
 */
export function splitLowerDirs(value: string): LowerDirs {
  if (value === '') return { lowers: [], data: [] }
  const parts = splitColons(value)
  if (parts[0] === '')
    fail("it starts with ':'; remove that colon, or write '\\:' for one in a path")
  if (parts.at(-1) === '') {
    fail("it ends with ':'; remove that colon, or write '\\:' for one in a path")
  }
  const lowers: string[] = []
  const data: string[] = []
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] ?? ''
    if (part !== '') {
      if (data.length > 0)
        fail(`regular layer '${part}' follows a data-only one; put it before '::'`)
      lowers.push(unescapeValue(part))
      continue
    }
    at += 1
    const dataPart = parts[at] ?? ''
    if (dataPart === '')
      fail("':::' means nothing; use ':' between layers, '::' before a data-only one")
    data.push(unescapeValue(dataPart))
  }
  return { lowers, data }
}
