/**
 * Generated scenarios on kernel overlayfs and on ours: errno by errno, merged tree, upper on disk,
 * remounts, rotation of upper into the lower layers, cross-mounts.
 *
 * TSOVERLAYFS_CANDIDATE  what is compared with the kernel (subject.ts); ours by default
 * TSOVERLAYFS_RUNS       sequences in all; 2000 by default
 * TSOVERLAYFS_SECONDS    time limit; 280 by default
 * TSOVERLAYFS_SEED       of the first search; the others follow
 */
import { availableParallelism, tmpdir } from 'node:os'
import t from 'tap'
import { Harness, checkout } from '../helpers/harness.js'
import { describeScenario, search, storeFinding } from '../helpers/random-search.js'
import { optionSets } from '../helpers/random-scenario.js'
import { requires } from '../helpers/requires.js'
import { candidateName, isOurs } from '../helpers/subject.js'
import { unexplained } from '../helpers/deviations.js'

const RUNS = Number(process.env['TSOVERLAYFS_RUNS'] ?? 2000)
const LIMIT_MS = Number(process.env['TSOVERLAYFS_SECONDS'] ?? 280) * 1000
const SEED = Number(process.env['TSOVERLAYFS_SEED'] ?? 20261121)
const WORKERS = Math.min(2, availableParallelism())

const isPlain = isOurs() && candidateName() !== 'libfuse'
/** What others do differently is no regression of ours. */
const STORE = isPlain ? `${checkout}/test/regress/scripts` : `${tmpdir()}/tsoverlayfs-findings`
await t.test(`random scenarios, candidate ${candidateName()}`, async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const started = Date.now()
  const results = await Promise.all(
    Array.from({ length: WORKERS }, async (_, index) => {
      const harness = new Harness(candidateName())
      t.teardown(() => harness.close())
      const runs = Math.ceil(RUNS / WORKERS)
      const plan = {
        harness,
        unexplained,
        options: optionSets,
        seed: SEED + index,
        runs,
        limitMs: LIMIT_MS,
      }
      const result = await search(plan)
      await harness.close()
      return result
    }),
  )
  const runs = results.reduce((sum, result) => sum + result.runs, 0)
  t.comment(`${runs} sequences in ${Math.round((Date.now() - started) / 1000)} s, seed ${SEED}`)
  for (const { finding } of results) {
    if (finding === null) {
      t.pass('no sequence differs')
      continue
    }
    const stored = storeFinding(STORE, finding)
    t.comment(describeScenario(finding.scenario))
    t.strictSame(finding.differences, [], `seed ${finding.seed}, stored as ${stored}`)
  }
})

await t.test('options', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const harness = new Harness(candidateName())
  t.teardown(() => harness.close())
  for (const options of optionSets) {
    const rounds = [{ script: [], then: 'remount' }] as const
    const scenario = { scratch: 'disk', lowers: [[]], upper: [], options, rounds } as const
    const { differences } = await harness.compare(scenario)
    t.notOk(
      differences.some(({ place }) => place === 'mount'),
      `'${options}' is accepted`,
    )
  }
})
