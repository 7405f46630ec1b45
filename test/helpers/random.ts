/** Random numbers that a seed decides: the same sequence in every run. */

/** A generator of numbers; `below(n)` is 0 to n - 1. */
export interface Random {
  below: (limit: number) => number
  pick: <T>(choices: readonly [T, ...T[]]) => T
}

/** Start a generator (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 4294967296) * limit)
  }
  return { below, pick: (choices) => choices[below(choices.length)] ?? choices[0] }
}
