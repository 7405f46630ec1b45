/** Runs generated scenarios until one differs, then makes it small and stores it. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import fc from 'fast-check'
import type { Harness } from './harness.js'
import { type Difference, describeDifference } from './difference.js'
import { minimise } from './minimise.js'
import { describeOperation } from './operation.js'
import { randomScenario } from './random-scenario.js'
import type { Scenario } from './scenario.js'
import { RunnerFailed } from './watched-runner.js'

/** What to search, and how long. */
export interface SearchPlan {
  readonly harness: Harness
  /** Differences that count. */
  readonly unexplained: (
    differences: readonly Difference[],
    scenario: Scenario,
  ) => readonly Difference[]
  readonly options: readonly string[]
  readonly seed: number
  readonly runs: number
  /** End, without failing, after this time. */
  readonly limitMs: number
  /** Told of every scenario. */
  readonly onRun?: (scenario: Scenario) => void
}

/** A scenario that differs, made as small as it could be. */
export interface Finding {
  readonly scenario: Scenario
  readonly differences: readonly string[]
  readonly seed: number
}

/** What a search did. */
export interface SearchResult {
  readonly runs: number
  readonly finding: Finding | null
}

async function failures(plan: SearchPlan, scenario: Scenario): Promise<string[]> {
  try {
    const { differences } = await plan.harness.compare(scenario)
    return plan.unexplained(differences, scenario).map(describeDifference)
  } catch (error) {
    if (error instanceof RunnerFailed) return [`the comparison failed: ${error.message}`]
    throw error
  }
}

/** Search for a scenario on which candidate and kernel differ. */
export async function search(plan: SearchPlan): Promise<SearchResult> {
  let runs = 0
  const failing: Scenario[] = []
  const property = fc.asyncProperty(randomScenario(plan.options), async (scenario) => {
    runs++
    plan.onRun?.(scenario)
    const found = await failures(plan, scenario)
    if (found.length > 0) failing.push(scenario)
    return found.length === 0
  })
  await fc.check(property, {
    seed: plan.seed,
    numRuns: plan.runs,
    interruptAfterTimeLimit: plan.limitMs,
    // Scripts are shrunk by dropping operations, which knows what belongs together.
    endOnFailure: true,
  })
  const [first] = failing
  if (first === undefined) return { runs, finding: null }
  const scenario = await minimise(first, async (smaller) => {
    return (await failures(plan, smaller)).length > 0
  })
  const differences = await failures(plan, scenario)
  return { runs, finding: { scenario, differences, seed: plan.seed } }
}

/** Show a scenario as people read it. */
export function describeScenario(scenario: Scenario): string {
  const lines = [`${scenario.scratch}, options '${scenario.options}'`]
  scenario.lowers.forEach((lower, index) => {
    lines.push(`lower ${index}:`, ...lower.map((step) => `  ${describeOperation(step)}`))
  })
  lines.push('upper:', ...scenario.upper.map((step) => `  ${describeOperation(step)}`))
  scenario.rounds.forEach(({ script, then }, index) => {
    lines.push(`round ${index}:`, ...script.map((step) => `  ${describeOperation(step)}`))
    if (index + 1 < scenario.rounds.length) lines.push(`  then ${then}`)
  })
  return lines.join('\n')
}

/** Store a finding as a regression script; returns the file's path. */
export function storeFinding(directory: string, finding: Finding): string {
  mkdirSync(directory, { recursive: true })
  const text = `${JSON.stringify(finding, null, 2)}\n`
  const name = createHash('sha1')
    .update(JSON.stringify(finding.scenario))
    .digest('hex')
    .slice(0, 10)
  const path = `${directory}/${name}.json`
  writeFileSync(path, text)
  return path
}
