/** SEMANTICS.md 2.6 and 3.9: xattrs in the merged view, private ones, escaped ones, by whom. */
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const user: Caller = { uid: 1000, gid: 1000 }

/** Names of every namespace; private, escaped, escaped twice, almost private. */
const names: readonly string[] = [
  'user.note',
  'user.',
  'user.overlay',
  'user.overlayx',
  'user.overlay.',
  'user.overlay.opaque',
  'user.overlay.origin',
  'user.overlay.unknown',
  'user.overlay.overlay.opaque',
  'user.overlay.overlay.overlay.opaque',
  'user.overlay.overlay.',
  'trusted.note',
  'trusted.overlay',
  'trusted.overlay.',
  'trusted.overlay.opaque',
  'trusted.overlay.redirect',
  'trusted.overlay.metacopy',
  'trusted.overlay.unknown',
  'trusted.overlay.overlay.opaque',
  'trusted.overlay.overlay.',
  'security.note',
  'security.overlay.opaque',
  'system.note',
  'nonsense.note',
  'nonsense',
  'user',
  '',
  `user.${'n'.repeat(250)}`,
  `user.${'n'.repeat(251)}`,
  `trusted.overlay.${'n'.repeat(230)}`,
  `trusted.overlay.${'n'.repeat(231)}`,
  `trusted.overlay.${'n'.repeat(232)}`,
  `user.overlay.${'n'.repeat(240)}`,
]

/** Names that a layer may have; its file system refuses some. */
const inLayers = names.filter((name) => name !== 'trusted.overlay.metacopy')

function marked(path: string): Operation[] {
  return inLayers.map((name, at): Operation => ({
    op: 'setxattr',
    path,
    name,
    // Neither opaque nor a redirect anywhere: this is about names.
    value: name.endsWith('redirect') ? '/nowhere' : `v${at}`,
  }))
}

const everyType: readonly Operation[] = [
  file('f'),
  dir('d'),
  { op: 'symlink', path: 's', target: 'f' },
  { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o666 },
]
const paths = ['f', 'd', 's', 'p']

function lookRow(title: string, by?: Caller): Row {
  const caller = by === undefined ? {} : { by }
  return {
    title,
    lowers: [[...everyType, ...paths.flatMap(marked)]],
    script: paths.flatMap((path): Operation[] => [
      { op: 'listxattr', path, ...caller },
      ...names.map((name): Operation => ({ op: 'getxattr', path, name, ...caller })),
    ]),
    options: ['', 'userxattr'],
  }
}

function changeRow(title: string, where: 'lower' | 'upper', by?: Caller): Row {
  const caller = by === undefined ? {} : { by }
  const owned = paths.map((path): Operation => ({ op: 'chown', path, uid: 1000, gid: 1000 }))
  const made = [...everyType, ...owned]
  return {
    title,
    lowers: [where === 'lower' ? made : []],
    upper: where === 'upper' ? made : [],
    script: paths.flatMap((path): Operation[] => [
      ...names.flatMap((name): Operation[] => [
        { op: 'setxattr', path, name, value: 'one', flag: 'replace', ...caller },
        { op: 'setxattr', path, name, value: 'two', ...caller },
        { op: 'setxattr', path, name, value: 'three', flag: 'create', ...caller },
        { op: 'getxattr', path, name, ...caller },
      ]),
      { op: 'listxattr', path, ...caller },
      ...names
        .filter((_, at) => at % 2 === 0)
        .map((name): Operation => ({ op: 'removexattr', path, name, ...caller })),
      { op: 'listxattr', path },
    ]),
    then: [
      ...paths.flatMap((path): Operation[] => [
        { op: 'listxattr', path },
        { op: 'removexattr', path, name: 'user.overlay.opaque' },
        { op: 'removexattr', path, name: 'trusted.overlay.opaque' },
      ]),
      { op: 'list', path: 'd' },
    ],
    options: ['', 'userxattr'],
  }
}

/** Escaped on the way in, and once more by each overlay on top: stripped one level at a time. */
const layered: Row = {
  title: 'a tree with private attributes, set through the mount, is a plain tree to it',
  layers: [2],
  script: [
    { op: 'setxattr', path: 'm', name: 'trusted.overlay.opaque', value: 'y' },
    { op: 'setxattr', path: 'ld', name: 'trusted.overlay.redirect', value: '/m' },
    { op: 'setxattr', path: 'f', name: 'trusted.overlay.whiteout', value: 'y' },
    { op: 'truncate', path: 'f', size: 0 },
    { op: 'setxattr', path: 'u', name: 'trusted.overlay.metacopy', value: '' },
    { op: 'setxattr', path: 'ud', name: 'trusted.overlay.origin', value: 'garbage' },
    { op: 'rename', from: 'ud', to: 'ud3' },
    { op: 'setxattr', path: '.', name: 'trusted.overlay.opaque', value: 'y' },
    { op: 'setxattr', path: '.', name: 'trusted.overlay.impure', value: 'y' },
    { op: 'list', path: 'm' },
    { op: 'list', path: 'ld' },
    { op: 'stat', path: 'f' },
  ],
  then: [
    { op: 'list', path: 'm' },
    { op: 'list', path: 'ld' },
    { op: 'read', path: 'u' },
    { op: 'getxattr', path: 'ud3', name: 'trusted.overlay.origin' },
    { op: 'listxattr', path: '.' },
  ],
}

const values: Row = {
  title: 'values of every size',
  lowers: [[file('f'), dir('d')]],
  script: [0, 1, 100, 2000, 4096, 65_535, 65_536, 65_537].flatMap((size): Operation[] =>
    ['f', 'd'].flatMap((path): Operation[] => [
      { op: 'setxattr', path, name: 'user.big', value: '\xff'.repeat(size) },
      { op: 'stat', path },
      { op: 'listxattr', path },
    ]),
  ),
}

const many: Row = {
  title: 'a list of many names',
  lowers: [
    [
      file('f'),
      ...Array.from({ length: 40 }, (_, at): Operation => ({
        op: 'setxattr',
        path: 'f',
        name: `user.n${at}`,
        value: `${at}`,
      })),
    ],
  ],
  script: [
    { op: 'listxattr', path: 'f' },
    { op: 'removexattr', path: 'f', name: 'user.n7' },
    { op: 'listxattr', path: 'f' },
    { op: 'setxattr', path: 'f', name: 'user.n7', value: 'back' },
    { op: 'listxattr', path: 'f' },
  ],
}

const handles: Row = {
  title: 'through descriptors',
  layers: [2],
  script: ['f', 'u', 'ld', 'ud'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'h', flags: ['read'] },
    { op: 'fsetxattr', handle: 'h', name: 'user.by', value: 'handle' },
    { op: 'fgetxattr', handle: 'h', name: 'user.by' },
    { op: 'fgetxattr', handle: 'h', name: 'user.note' },
    { op: 'fgetxattr', handle: 'h', name: 'trusted.overlay.origin' },
    { op: 'fsetxattr', handle: 'h', name: 'trusted.overlay.origin', value: 'mine' },
    { op: 'fgetxattr', handle: 'h', name: 'trusted.overlay.origin' },
    { op: 'listxattr', path },
  ]),
}

await runTable('2.6, 3.9', [
  lookRow('names of every kind in a lower layer'),
  lookRow('names of every kind in a lower layer, to an ordinary user', user),
  changeRow('changes to lower objects', 'lower'),
  changeRow('changes to upper objects', 'upper'),
  changeRow('changes by an ordinary user', 'lower', user),
  layered,
  values,
  many,
  handles,
])
