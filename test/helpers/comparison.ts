/**
 * Runs a scenario on two implementations over the same lower layers and compares the errno or value
 * of every operation, the merged tree, upper and index on disk, that nothing wrote to a lower layer,
 * and what each shows over the other's upper.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { O_DIRECTORY, O_RDONLY, UTIME_NOW } from '../../src/sys/constants.js'
import { utimesAt } from '../../src/sys/attr.js'
import { close, openAt, openPath } from '../../src/sys/open.js'
import { FileStat, isReadOnlyFs, statAt } from '../../src/sys/stat.js'
import {
  type Difference,
  type DifferencePlace,
  compareResults,
  compareSnapshots,
} from './difference.js'
import { readAll } from './dirents.js'
import { runScript } from './executor.js'
import { type LowerLabels, labelLowers } from './inode-labels.js'
import type { Operation } from './operation.js'
import type { Scenario } from './scenario.js'
import type { Snapshot } from './snapshot.js'
import { snapshotTree } from './snapshot.js'
import { timeText } from './stat-line.js'
import type { MountedSubject, Subject } from './subject.js'
import { MountRefused } from './subject.js'
import { snapshotIndex, snapshotUpper, snapshotWork } from './upper-snapshot.js'

interface Side {
  readonly subject: Subject
  readonly options: string
  readonly directory: string
  /** Shared layers and own former uppers, top-most first. */
  lowers: string[]
  upper: string
  work: string
  readonly target: string
}

interface Observation {
  readonly results: readonly string[]
  readonly merged: Snapshot
  readonly readOnly: boolean
}

/** Where comparisons put their layers: a directory for lower layers and one for the uppers. */
export interface ComparisonPlace {
  readonly lowers: string
  readonly uppers: string
}

/** FNV-1a, so that every path of every layer has a time of its own. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0
  }
  return value
}

const stat = new FileStat()

/** Give what a layer's script left with the present time a fixed one in the past. */
function age(dirfd: number, name: string, path: string, salt: string): void {
  const fd = openAt(dirfd, name === '' ? '.' : name, O_RDONLY | O_DIRECTORY)
  if (fd >= 0) {
    const entries = readAll(fd)
    if (typeof entries !== 'number') {
      for (const { name: child } of entries) {
        if (child !== '.' && child !== '..') age(fd, child, `${path}/${child}`, salt)
      }
    }
    close(fd)
  }
  if (statAt(dirfd, name, stat) < 0 || timeText(stat.mtimeSec, stat.mtimeNsec) !== 'now') return
  const value = hash(`${salt} ${path}`)
  const seconds = 1_000_000_000 + (value % 100_000_000)
  const result = utimesAt(dirfd, name, seconds, 0, seconds, (value % 999_999_937) + 1)
  // Append-only and immutable objects refuse; the same call with the present time is all they allow.
  if (result < 0) utimesAt(dirfd, name, 0, UTIME_NOW, 0, UTIME_NOW)
}

/** Make a layer by a script; what it leaves has times of its own, long past. */
export function buildLayer(path: string, script: readonly Operation[], salt: string): void {
  mkdirSync(path)
  runScript(path, script)
  ageLayer(path, salt)
}

/** Give everything in a layer that has the present time one of its own, long past. */
export function ageLayer(path: string, salt: string): void {
  const fd = openPath(path, O_RDONLY | O_DIRECTORY)
  age(fd, '', '', salt)
  close(fd)
}

function makeSide(
  subject: Subject,
  directory: string,
  lowers: readonly string[],
  scenario: Scenario,
  options: string,
): Side {
  mkdirSync(directory)
  const upper = `${directory}/upper0`
  const work = `${directory}/work0`
  const target = `${directory}/merged`
  buildLayer(upper, scenario.upper, 'upper')
  mkdirSync(work)
  if (scenario.work !== undefined) runScript(work, scenario.work)
  mkdirSync(target)
  return { subject, options, directory, lowers: [...lowers], upper, work, target }
}

async function mountSide(
  side: Side,
  scenario: Scenario,
  layers: { lowers: readonly string[]; upper: string; work: string } = side,
): Promise<MountedSubject> {
  const { lowers } = layers
  const { lowerForm, dataLayers } = scenario
  const [upper, work] = scenario.withoutUpper === true ? [null, null] : [layers.upper, layers.work]
  if (side.options.includes('volatile')) {
    rmSync(`${layers.work}/work/incompat`, { recursive: true, force: true })
  }
  const { options, target } = side
  return side.subject.mount({ lowers, upper, work, target, options, lowerForm, dataLayers })
}

function observe(side: Side, script: readonly Operation[], inodes: boolean): Observation {
  const labels = labelLowers(side.lowers)
  const results = runScript(side.target, script, labels)
  const merged = snapshotTree(side.target, { labels, inodes })
  const fd = openPath(side.target, O_RDONLY | O_DIRECTORY)
  const readOnly = isReadOnlyFs(fd)
  close(fd)
  return { results, merged, readOnly }
}

/** Mount, look, unmount; the mount goes away whatever happens. */
async function during<T>(mounted: MountedSubject, use: () => T): Promise<T> {
  try {
    return use()
  } finally {
    await mounted.unmount()
  }
}

async function tryRound(
  side: Side,
  scenario: Scenario,
  script: readonly Operation[],
): Promise<Observation | string> {
  let mounted: MountedSubject
  try {
    mounted = await mountSide(side, scenario)
  } catch (error) {
    if (error instanceof MountRefused) return error.message
    throw error
  }
  return during(mounted, () => observe(side, script, scenario.upperElsewhere !== true))
}

function mountDifference(
  round: number,
  expected: Observation | string,
  actual: Observation | string,
): Difference[] {
  const text = (seen: Observation | string): string =>
    typeof seen === 'string' ? `refused: ${seen}` : `mounted${seen.readOnly ? ' read-only' : ''}`
  const was = text(expected)
  const is = text(actual)
  // Programs word their refusals in their own way.
  if (was === is || (typeof expected === 'string' && typeof actual === 'string')) return []
  return [{ place: 'mount', round, subject: 'mount', field: 'mount', expected: was, actual: is }]
}

function compareDisk(round: number, expected: Side, actual: Side): Difference[] {
  const left = labelLowers(expected.lowers)
  const right = labelLowers(actual.lowers)
  const both = (
    place: DifferencePlace,
    look: (side: Side, labels: LowerLabels) => Snapshot,
  ): Difference[] => compareSnapshots(place, round, look(expected, left), look(actual, right))
  return [
    ...both('upper', (side, labels) => snapshotUpper(side.upper, labels)),
    ...both('index', (side, labels) => snapshotIndex(side.work, labels)),
    ...both('work', (side) => snapshotWork(side.work)),
  ]
}

function rotate(side: Side, round: number): void {
  side.lowers.unshift(side.upper)
  side.upper = `${side.directory}/upper${round + 1}`
  side.work = `${side.directory}/work${round + 1}`
  mkdirSync(side.upper)
  mkdirSync(side.work)
}

/** What an implementation shows over layers that another has written, or that it wrote itself. */
async function look(side: Side, owner: Side, scenario: Scenario): Promise<Observation | string> {
  let mounted: MountedSubject
  try {
    mounted = await mountSide(side, scenario, owner)
  } catch (error) {
    if (error instanceof MountRefused) return error.message
    throw error
  }
  return during(mounted, () =>
    observe({ ...owner, target: side.target }, [], scenario.upperElsewhere !== true),
  )
}

async function crossMount(
  round: number,
  scenario: Scenario,
  a: Side,
  b: Side,
): Promise<Difference[]> {
  const differences: Difference[] = []
  const views: [DifferencePlace, Side][] = [
    ['merged after cross-mount', b],
    ['merged after remount', a],
  ]
  for (const [place, owner] of views) {
    const expected = await look(a, owner, scenario)
    const actual = await look(b, owner, scenario)
    differences.push(...mountDifference(round, expected, actual))
    if (typeof expected === 'string' || typeof actual === 'string') continue
    differences.push(...compareSnapshots(place, round, expected.merged, actual.merged))
  }
  return differences
}

/** What a comparison found. */
export interface Outcome {
  readonly differences: readonly Difference[]
  /** The reference implementation's results, so that tables can assert that a row does something. */
  readonly results: readonly (readonly string[])[]
}

async function runRounds(scenario: Scenario, expected: Side, actual: Side): Promise<Outcome> {
  const differences: Difference[] = []
  const results: (readonly string[])[] = []
  for (const [round, { script, then }] of scenario.rounds.entries()) {
    const left = await tryRound(expected, scenario, script)
    const right = await tryRound(actual, scenario, script)
    differences.push(...mountDifference(round, left, right))
    if (typeof left === 'string' || typeof right === 'string') break
    results.push(left.results)
    differences.push(...compareResults(round, script, left.results, right.results))
    differences.push(...compareSnapshots('merged', round, left.merged, right.merged))
    differences.push(...compareDisk(round, expected, actual))
    if (round + 1 === scenario.rounds.length) {
      differences.push(...(await crossMount(round + 1, scenario, expected, actual)))
      break
    }
    if (then === 'rotate') {
      rotate(expected, round)
      rotate(actual, round)
    }
  }
  return { differences, results }
}

function snapshotLowers(lowers: readonly string[]): Snapshot[] {
  return lowers.map((lower) => snapshotTree(lower))
}

let nextDirectory = 1

/** Compare two implementations on one scenario. Leaves nothing below `place`. */
export async function compareScenario(
  scenario: Scenario,
  place: ComparisonPlace,
  reference: Subject,
  candidate: Subject,
): Promise<Outcome> {
  const name = String(nextDirectory++)
  const base = `${place.lowers}/${name}`
  const uppers = `${place.uppers}/u${name}`
  mkdirSync(base)
  mkdirSync(uppers)
  try {
    const lowers = scenario.lowers.map((script, index) => {
      const path = `${base}/${index}${scenario.lowerSuffix ?? ''}`
      buildLayer(path, script, String(index))
      return path
    })
    const before = snapshotLowers(lowers)
    const { options, candidateOptions } = scenario
    const words = [options, candidateOptions ?? ''].filter((word) => word !== '').join(',')
    const expected = makeSide(reference, `${uppers}/a`, lowers, scenario, options)
    const actual = makeSide(candidate, `${uppers}/b`, lowers, scenario, words)
    const outcome = await runRounds(scenario, expected, actual)
    const touched = snapshotLowers(lowers).flatMap((after, index) =>
      compareSnapshots('lower', 0, before[index] ?? new Map(), after),
    )
    return { ...outcome, differences: [...outcome.differences, ...touched] }
  } finally {
    removeTree(base)
    removeTree(uppers)
  }
}

/** Remove a tree, whatever flags its objects have. */
export function removeTree(path: string): void {
  if (!existsSync(path)) return
  clearInodeFlags(path)
  rmSync(path, { recursive: true, force: true })
}

/** Append-only and immutable objects would stay behind. */
function clearInodeFlags(path: string): void {
  runScript(path, flagged(path, '.'))
}

const STATX_ATTR_FLAGS = 0x30

function flagged(root: string, path: string): Operation[] {
  const operations: Operation[] = []
  const fd = openPath(`${root}/${path}`, O_RDONLY | O_DIRECTORY)
  if (fd < 0) return operations
  const entries = readAll(fd)
  for (const { name } of typeof entries === 'number' ? [] : entries) {
    if (name === '..' || (name === '.' && path !== '.')) continue
    const child = name === '.' ? '.' : `${path}/${name}`
    if (statAt(fd, name, stat) < 0) continue
    if ((stat.attributes & STATX_ATTR_FLAGS) !== 0) {
      operations.push({ op: 'setflags', path: child, flags: 0 })
    }
    if (name !== '.' && (stat.mode & 0o170000) === 0o040000) {
      operations.push(...flagged(root, child))
    }
  }
  close(fd)
  return operations
}
