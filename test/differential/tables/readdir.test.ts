/**
 * SEMANTICS.md 3.2: which names a directory lists, in which pieces, from which positions, and what
 * an open one shows of changes.
 */
import type { Operation } from '../../helpers/operation.js'
import { dir, file, opaque, whiteout } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

/** Enough for several system calls, and for more than one FUSE request. */
const MANY = 150
/** Room for two or three entries. */
const PIECE = 100

function manyFiles(parent: string, letter: string, count = MANY): Operation[] {
  return Array.from({ length: count }, (_, index) => file(`${parent}/${letter}${index}`, ''))
}

/** Every kind of directory: which layers it comes from. */
const kinds = ['lower', 'merged-lower', 'merged', 'upper', 'opaque', 'whiteouts']

function bigLower(index: number): Operation[] {
  const merged = ['merged-lower', 'whiteouts'].flatMap((path) => [
    dir(path),
    ...manyFiles(path, 'ab'[index] ?? '', 100),
  ])
  if (index === 0) return merged
  return [
    ...merged,
    dir('lower'),
    ...manyFiles('lower', 'l'),
    dir('merged'),
    ...manyFiles('merged', 'l', 100),
    dir('opaque'),
    ...manyFiles('opaque', 'hidden', 20),
  ]
}

const bigUpper: readonly Operation[] = [
  dir('merged'),
  ...manyFiles('merged', 'u', 100),
  dir('upper'),
  ...manyFiles('upper', 'u'),
  dir('opaque'),
  opaque('opaque'),
  ...manyFiles('opaque', 'o'),
  dir('whiteouts'),
  ...Array.from({ length: 50 }, (_, index) => whiteout(`whiteouts/a${index}`)),
  ...manyFiles('whiteouts', 'c', 60),
]

const big = { lower: bigLower, upper: bigUpper, layers: [2] }

/** A name of each that one layer provides. */
const doomed: Readonly<Record<string, readonly string[]>> = {
  lower: ['l7'],
  'merged-lower': ['a7', 'b8'],
  merged: ['l7', 'u8'],
  upper: ['u7'],
  opaque: ['o7'],
  whiteouts: ['a60', 'c7'],
}

const bigRows = kinds.map((path): Row => ({
  ...big,
  title: `a ${path} directory of many names: every position leads on, all are deleted in pieces`,
  script: [
    { op: 'positions', path },
    { op: 'positions', path, delete: doomed[path] ?? [] },
    { op: 'list', path },
    { op: 'sweep', path, size: PIECE },
    { op: 'rmdir', path },
  ],
}))

/** Paths of the standard tree whose parents and own listings have dots of every kind. */
const dotted = [
  '.',
  'ld',
  'ld/sub',
  'ld/sub/deep',
  'm',
  'm/sub',
  'm/ud',
  'ud',
  'ud/sub',
  'uo',
  'um',
]

const dots: Row = {
  title: 'dots are there once, with the numbers that stat shows',
  script: dotted.map((path) => ({ op: 'dots', path })),
  then: [
    { op: 'chmod', path: 'ld/sub/deep', mode: 0o700 },
    { op: 'rename', from: 'ud/sub', to: 'm/moved' },
    ...dotted.map((path): Operation => ({ op: 'dots', path })),
    { op: 'dots', path: 'm/moved' },
  ],
  layers: [2],
  options: ['', 'xino=on'],
}

const dotsElsewhere: Row = {
  ...dots,
  title: 'dots, upper on a file system of its own',
  options: ['xino=on'],
  more: { upperElsewhere: true },
}

function open(path: string, as = 'd'): Operation {
  return { op: 'open', path, as, flags: ['read', 'directory'] }
}

/** A directory of every kind, open from before a change, read after it, and again after a rewind. */
function whileOpen(title: string, changes: (path: string) => readonly Operation[]): Row {
  const paths = ['ld', 'm', 'um', 'ud', 'uo', 'mw']
  return {
    title: `open while ${title}`,
    layers: [2],
    script: paths.flatMap((path): Operation[] => [
      open(path),
      ...changes(path),
      { op: 'flist', handle: 'd' },
      { op: 'rewind', handle: 'd' },
      { op: 'flist', handle: 'd' },
      { op: 'list', path },
    ]),
  }
}

const openRows: Row[] = [
  whileOpen('names appear', (path) => [file(`${path}/new`), dir(`${path}/newdir`)]),
  whileOpen('names go', (path) => [
    ...['x', '1', 'same', 'only0', 'u', 'l0'].map((name): Operation => ({
      op: 'unlink',
      path: `${path}/${name}`,
    })),
  ]),
  whileOpen('names change', (path) => [
    ...['x', 'same', 'l0'].map((name): Operation => ({
      op: 'rename',
      from: `${path}/${name}`,
      to: `${path}/${name}2`,
    })),
  ]),
  whileOpen('it is copied up', (path) => [{ op: 'chmod', path, mode: 0o700 }]),
  whileOpen('it is renamed, or not', (path) => [{ op: 'rename', from: path, to: `${path}2` }]),
  whileOpen('it is emptied and removed', (path) => [
    { op: 'sweep', path, size: 1000 },
    { op: 'rmdir', path },
  ]),
  whileOpen('it is removed and made anew', (path) => [
    { op: 'sweep', path, size: 1000 },
    { op: 'rmdir', path },
    dir(path),
    file(`${path}/again`),
  ]),
]

/** Who makes names while reading must not meet them. */
function halfRead(path: string): Row {
  return {
    ...big,
    title: `a ${path} directory where names appear after half of it is read`,
    script: [
      open(path),
      { op: 'list-some', handle: 'd' },
      ...['new1', 'new2', 'new3'].map((name) => file(`${path}/${name}`)),
      { op: 'list-rest', handle: 'd' },
      { op: 'rewind', handle: 'd' },
      { op: 'flist', handle: 'd' },
    ],
  }
}

/** What can still be done in a directory that is gone. */
const removed: Row = {
  title: 'in a directory that was removed while open',
  layers: [2],
  script: ['le', 'ue', 'mw'].flatMap((path, index): Operation[] => {
    const at = `d${index}`
    return [
      open(path, at),
      { op: 'rmdir', path },
      { op: 'flist', handle: at },
      { op: 'fstat', handle: at },
      { op: 'create', path: 'new', at },
      { op: 'mkdir', path: 'new', mode: 0o755, at },
      { op: 'symlink', path: 'new', target: 't', at },
      { op: 'mknod', path: 'new', kind: 'fifo', mode: 0o644, at },
      { op: 'stat', path: 'new', at },
      { op: 'stat', path: '.', at },
      { op: 'stat', path: '..', at },
      { op: 'list', path: '.', at },
      { op: 'fchmod', handle: at, mode: 0o711 },
      { op: 'fsetxattr', handle: at, name: 'user.note', value: 'v' },
      { op: 'futimens', handle: at, atime: [1, 2], mtime: [3, 4] },
      { op: 'fsync', handle: at },
      dir(path),
      { op: 'create', path: 'new', at },
      { op: 'list', path },
    ]
  }),
}

const seeks: Row = {
  title: 'lseek to any place, or none',
  layers: [2],
  script: ['m', 'um'].flatMap((path): Operation[] => [
    open(path),
    { op: 'lseek', handle: 'd', offset: 0, whence: 1 },
    { op: 'lseek', handle: 'd', offset: 1_000_000, whence: 0 },
    { op: 'lseek', handle: 'd', offset: -1, whence: 0 },
    { op: 'lseek', handle: 'd', offset: 0, whence: 9 },
    { op: 'rewind', handle: 'd' },
    { op: 'list-some', handle: 'd' },
    { op: 'list-rest', handle: 'd' },
    { op: 'list-rest', handle: 'd' },
    { op: 'rewind', handle: 'd' },
    { op: 'list-rest', handle: 'd' },
  ]),
}

/** Types come from the layer that gives the name. */
const types: Row = {
  title: 'types are those of the layer that provides the name',
  lowers: [
    [file('a'), dir('b'), { op: 'symlink', path: 'c', target: 'x' }, file('e/x'), dir('in')],
    [
      dir('a'),
      file('b'),
      { op: 'mknod', path: 'c', kind: 'fifo', mode: 0o600 },
      dir('in'),
      file('in/a'),
      { op: 'mknod', path: 'd', kind: 'char', mode: 0o600, major: 1, minor: 3 },
    ],
    [
      { op: 'symlink', path: 'a', target: 'x' },
      { op: 'mknod', path: 'b', kind: 'socket', mode: 0o600 },
      dir('c'),
      file('d'),
      dir('in'),
      dir('in/a'),
    ],
  ],
  script: [
    { op: 'list', path: '.' },
    { op: 'list', path: 'in' },
    { op: 'unlink', path: 'in/a' },
    { op: 'mkdir', path: 'in/a', mode: 0o755 },
    { op: 'unlink', path: 'a' },
    { op: 'symlink', path: 'a', target: 'y' },
    { op: 'list', path: 'in' },
    { op: 'list', path: '.' },
  ],
}

/** Numbers in listings are compared with those of stat for every name there is. */
const numbers: Row = {
  title: 'inode numbers after copy-up, rename and link',
  script: [
    { op: 'chmod', path: 'f', mode: 0o600 },
    { op: 'chmod', path: 'ld/sub/deep/z', mode: 0o600 },
    { op: 'rename', from: 'g', to: 'ud/g' },
    { op: 'rename', from: 'ud/x', to: 'ld/sub/x' },
    { op: 'link', from: 'f', to: 'ue/f' },
    { op: 'link', from: 'm/same', to: 'm/other' },
    { op: 'list', path: 'ud' },
  ],
  then: [
    { op: 'list', path: 'ud' },
    { op: 'unlink', path: 'ud/g' },
    { op: 'unlink', path: 'ue/f' },
    { op: 'list', path: 'ud' },
    { op: 'list', path: 'ue' },
  ],
  layers: [3],
  options: ['', 'xino=on'],
}

await runTable('3.2', [
  ...bigRows,
  dots,
  dotsElsewhere,
  ...openRows,
  halfRead('merged'),
  removed,
  seeks,
  types,
  numbers,
])
