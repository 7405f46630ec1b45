/** What two looks at an overlay disagree on, apart from what no overlay keeps over a fault. */
import { type Difference, compareSnapshots, describeDifference } from '../difference.js'
import type { Snapshot } from '../snapshot.js'

/**
 * Whether a difference does not count. A directory's link count tells whether it is merged, no more.
 * Its times are put back after a copy-up in it, as the kernel does: best effort, in a step of its
 * own. The VFS keeps listings, numbers included, until it knows the directory to have changed, which
 * by the separation of a hard link it has not.
 */
function isNegligible(expected: Snapshot, { subject, field, actual }: Difference): boolean {
  if (field === 'd_ino') return true
  if (expected.get(subject)?.['type'] !== 'dir') return false
  return field === 'nlink' || (field === 'mtime' && actual === 'now')
}

/** What differs, a line each. */
export function differences(expected: Snapshot, actual: Snapshot): string[] {
  return compareSnapshots('merged', 0, expected, actual)
    .filter((difference) => !isNegligible(expected, difference))
    .map(describeDifference)
}
