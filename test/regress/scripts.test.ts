/** Every scenario that once showed a difference from kernel overlayfs, and must no more. */
import { readFileSync, readdirSync } from 'node:fs'
import t from 'tap'
import { unexplained } from '../helpers/deviations.js'
import { describeDifference } from '../helpers/difference.js'
import { Harness, checkout } from '../helpers/harness.js'
import type { Finding } from '../helpers/random-search.js'
import { requires } from '../helpers/requires.js'
import { candidateName } from '../helpers/subject.js'

const DIRECTORY = `${checkout}/test/regress/scripts`

await t.test('stored scripts', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const harness = new Harness(candidateName())
  t.teardown(() => harness.close())
  const names = readdirSync(DIRECTORY).filter((name) => name.endsWith('.json'))
  t.ok(names.length > 0, 'there are scripts')
  for (const name of names) {
    const { scenario } = JSON.parse(readFileSync(`${DIRECTORY}/${name}`, 'utf8')) as Finding
    const { differences } = await harness.compare(scenario)
    const found = unexplained(differences, scenario).map(describeDifference)
    t.strictSame(found, [], name)
  }
})
