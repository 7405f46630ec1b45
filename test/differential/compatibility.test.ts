/**
 * The same script of operations on kernel overlayfs and on ours, over the same lower layers: equal
 * results, equal merged trees, equal upper directories on disk; then each mounts what the other
 * wrote, and the trees agree again.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import t from 'tap'
import {
  type Difference,
  compareResults,
  compareSnapshots,
  describeDifference,
} from '../helpers/difference.js'
import { runScript } from '../helpers/executor.js'
import { labelLowers } from '../helpers/inode-labels.js'
import type { Operation } from '../helpers/operation.js'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'
import { snapshotTree } from '../helpers/snapshot.js'
import { unmount } from '../helpers/syscalls.js'
import { snapshotUpper } from '../helpers/upper-snapshot.js'
import { buildLayer, everyOperation, openFiles, randomScript } from '../helpers/scripts.js'

const PROGRAM = fileURLToPath(new URL('../../bin/tsoverlayfs', import.meta.url))
type Side = 'kernel' | 'ours'

interface Places {
  readonly path: string
  readonly lowers: readonly string[]
  /** Further mount options; '' = none. */
  readonly options: string
}

function mountSide(places: Places, by: Side, store: Side): string {
  const options = [
    `lowerdir=${places.lowers.join(':')}`,
    `upperdir=${places.path}/${store}-upper`,
    `workdir=${places.path}/${store}-work`,
    ...(places.options === '' ? [] : [places.options]),
  ].join(',')
  const target = `${places.path}/${by}-merged`
  if (by === 'kernel') execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', options, target])
  else execFileSync(PROGRAM, ['mount', '-o', options, target])
  return target
}

function unmountSide(places: Places, by: Side): void {
  const result = unmount(`${places.path}/${by}-merged`)
  if (result < 0) throw new Error(`unmount ${by}: ${String(result)}`)
}

/** Run one script on both sides and collect what differs. */
function compare(places: Places, script: readonly Operation[]): Difference[] {
  for (const side of ['kernel', 'ours'] as const) {
    for (const part of ['upper', 'work', 'merged']) mkdirSync(`${places.path}/${side}-${part}`)
  }
  const labels = labelLowers(places.lowers)
  const run = (side: Side) => {
    const root = mountSide(places, side, side)
    const results = runScript(root, script, labels)
    const merged = snapshotTree(root, { labels })
    unmountSide(places, side)
    const upper = snapshotUpper(`${places.path}/${side}-upper`, labels)
    return { results, merged, upper }
  }
  const kernel = run('kernel')
  const ours = run('ours')
  const cross = (by: Side, store: Side) => {
    const root = mountSide(places, by, store)
    const merged = snapshotTree(root, { labels })
    unmountSide(places, by)
    return merged
  }
  // What the kernel makes of its own upper: some objects cannot keep their inode number.
  const again = cross('kernel', 'kernel')
  return [
    ...compareResults(0, script, kernel.results, ours.results),
    ...compareSnapshots('merged', 0, kernel.merged, ours.merged),
    ...compareSnapshots('upper', 0, kernel.upper, ours.upper),
    ...compareSnapshots('merged after cross-mount', 1, again, cross('kernel', 'ours')),
    ...compareSnapshots('merged after cross-mount', 1, again, cross('ours', 'kernel')),
  ]
}

function withLayers(count: number, options: string, use: (places: Places) => void): void {
  const scratch = makeScratch('disk')
  try {
    const lowers = Array.from({ length: count }, (_, i) => `${scratch.path}/lower${i}`)
    lowers.forEach((path, i) => {
      mkdirSync(path)
      buildLayer(path, i)
    })
    use({ path: scratch.path, lowers, options })
  } finally {
    scratch.remove()
  }
}

for (const [count, options, title, script] of [
  [1, '', 'every operation', everyOperation],
  [2, '', 'every operation', everyOperation],
  [5, '', 'every operation', everyOperation],
  [2, 'redirect_dir=on', 'every operation', everyOperation],
  [2, 'userxattr', 'every operation', everyOperation],
  [2, 'xino=on', 'every operation', everyOperation],
  [1, '', 'open files', openFiles],
  [3, '', 'open files', openFiles],
] as const) {
  await t.test(`${title}, lower layers: ${count} ${options}`, (t) => {
    if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
    withLayers(count, options, (places) => {
      const differences = compare(places, script)
      t.equal(differences.map(describeDifference).join('\n'), '', 'nothing differs')
    })
    t.end()
  })
}

const counts = fc.constantFrom(1, 2, 3, 5)
// Not userxattr: there the kernel shows two names of one copied-up symlink under two inode numbers.
const optionSets = fc.constantFrom('', '', 'redirect_dir=on', 'xino=on')

await t.test('random scripts', (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const numRuns = Number(process.env['TSOVERLAYFS_RANDOM_RUNS'] ?? 20)
  const property = fc.property(counts, optionSets, randomScript, (count, options, script) => {
    withLayers(count, options, (places) => {
      const differences = compare(places, script).map(describeDifference)
      if (differences.length > 0) throw new Error(differences.join('\n'))
    })
  })
  const seed = Number(process.env['TSOVERLAYFS_RANDOM_SEED'] ?? 20_261_121)
  t.comment(`seed ${seed}`)
  const found = fc.check(property, {
    numRuns,
    seed,
    includeErrorInReport: true,
    interruptAfterTimeLimit: 240_000,
  })
  t.equal(found.failed ? fc.defaultReportMessage(found) : undefined, undefined, 'no script differs')
  t.end()
})
