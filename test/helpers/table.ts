/**
 * Tables of the differential suite: each row is a script that runs on the standard tree, on kernel
 * overlayfs and on the candidate, with 1, 2 and 5 lower layers. Nothing is expected but what the
 * kernel does.
 */
import t from 'tap'
import { isCarried } from './deviations-libfuse.js'
import { unexplained } from './deviations.js'
import type { Outcome } from './comparison.js'
import { describeDifference } from './difference.js'
import { Harness } from './harness.js'
import type { Operation } from './operation.js'
import { requires } from './requires.js'
import type { Scenario } from './scenario.js'
import { standardLower, standardSetup } from './standard-layers.js'
import { candidateName } from './subject.js'

/** One row. */
export interface Row {
  readonly title: string
  readonly script: readonly Operation[]
  /** Done after a remount. */
  readonly then?: readonly Operation[]
  /** Between the parts upper becomes the top lower layer, and a new one takes its place. */
  readonly rotates?: true
  /** More of the same, after `then`. */
  readonly last?: readonly Operation[]
  /** Option sets, each tried; the default set unless given. */
  readonly options?: readonly string[]
  /** Numbers of standard lower layers; 1, 2 and 5 unless given. */
  readonly layers?: readonly number[]
  /** Lower layers, top-most first, in place of the standard ones; upper is then left empty. */
  readonly lowers?: readonly (readonly Operation[])[]
  /** Lower layers in place of the standard ones, by index (0 = top-most) and number. */
  readonly lower?: (index: number, count: number) => readonly Operation[]
  /** Done through a mount of its own before the script, with `lower` or `lowers`. */
  readonly setup?: readonly Operation[]
  /** What upper holds before the first mount, with `lower` or `lowers`. */
  readonly upper?: readonly Operation[]
  /** More of the scenario; see there. */
  readonly more?: Pick<
    Scenario,
    'work' | 'withoutUpper' | 'upperElsewhere' | 'lowerSuffix' | 'lowerForm' | 'dataLayers'
  >
  readonly scratch?: Scenario['scratch']
  /** Every operation is expected to fail on the kernel. */
  readonly refused?: true
}

function layersOf(row: Row): (readonly Operation[])[][] {
  if (row.lowers !== undefined) return [[...row.lowers]]
  const lower = row.lower ?? standardLower
  return (row.layers ?? [1, 2, 5]).map((count) =>
    Array.from({ length: count }, (_, index) => lower(index, count)),
  )
}

function scenariosOf(row: Row): Scenario[] {
  const { script, then, last, options = [''], scratch = 'disk', more = {}, upper = [] } = row
  const isStandard = row.lowers === undefined && row.lower === undefined
  const setup = row.setup ?? (isStandard && more.withoutUpper !== true ? standardSetup : undefined)
  const scripts = [setup, script, then, last].filter((part) => part !== undefined)
  const next = row.rotates === true ? 'rotate' : 'remount'
  const rounds = scripts.map((part) => ({ script: part, then: next }) as const)
  return options.flatMap((set) =>
    layersOf(row).map((lowers) => ({ scratch, options: set, lowers, upper, rounds, ...more })),
  )
}

function nameOf(scenario: Scenario): string {
  const options = scenario.options === '' ? 'default options' : scenario.options
  return `${scenario.lowers.length} lower, ${options}`
}

/** Whether a row does what it is there for; a row that only ever fails compares nothing. */
function isVacuous(row: Row, outcomes: readonly Outcome[]): boolean {
  const after = [row.then, row.last].filter((part) => part !== undefined)
  const seen = outcomes.flatMap(({ results }) => results.at(-1 - after.length) ?? [])
  const succeeded = seen.some((result) => result.startsWith('OK'))
  return row.script.length > 0 && succeeded === (row.refused === true)
}

/** Run a table, one test a row. Called once per test file. */
export async function runTable(section: string, rows: readonly Row[]): Promise<void> {
  await t.test(`SEMANTICS ${section}, candidate ${candidateName()}`, async (t) => {
    if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
    const harness = new Harness(candidateName())
    t.teardown(() => harness.close())
    const only = process.env['TSOVERLAYFS_ROW']
    for (const row of rows) {
      if (only !== undefined && !row.title.includes(only)) continue
      const isWhole = candidateName() !== 'libfuse' || row.script.every(isCarried)
      await t.test(row.title, async (t) => {
        const outcomes: Outcome[] = []
        for (const scenario of scenariosOf(row)) {
          const outcome = await harness.compare(scenario)
          outcomes.push(outcome)
          const found = unexplained(outcome.differences, scenario).map(describeDifference)
          t.strictSame(found, [], nameOf(scenario))
        }
        if (!isWhole) t.comment('compared as far as libfuse carries it')
        else t.notOk(isVacuous(row, outcomes), 'the row does what it is there for')
      })
    }
  })
}
