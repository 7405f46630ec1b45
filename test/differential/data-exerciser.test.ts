/**
 * Random calls on the data of one file, as fsx makes them: two descriptors, a shared mapping, calls by
 * name, holes, truncation, over a lower file that is copied up on the way and, in later rounds, is
 * lower again. What each read returns is what the kernel returns. TSOVERLAYFS_SEED repeats
 * one seed, TSOVERLAYFS_SEEDS says how many are tried.
 */
import t from 'tap'
import { unexplained } from '../helpers/deviations.js'
import { describeDifference } from '../helpers/difference.js'
import { Harness, checkout } from '../helpers/harness.js'
import type { Operation } from '../helpers/operation.js'
import { type Random, seededRandom } from '../helpers/random.js'
import { requires } from '../helpers/requires.js'
import type { Scenario } from '../helpers/scenario.js'
import { candidateName } from '../helpers/subject.js'

const STEPS = 150
const SEEDS = Number(process.env['TSOVERLAYFS_SEEDS'] ?? 4)
/** A mapping is longer than where steps in it begin, by more than they are long. */
const SLACK = 32_768
const MODES = ['passthrough=auto', 'passthrough=off', 'passthrough=upper', 'passthrough=all']

/** Sizes that files start with: about a page, about a read-ahead window, and passed through. */
const STARTS = [0, 5000, 200_000, 1_500_000]

class Exerciser {
  readonly #random: Random
  readonly #limit: number
  #isMapped = false
  #count = 0

  constructor(random: Random, limit: number) {
    this.#random = random
    this.#limit = limit
  }

  #size(limit = this.#limit): number {
    // Often at the edge of a page, where mistakes are.
    const size = this.#random.below(limit)
    const edge = Math.round(size / 4096) * 4096 + this.#random.below(3) - 1
    return this.#random.below(3) === 0 ? Math.max(0, edge) : size
  }

  #data(): string {
    this.#count += 1
    const mark = `<${this.#count}>`
    return mark.repeat(1 + this.#random.below(1500))
  }

  #handle(): string {
    return this.#random.below(2) === 0 ? 'a' : 'b'
  }

  /** Open both descriptors for writing; a mapping taken before a copy-up is a known difference. */
  opened(): Operation[] {
    this.#isMapped = false
    return ['a', 'b'].map((as): Operation => ({
      op: 'open',
      path: 'f',
      as,
      flags: ['read-write'],
    }))
  }

  #map(): readonly Operation[] {
    if (!this.#isMapped) {
      this.#isMapped = true
      const sharing = { sharing: 'shared', access: 'write' } as const
      return [{ op: 'map', handle: this.#handle(), as: 'm', size: this.#limit + SLACK, ...sharing }]
    }
    switch (this.#random.below(6)) {
      case 0:
        this.#isMapped = false
        return [{ op: 'unmap', mapping: 'm' }]
      case 1:
        return [{ op: 'map-sync', mapping: 'm' }]
      case 2:
      case 3:
        return [{ op: 'map-write', mapping: 'm', offset: this.#size(), data: this.#data() }]
      default:
        return [{ op: 'map-read', mapping: 'm', offset: this.#size(), size: this.#size(6000) }]
    }
  }

  #allocate(): Operation {
    const modes = ['allocate', 'keep-size', 'punch-hole', 'punch-hole', 'zero-range'] as const
    const mode = modes[this.#random.below(modes.length)] ?? 'allocate'
    const where = { offset: this.#size(), size: 1 + this.#size(20_000) }
    return { op: 'fallocate-handle', handle: this.#handle(), mode, ...where }
  }

  /** The next call, or calls that belong together. */
  step(): readonly Operation[] {
    const handle = this.#handle()
    switch (this.#random.below(14)) {
      case 0:
      case 1:
      case 2:
        return [{ op: 'fwrite', handle, offset: this.#size(), data: this.#data() }]
      case 3:
      case 4:
        return [{ op: 'fread', handle, offset: this.#size(), size: this.#size(9000) }]
      case 5:
        return [
          { op: 'ftruncate', handle, size: this.#size() },
          { op: 'fstat', handle },
        ]
      case 6:
        return [
          { op: 'truncate', path: 'f', size: this.#size() },
          { op: 'stat', path: 'f' },
        ]
      case 7:
        return [this.#allocate(), { op: 'fstat', handle }]
      case 8:
      case 9:
      case 10:
        return this.#map()
      case 11:
        return [{ op: 'append', path: 'f', data: this.#data() }]
      case 12:
        return [
          { op: 'copy-range', from: 'source', to: 'f', size: this.#size(50_000) },
          { op: 'read', path: 'f', offset: this.#size(), size: 3000 },
        ]
      default:
        return this.#random.below(2) === 0
          ? [{ op: 'fsync', handle }]
          : [
              { op: 'close', handle },
              { op: 'open', path: 'f', as: handle, flags: ['read-write'] },
            ]
    }
  }
}

function scenarioOf(seed: number, candidateOptions: string): Scenario {
  const random = seededRandom(seed)
  const start = STARTS[seed % STARTS.length] ?? 0
  const exerciser = new Exerciser(random, Math.max(60_000, start + 20_000))
  const round = (): Operation[] => [
    { op: 'read', path: 'f', offset: 0, size: 10_000 },
    ...exerciser.opened(),
    ...Array.from({ length: STEPS }, () => exerciser.step()).flat(),
  ]
  return {
    scratch: seed % 2 === 0 ? 'disk' : 'tmpfs',
    lowers: [
      [
        { op: 'create', path: 'f', mode: 0o644, data: '' },
        { op: 'write', path: 'f', data: '0123456789', repeat: Math.ceil(start / 10) },
        { op: 'create', path: 'source', mode: 0o644, data: 'source '.repeat(3000) },
      ],
    ],
    upper: [],
    options: '',
    candidateOptions,
    rounds: [
      { script: round(), then: 'remount' },
      { script: round(), then: 'rotate' },
      { script: round(), then: 'remount' },
    ],
  }
}

await t.test(`data of one file, candidate ${candidateName()}`, async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  if (candidateName() !== 'ours') {
    t.plan(0, 'skipped: its options are ours alone')
    return
  }
  const harness = new Harness(candidateName(), checkout)
  t.teardown(() => harness.close())
  const only = process.env['TSOVERLAYFS_SEED']
  for (const mode of MODES) {
    for (let at = 0; at < SEEDS; at += 1) {
      const seed = only === undefined ? at : Number(only)
      const scenario = scenarioOf(seed, mode)
      const { differences, results } = await harness.compare(scenario)
      const found = unexplained(differences, scenario).map(describeDifference)
      t.strictSame(found, [], `seed ${seed}, ${mode}`)
      const succeeded = results.flat().filter((result) => result.startsWith('OK')).length
      t.ok(succeeded > STEPS, `${succeeded} calls succeeded`)
      if (only !== undefined) break
    }
  }
})
