/** What two looks at an overlay disagree on, apart from what no overlay keeps over a crash. */
import { type Difference, compareSnapshots, describeDifference } from '../difference.js'
import type { Snapshot } from '../snapshot.js'

/**
 * Whether a difference does not count. A directory's link count tells whether it is merged, no more.
 * Its times are put back after a copy-up in it, as the kernel does: best effort, in a step of its
 * own.
 */
function isNegligible(expected: Snapshot, difference: Difference): boolean {
  if (expected.get(difference.subject)?.['type'] !== 'dir') return false
  return (
    difference.field === 'nlink' || (difference.field === 'mtime' && difference.actual === 'now')
  )
}

/** What differs, a line each. */
export function differences(expected: Snapshot, actual: Snapshot): string[] {
  return compareSnapshots('merged', 0, expected, actual)
    .filter((difference) => !isNegligible(expected, difference))
    .map(describeDifference)
}
