/** What is said of names, and above all of those that should not be there, when it cannot be told. */
import type { Operation } from '../../operation.js'
import { dir, file, opaque, whiteout } from '../../standard-layers.js'
import type { FaultCase } from '../case.js'

const lower: readonly Operation[] = [
  file('f', 'content of f'),
  dir('d'),
  file('d/x'),
  file('d/y'),
  dir('e'),
  file('e/hidden'),
]
const above: readonly Operation[] = [
  dir('d'),
  whiteout('d/y'),
  dir('e'),
  opaque('e'),
  file('e/shown'),
]
/** Whiteouts and opaque directories as image tools write them. */
const foreign: readonly Operation[] = [
  dir('d'),
  file('d/.wh.y', ''),
  dir('e'),
  file('e/.wh..wh..opq', ''),
  file('e/shown'),
]
/** Whiteouts in xattr form. */
const marked: readonly Operation[] = [
  dir('d'),
  opaque('d', 'x'),
  file('d/y', ''),
  { op: 'setxattr', path: 'd/y', name: 'trusted.overlay.whiteout', value: 'y' },
]
const setup: readonly Operation[] = [
  { op: 'append', path: 'f', data: ', and more' },
  { op: 'unlink', path: 'd/x' },
  { op: 'rename', from: 'e', to: 'n' },
  { op: 'unlink', path: 'd/y' },
  { op: 'rmdir', path: 'd' },
  dir('d'),
  file('d/new'),
]

function look(title: string, op: 'stat' | 'list' | 'read', path: string): Partial<FaultCase> {
  return { title, call: { op, path }, looks: true }
}

const ways: readonly Partial<FaultCase>[] = [
  look('list of the root', 'list', '.'),
  look('list of a merged directory', 'list', 'd'),
  look('list of an opaque directory', 'list', 'e'),
  look('stat of a hidden name', 'stat', 'd/y'),
  look('stat of a name below an opaque directory', 'stat', 'e/hidden'),
  look('stat of a lower name', 'stat', 'd/x'),
  look('read of a lower file', 'read', 'd/x'),
]

const layers: readonly (readonly [string, FaultCase['lowers']])[] = [
  ['whiteouts', [above, lower]],
  ['.wh. files', [foreign, lower]],
  ['xattrs', [marked, lower]],
]

const inUpper: readonly Partial<FaultCase>[] = [
  look('list of a directory that replaced a lower one', 'list', 'd'),
  look('list of a moved directory', 'list', 'n'),
  look('stat of a copied-up file', 'stat', 'f'),
  look('read of a copied-up file', 'read', 'f'),
  look('stat of a removed name', 'stat', 'd/x'),
]

export const lookCases: readonly FaultCase[] = [
  ...layers.flatMap(([form, lowers]) =>
    ways.map((way) => ({ ...way, title: `${form}: ${way.title}`, lowers }) as FaultCase),
  ),
  ...inUpper.map(
    (way) =>
      ({
        ...way,
        title: `upper: ${way.title}`,
        options: 'redirect_dir=on',
        lowers: [lower],
        setup,
      }) as FaultCase,
  ),
]
