/**
 * `npm run fuzz`: random scenarios until stopped (or for TSOVERLAYFS_SECONDS), each kind of
 * difference once: made small, shown, stored. Prints rate and option sets every ten seconds.
 *
 * TSOVERLAYFS_ENGINE=OPTIONS mounts ours as an engine does, with these options besides (see
 * mount-host.ts), and compares what users see, not what is on disk.
 *
 * TSOVERLAYFS_OPTIONS=PATTERN tries only the option sets that match.
 *
 * Usage: node scripts/fuzz.mjs [DIRECTORY for findings; default test/regress/scripts]
 */
import fc from 'fast-check'
import { describeDifference } from '../helpers/difference.js'
import type { Difference } from '../helpers/difference.js'
import { Harness } from '../helpers/harness.js'
import { minimise } from '../helpers/minimise.js'
import { optionSets, randomScenario } from '../helpers/random-scenario.js'
import { describeScenario, storeFinding } from '../helpers/random-search.js'
import { type Scenario, scenarioLength } from '../helpers/scenario.js'
import { candidateName } from '../helpers/subject.js'
import { unexplained } from '../helpers/deviations.js'
import { RunnerFailed } from '../helpers/watched-runner.js'

const checkout = process.cwd()
const store = process.argv[2] ?? `${checkout}/test/regress/scripts`
const deadline = Date.now() + Number(process.env['TSOVERLAYFS_SECONDS'] ?? Infinity) * 1000
const seed = Number(process.env['TSOVERLAYFS_SEED'] ?? Date.now() % 1_000_000)
const workers = Number(process.env['TSOVERLAYFS_WORKERS'] ?? 2)
const wanted = new RegExp(process.env['TSOVERLAYFS_OPTIONS'] ?? '')
const options = optionSets.filter((set) => wanted.test(set))

const isEngine = process.env['TSOVERLAYFS_ENGINE'] !== undefined
const SEEN_BY_USERS: ReadonlySet<string> = new Set(['result', 'mount', 'merged'])

/** Kinds of difference seen so far: known once, not reported again. */
const known = new Set<string>()
const counts = new Map<string, number>(options.map((set) => [set, 0]))
let sequences = 0
let operations = 0
let findings = 0
let stopping = false
const started = Date.now()

function isOver(): boolean {
  return stopping || Date.now() >= deadline
}

function signature(difference: Difference): string {
  const word = (text: string): string => /^[A-Za-z-]+/.exec(text)?.[0] ?? 'value'
  const { place, field, expected, actual } = difference
  if (field.startsWith('xattr') || field === 'presence') return `${place} ${field}`
  return `${place} ${field} ${word(expected)} ${word(actual)}`
}

async function differences(harness: Harness, scenario: Scenario): Promise<readonly Difference[]> {
  try {
    const found = unexplained((await harness.compare(scenario)).differences, scenario)
    return isEngine ? found.filter(({ place }) => SEEN_BY_USERS.has(place)) : found
  } catch (error) {
    if (!(error instanceof RunnerFailed)) throw error
    console.log(`the comparison failed: ${error.message}`)
    const broken = { place: 'mount', round: 0, subject: error.message, field: 'failed' } as const
    return [{ ...broken, expected: 'a comparison', actual: 'none' }]
  }
}

async function examine(harness: Harness, scenario: Scenario, found: string[]): Promise<void> {
  const [first = ''] = found
  for (const kind of found) known.add(kind)
  const small = await minimise(scenario, async (smaller) =>
    (await differences(harness, smaller)).some((difference) => signature(difference) === first),
  )
  const seen = await differences(harness, small)
  for (const difference of seen) known.add(signature(difference))
  const texts = seen.map(describeDifference)
  const path = storeFinding(store, { scenario: small, differences: texts, seed })
  findings++
  console.log(
    `\n--- ${first}\n${describeScenario(small)}\n${texts.join('\n')}\nstored as ${path}\n`,
  )
}

async function work(index: number): Promise<void> {
  const harness = new Harness(candidateName(), checkout)
  try {
    for (let at = 0; !isOver(); at++) {
      const batch = fc.sample(randomScenario(options), {
        seed: seed + index + at * workers,
        numRuns: 20,
      })
      for (const scenario of batch) {
        if (isOver()) break
        sequences++
        operations += scenarioLength(scenario)
        counts.set(scenario.options, (counts.get(scenario.options) ?? 0) + 1)
        const kinds = (await differences(harness, scenario)).map(signature)
        const fresh = kinds.filter((kind) => !known.has(kind))
        if (fresh.length > 0) await examine(harness, scenario, fresh)
      }
    }
  } finally {
    await harness.close()
  }
}

function report(): void {
  const seconds = (Date.now() - started) / 1000
  const rate = (sequences / seconds).toFixed(1)
  const sets = [...counts].map(([set, count]) => `${set === '' ? 'default' : set}: ${count}`)
  console.log(
    `${Math.round(seconds)} s, ${sequences} sequences (${rate}/s), ${operations} operations, ` +
      `${findings} findings; ${sets.join('; ')}`,
  )
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopping = true
  })
}
console.log(`candidate ${candidateName()}, seed ${seed}, ${workers} workers`)
const timer = setInterval(report, 10_000)
await Promise.all(Array.from({ length: workers }, (_, index) => work(index)))
clearInterval(timer)
report()
process.exitCode = findings === 0 ? 0 : 1
