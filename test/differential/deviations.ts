/**
 * Where tsoverlayfs differs from kernel overlayfs on purpose, as data. The letters are those of
 * docs/semantics.md; a difference that no entry covers is a failure.
 */
import type { Difference } from '../helpers/difference.js'
import type { Scenario } from '../helpers/scenario.js'

/** One lettered deviation. */
export interface Deviation {
  readonly letter: string
  readonly title: string
  readonly covers: (difference: Difference, scenario: Scenario) => boolean
}

const UUID = / uuid [0-9a-f]{32}$/

/** All of them, in the order of docs/semantics.md. */
export const deviations: readonly Deviation[] = [
  {
    letter: 'F',
    title: 'one device number',
    covers: ({ field }, scenario) => field === 'dev' && scenario.upperElsewhere === true,
  },
  {
    letter: 'K',
    title: 'no FICLONE',
    covers: ({ place, field }) => place === 'result' && field === 'clone',
  },
  {
    letter: 'N',
    title: 'more holes survive',
    covers: ({ place, field }) => place === 'result' && field === 'holes',
  },
  {
    letter: 'O',
    title: 'origins on tmpfs lack the uuid that only the kernel knows',
    covers: ({ field, expected, actual, place }, { scratch, upperElsewhere }) => {
      if (scratch !== 'tmpfs' && upperElsewhere !== true) return false
      if (field === 'origin') return expected.replace(UUID, '') === actual.replace(UUID, '')
      return place.startsWith('merged after') && field.endsWith('ino')
    },
  },
  {
    letter: 'Q',
    title: 'whiteouts never show',
    covers: ({ field, expected, actual, place, subject }) => {
      if (field === 'presence') {
        return expected === 'listed, but lstat gives ENOENT' && actual === '-'
      }
      if (place !== 'result') return false
      if (field === 'rmdir') return expected === 'ENOTEMPTY' && actual === 'OK'
      return field === 'list' && subject !== '' && whiteoutsOnly(expected, actual)
    },
  },
  {
    letter: 'R',
    title: 'no inode flags',
    covers: ({ field, actual }) =>
      (field === 'setflags' || field === 'getflags') && actual === 'ENOTTY',
  },
  {
    letter: 'U',
    title: 'a read-only mount writes nothing',
    covers: ({ place, field, actual }, { options }) =>
      /\bro\b/.test(options) &&
      place === 'upper' &&
      actual === '-' &&
      /^xattr (uuid|origin|impure)$/.test(field),
  },
]

/** Whether a listing has, beyond the other's names, character devices only. */
function whiteoutsOnly(expected: string, actual: string): boolean {
  const had = new Set(actual.split(' '))
  const more = expected.split(' ').filter((entry) => !had.has(entry))
  return more.length > 0 && more.every((entry) => entry.endsWith('/2'))
}

/** Option sets that ours refuses, with the letter of the reason. */
export const refusedOptions: readonly { readonly words: RegExp; readonly letter: string }[] = [
  { words: /index=on|metacopy=on/, letter: 'P' },
]

/** What no deviation covers. */
export function unexplained(
  differences: readonly Difference[],
  scenario: Scenario,
): readonly Difference[] {
  return differences.filter(
    (difference) => !deviations.some(({ covers }) => covers(difference, scenario)),
  )
}
