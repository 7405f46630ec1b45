/**
 * What an index that is not as a mount leaves it means to the next one: the verdict, and what is in the
 * index afterwards, are kernel overlayfs's.
 */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import t from 'tap'
import { LayerError } from '../../src/overlay/layer-error.js'
import { defaultOverlayOptions } from '../../src/overlay/options.js'
import { type Overlay, openOverlay } from '../../src/overlay/overlay.js'
import { AT_FDCWD, S_IFCHR, S_IFIFO } from '../../src/sys/constants.js'
import { EBUSY, errnoName } from '../../src/sys/errno.js'
import { mknodAt } from '../../src/sys/node.js'
import { removeXattr, writeXattr } from '../../src/sys/xattr.js'
import { runScript } from '../helpers/executor.js'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'
import { mount, unmount } from '../helpers/syscalls.js'

/** An upper and an index that the kernel has made: `a`, one of three lower names, is copied up. */
interface Place {
  readonly lowers: readonly string[]
  readonly upper: string
  readonly work: string
  readonly target: string
  /** The entry of `a`. */
  readonly entry: string
  /** Its name in the index. */
  readonly name: string
}

type Layers = Pick<Place, 'lowers' | 'upper' | 'work'>

interface Case {
  readonly title: string
  readonly change?: (place: Place) => void
  readonly lowers?: readonly number[]
  /** Mount this upper in place of the one the index was made for. */
  readonly otherUpper?: true
}

function must(result: number): void {
  if (result < 0) throw new Error(errnoName(result))
}
function mark(path: string, name: string, value: string): void {
  must(writeXattr(AT_FDCWD, path, `trusted.overlay.${name}`, value))
}
function unmark(path: string, name: string): void {
  must(removeXattr(AT_FDCWD, path, `trusted.overlay.${name}`))
}
function put(name: (known: string) => string) {
  return ({ work, name: known }: Place): void => {
    writeFileSync(`${work}/index/${name(known)}`, '')
  }
}
const gone = (name: string): string => `${name.slice(0, -8)}ffffffff`

const cases: readonly Case[] = [
  { title: 'as it was left' },
  { title: 'other lower layer', lowers: [1] },
  { title: 'another lower layer above', lowers: [1, 0] },
  { title: 'another lower layer below', lowers: [0, 1] },
  { title: 'other upper', otherUpper: true },
  { title: 'upper of no overlay', change: ({ upper }) => unmark(upper, 'origin') },
  { title: 'upper of unknown origin', change: ({ upper }) => mark(upper, 'origin', '') },
  { title: 'upper of malformed origin', change: ({ upper }) => mark(upper, 'origin', 'abc') },
  { title: 'index of no upper', change: ({ work }) => unmark(`${work}/index`, 'upper') },
  { title: 'index of malformed upper', change: ({ work }) => mark(`${work}/index`, 'upper', 'x') },
  { title: 'no directory', change: ({ work }) => replaceByFile(`${work}/index`) },
  { title: 'a short name', change: put(() => 'foo') },
  { title: 'a name of other letters', change: put((name) => `zz${name.slice(2)}`) },
  { title: 'a name of no handle', change: put((name) => `00aa${name.slice(4)}`) },
  { title: 'a name of another version', change: put((name) => `01${name.slice(2)}`) },
  {
    title: 'a name of unknown flags',
    change: put((name) => `${name.slice(0, 6)}f0${name.slice(8)}`),
  },
  { title: 'a name in capitals', change: ({ work, name }) => move(work, name, name.toUpperCase()) },
  {
    title: 'a name with one letter more',
    change: ({ work, name }) => move(work, name, `${name}0`),
  },
  { title: 'a file without origin', change: put(gone) },
  { title: 'an entry without origin', change: ({ entry }) => unmark(entry, 'origin') },
  { title: 'an entry of another object', change: ({ work, name }) => move(work, name, gone(name)) },
  {
    title: 'an entry of an object that is gone, without names',
    change: ({ work, upper, name, entry }) => {
      mark(entry, 'origin', Buffer.from(gone(name), 'hex').toString('latin1'))
      unlinkSync(`${upper}/a`)
      move(work, name, gone(name))
    },
  },
  { title: 'an entry without link count', change: ({ entry }) => unmark(entry, 'nlink') },
  {
    title: 'an entry without link count and names',
    change: ({ entry, upper }) => {
      unmark(entry, 'nlink')
      unlinkSync(`${upper}/a`)
    },
  },
  { title: 'an entry without names', change: ({ upper }) => unlinkSync(`${upper}/a`) },
  {
    title: 'an entry whose last name is gone',
    change: ({ upper, entry }) => {
      unlinkSync(`${upper}/a`)
      mark(entry, 'nlink', 'U-1')
    },
  },
  {
    title: 'an entry with a malformed link count',
    change: ({ entry }) => mark(entry, 'nlink', 'many'),
  },
  {
    title: 'an entry of another type',
    change: ({ upper, entry }) => {
      unlinkSync(`${upper}/a`)
      rmSync(entry)
      must(mknodAt(AT_FDCWD, entry, S_IFIFO, 0, 0))
    },
  },
  { title: 'a temporary', change: put(() => '#1a') },
  { title: 'a directory of temporaries', change: ({ work }) => mkdirSync(`${work}/index/#1b`) },
  { title: 'a directory', change: ({ work, name }) => mkdirSync(`${work}/index/${gone(name)}`) },
  {
    title: 'a whiteout',
    change: ({ work, name }) => {
      must(mknodAt(AT_FDCWD, `${work}/index/${gone(name)}`, S_IFCHR, 0, 0))
    },
  },
]

function replaceByFile(path: string): void {
  rmSync(path, { recursive: true })
  writeFileSync(path, '')
}
function move(work: string, from: string, to: string): void {
  renameSync(`${work}/index/${from}`, `${work}/index/${to}`)
}

function kernelMount({ lowers, upper, work, target }: Omit<Place, 'entry' | 'name'>): number {
  const dirs = `lowerdir=${lowers.join(':')},upperdir=${upper},workdir=${work}`
  return mount('overlay', target, 'overlay', 0, `index=on,${dirs}`)
}

function ourOptions({ lowers, upper, work }: Layers, index = true) {
  return { ...defaultOverlayOptions, lowerDirs: lowers, upperDir: upper, workDir: work, index }
}

/** Open and close the engine, which is all a mount does before it is asked for something. */
function tryOurs(place: Layers): number {
  try {
    openOverlay(ourOptions(place)).close()
    return 0
  } catch (error) {
    if (error instanceof LayerError) return -error.errno
    throw error
  }
}

function tryKernel(place: Place): number {
  const result = kernelMount(place)
  if (result === 0) must(unmount(place.target))
  return result
}

function build(directory: string, lowers: readonly string[]): Place {
  mkdirSync(directory)
  const [upper, work, target] = ['upper', 'work', 'merged'].map(
    (part) => `${directory}/${part}`,
  ) as [string, string, string]
  for (const path of [upper, work, target, `${directory}/other`]) mkdirSync(path)
  must(kernelMount({ lowers, upper, work, target }))
  const [result] = runScript(target, [{ op: 'chmod', path: 'a', mode: 0o600 }])
  must(unmount(target))
  const name = readdirSync(`${work}/index`).find((found) => !found.startsWith('#'))
  if (result !== 'OK' || name === undefined) throw new Error(`no index: ${String(result)}`)
  return { lowers, upper, work, target, entry: `${work}/index/${name}`, name }
}

function entriesOf({ work }: Place): readonly string[] | string {
  try {
    return readdirSync(`${work}/index`).filter((name) => !name.startsWith('#'))
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

await t.test('verdicts', (t) => {
  if (!requires(t, 'root', 'kernel-overlay')) return
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const layers = ['lower0', 'lower1'].map((name) => `${scratch.path}/${name}`)
  for (const path of layers) {
    mkdirSync(path)
    writeFileSync(`${path}/a`, path)
    linkSync(`${path}/a`, `${path}/b`)
    linkSync(`${path}/a`, `${path}/c`)
  }
  for (const [number, { title, change, lowers = [0], otherUpper }] of cases.entries()) {
    const seen = [tryKernel, tryOurs].map((attempt, side) => {
      const directory = `${scratch.path}/${number}-${side}`
      const place = build(directory, layers.slice(0, 1))
      change?.(place)
      const upper = otherUpper === true ? `${directory}/other` : place.upper
      const stack = lowers.map((index) => layers[index] ?? '')
      const verdict = attempt({ ...place, lowers: stack, upper })
      return { verdict: verdict < 0 ? errnoName(verdict) : 'mounted', entries: entriesOf(place) }
    })
    t.strictSame(seen[1], seen[0], `${title}: ${String(seen[0]?.verdict)}`)
  }
  t.end()
})

await t.test('a work directory in use', (t) => {
  if (!requires(t, 'root', 'kernel-overlay')) return
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const [lower, upper, work] = ['lower', 'upper', 'work'].map(
    (name) => `${scratch.path}/${name}`,
  ) as [string, string, string]
  for (const path of [lower, upper, work]) mkdirSync(path)
  const place = { lowers: [lower], upper, work }
  for (const first of [true, false]) {
    const overlay: Overlay = openOverlay(ourOptions(place, first))
    t.equal(errnoName(tryOurs(place)), errnoName(-EBUSY), 'with an index it must be free')
    openOverlay(ourOptions(place, false)).close()
    overlay.close()
    t.equal(tryOurs(place), 0, 'and then it is')
  }
  t.end()
})
