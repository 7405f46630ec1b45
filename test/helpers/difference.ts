/** What two runs disagree on, as data, so that known deviations can be told from bugs. */
import { type Operation, describeOperation } from './operation.js'
import type { Entry, Snapshot } from './snapshot.js'

/** Where a difference was seen. */
export type DifferencePlace =
  | 'result'
  | 'mount'
  | 'merged'
  | 'upper'
  | 'index'
  | 'work'
  | 'lower'
  | 'merged after remount'
  | 'merged after cross-mount'

/** One value that differs. */
export interface Difference {
  readonly place: DifferencePlace
  /** Number of the mount since the start, from 0. */
  readonly round: number
  /** Path, or the operation for results. */
  readonly subject: string
  /** Field of the entry; for results the operation's kind. */
  readonly field: string
  /** `-` where there is nothing. */
  readonly expected: string
  readonly actual: string
}

function fields(a: Entry | undefined, b: Entry | undefined): string[] {
  return [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])]
}

/** Compare two trees path by path, field by field. */
export function compareSnapshots(
  place: DifferencePlace,
  round: number,
  expected: Snapshot,
  actual: Snapshot,
): Difference[] {
  const differences: Difference[] = []
  for (const path of [...new Set([...expected.keys(), ...actual.keys()])].sort()) {
    const left = expected.get(path)
    const right = actual.get(path)
    if (left === undefined || right === undefined) {
      const describe = (entry: Entry | undefined): string =>
        entry === undefined ? '-' : (entry['type'] ?? entry['error'] ?? 'something')
      differences.push({
        place,
        round,
        subject: path,
        field: 'presence',
        expected: describe(left),
        actual: describe(right),
      })
      continue
    }
    for (const field of fields(left, right)) {
      const was = left[field] ?? '-'
      const is = right[field] ?? '-'
      if (was === is) continue
      differences.push({ place, round, subject: path, field, expected: was, actual: is })
    }
  }
  return differences
}

/** Compare the results of a script, operation by operation. */
export function compareResults(
  round: number,
  script: readonly Operation[],
  expected: readonly string[],
  actual: readonly string[],
): Difference[] {
  const differences: Difference[] = []
  script.forEach((operation, index) => {
    const was = expected[index] ?? 'not run'
    const is = actual[index] ?? 'not run'
    if (was === is) return
    differences.push({
      place: 'result',
      round,
      subject: `${index}: ${describeOperation(operation)}`,
      field: operation.op,
      expected: was,
      actual: is,
    })
  })
  return differences
}

/** One readable line. */
export function describeDifference(difference: Difference): string {
  const { place, round, subject, field, expected, actual } = difference
  const cut = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}…` : text)
  return `[${place}, round ${round}] ${subject} (${field}): expected ${cut(expected)}, got ${cut(actual)}`
}
