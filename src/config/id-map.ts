/** The value of `uidmapping` and `gidmapping`, and single ids. */
import type { IdRange } from '../overlay/options.js'
import { EINVAL } from '../sys/errno.js'
import { OptionError } from './option-error.js'

const idCount = 4294967296

/** A number of an id, or of ids; NaN when it is none. */
function toNumber(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : NaN
}

/**
 * Parse colon-joined triples `disk:shown:count`; a leading colon is how containers/storage writes it.
 * @throws OptionError EINVAL unless the value is whole triples of 32-bit numbers
 */
export function parseIdMap(option: string, value: string): IdRange[] {
  const fail = (what: string): never => {
    throw new OptionError(
      EINVAL,
      option,
      `${option}=${value}: ${what}; write DISK:SHOWN:COUNT, repeated with ':' between`,
    )
  }
  const text = value.startsWith(':') ? value.slice(1) : value
  const numbers = text.split(':').map(toNumber)
  if (numbers.length % 3 !== 0) fail('invalid mapping, not a multiple of three numbers')
  const ranges: IdRange[] = []
  for (let at = 0; at < numbers.length; at += 3) {
    const [host = NaN, shown = NaN, count = NaN] = numbers.slice(at, at + 3)
    // NaN fails each comparison.
    if (!(host + count <= idCount && shown + count <= idCount && count > 0)) {
      fail('invalid mapping, ids are numbers below 2^32 and a count is at least 1')
    }
    ranges.push({ host, shown, count })
  }
  return ranges
}

/** Parse one id. @throws OptionError EINVAL unless it is a number below 2^32 - 1 */
export function parseId(option: string, value: string): number {
  const id = toNumber(value)
  if (!(id < idCount - 1)) {
    throw new OptionError(EINVAL, option, `${option}=${value}: not an id; give a number`)
  }
  return id
}
