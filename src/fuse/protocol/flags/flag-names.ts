/** Shows flag words by name in logs. */

/** Bits and their names. */
export type FlagNames = readonly (readonly [bit: number, name: string])[]

/** Names of the set bits joined by `|`; unnamed bits in hexadecimal; `0` when none is set. */
export function showFlags(value: number, names: FlagNames): string {
  const shown: string[] = []
  let rest = value >>> 0
  for (const [bit, name] of names) {
    if ((rest & bit) !== 0) shown.push(name)
    rest = (rest & ~bit) >>> 0
  }
  if (rest !== 0) shown.push(`0x${rest.toString(16)}`)
  return shown.length === 0 ? '0' : shown.join('|')
}
