/**
 * SEMANTICS.md 3.10, what handles, mappings, locks and watches see of each other before and after a
 * copy-up.
 */
import type { OpenFlag, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const SMALL = 'the lower content of a small file'
const PAGE = 4096

/** Ways to copy a file up and change it. */
const changes: Readonly<Record<string, (path: string) => readonly Operation[]>> = {
  written: (path) => [{ op: 'write', path, offset: 4, data: 'UPPER' }],
  appended: (path) => [{ op: 'append', path, data: ', and more' }],
  truncated: (path) => [{ op: 'truncate', path, size: 5 }],
  extended: (path) => [{ op: 'truncate', path, size: 100 }],
  emptied: (path) => [
    { op: 'open', path, as: 'w', flags: ['write', 'truncate'] },
    { op: 'fwrite', handle: 'w', offset: 0, data: 'all new' },
  ],
  'given a mode': (path) => [{ op: 'chmod', path, mode: 0o4711 }],
  'given an owner': (path) => [{ op: 'chown', path, uid: 3, gid: 4 }],
  'given times': (path) => [{ op: 'utimens', path, atime: [1, 2], mtime: [3, 4] }],
  'given an xattr': (path) => [{ op: 'setxattr', path, name: 'user.new', value: 'v' }],
  linked: (path) => [{ op: 'link', from: path, to: `${path}.linked` }],
  renamed: (path) => [{ op: 'rename', from: path, to: `${path}.renamed` }],
  'written through a mapping': (path) => [
    { op: 'open', path, as: 'w', flags: ['read-write'] },
    { op: 'map', handle: 'w', as: 'm', sharing: 'shared', access: 'write', size: 16 },
    { op: 'map-write', mapping: 'm', offset: 2, data: 'mapped' },
    { op: 'unmap', mapping: 'm' },
    { op: 'close', handle: 'w' },
  ],
}

/** What a handle opened for reading before sees after. */
const looks: readonly Operation[] = [
  { op: 'fread', handle: 'r', offset: 0, size: 60 },
  { op: 'fstat', handle: 'r' },
  { op: 'fgetxattr', handle: 'r', name: 'user.new' },
  { op: 'seek', handle: 'r', whence: 'hole', offset: 0 },
  { op: 'lseek', handle: 'r', offset: 0, whence: 2 },
]

const kinds = ['lower', 'linked', 'merged-name', 'copied', 'upper']

function handleRow([how, change]: readonly [string, (path: string) => readonly Operation[]]): Row {
  return {
    title: `a handle for reading, the file ${how} afterwards, twice`,
    lowers: [
      [file('merged-name', SMALL)],
      [
        file('lower', SMALL, 0o640),
        file('linked', SMALL),
        { op: 'link', from: 'linked', to: 'linked.b' },
        file('merged-name', 'hidden'),
        file('copied', SMALL),
      ],
    ],
    setup: [file('upper', SMALL), { op: 'append', path: 'copied', data: '.' }],
    script: kinds.flatMap((path): Operation[] => [
      { op: 'open', path, as: 'r', flags: ['read'] },
      { op: 'open', path, as: 'p', flags: ['path'] },
      { op: 'fread', handle: 'r', offset: 0, size: 5 },
      ...change(path),
      ...looks,
      { op: 'fstat', handle: 'p' },
      ...change(path),
      ...looks,
      { op: 'reopen', handle: 'r', as: 'again', flags: ['read'] },
      { op: 'fread', handle: 'again', offset: 0, size: 60 },
      { op: 'reopen', handle: 'p', as: 'again', flags: ['read-write'] },
      { op: 'fwrite', handle: 'again', offset: 0, data: 'RE' },
      { op: 'fread', handle: 'r', offset: 0, size: 60 },
    ]),
  }
}

/** Two handles on one file, of every pair of access modes. */
const accessModes: readonly (readonly OpenFlag[])[] = [
  ['read'],
  ['write'],
  ['read-write'],
  ['read', 'append'],
  ['write', 'append'],
]

const pairs: Row = {
  title: 'two handles of one file see each other’s changes',
  lowers: [accessModes.flatMap((_, a) => accessModes.map((_, b) => file(`f${a}${b}`, SMALL)))],
  script: accessModes.flatMap((first, a) =>
    accessModes.flatMap((second, b): Operation[] => [
      { op: 'open', path: `f${a}${b}`, as: 'one', flags: first },
      { op: 'fread', handle: 'one', offset: 0, size: 9 },
      { op: 'open', path: `f${a}${b}`, as: 'two', flags: second },
      { op: 'fwrite', handle: 'one', offset: 0, data: 'ONE' },
      { op: 'fread', handle: 'two', offset: 0, size: 60 },
      { op: 'fwrite', handle: 'two', offset: 4, data: 'TWO' },
      { op: 'fread', handle: 'one', offset: 0, size: 60 },
      { op: 'ftruncate', handle: 'one', size: 8 },
      { op: 'fread', handle: 'two', offset: 0, size: 60 },
      { op: 'fstat', handle: 'two' },
      { op: 'fchmod', handle: 'two', mode: 0o600 },
      { op: 'fstat', handle: 'one' },
    ]),
  ),
}

const elsewhere: Row = {
  title: 'another process sees changes at once, and the other way round',
  layers: [2],
  script: ['f', 'cu', 'u'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'r', flags: ['read'], in: 'other process' },
    { op: 'open', path, as: 'r', flags: ['read'] },
    { op: 'append', path, data: ', here' },
    { op: 'fread', handle: 'r', offset: 0, size: 60, in: 'other process' },
    { op: 'append', path, data: ', there', in: 'other process' },
    { op: 'fread', handle: 'r', offset: 0, size: 60 },
    { op: 'chmod', path, mode: 0o600, in: 'other process' },
    { op: 'stat', path },
    { op: 'unlink', path, in: 'other process' },
    { op: 'stat', path },
    { op: 'fread', handle: 'r', offset: 0, size: 60 },
    { op: 'create', path, data: 'new', in: 'other process' },
    { op: 'read', path },
    { op: 'rename', from: path, to: `${path}.moved` },
    { op: 'read', path: `${path}.moved`, in: 'other process' },
    { op: 'stat', path, in: 'other process' },
  ]),
}

/** Locks are between processes (posix) or descriptions; the second copy is the copied-up file's. */
const locks: Row = {
  title: 'locks across a copy-up, between handles and between processes',
  layers: [2],
  script: ['f', 'cu', 'u', 'acl'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'before', flags: ['read'] },
    { op: 'flock', handle: 'before', mode: 'exclusive' },
    { op: 'lock', handle: 'before', kind: 'posix', mode: 'shared', offset: 0, size: 10 },
    { op: 'lock', handle: 'before', kind: 'description', mode: 'shared', offset: 20, size: 10 },
    { op: 'open', path, as: 'after', flags: ['read-write'] },
    { op: 'flock', handle: 'after', mode: 'exclusive' },
    { op: 'flock', handle: 'after', mode: 'shared' },
    { op: 'lock', handle: 'after', kind: 'posix', mode: 'test', offset: 0, size: 0 },
    { op: 'lock', handle: 'after', kind: 'description', mode: 'test', offset: 0, size: 0 },
    { op: 'lock', handle: 'after', kind: 'description', mode: 'exclusive', offset: 25, size: 1 },
    { op: 'open', path, as: 'other', flags: ['read-write'], in: 'other process' },
    { op: 'flock', handle: 'other', mode: 'shared', in: 'other process' },
    {
      op: 'lock',
      handle: 'other',
      kind: 'posix',
      mode: 'test',
      offset: 5,
      size: 100,
      in: 'other process',
    },
    {
      op: 'lock',
      handle: 'other',
      kind: 'posix',
      mode: 'exclusive',
      offset: 9,
      size: 1,
      in: 'other process',
    },
    {
      op: 'lock',
      handle: 'other',
      kind: 'posix',
      mode: 'exclusive',
      offset: 10,
      size: 1,
      in: 'other process',
    },
    { op: 'lock', handle: 'after', kind: 'posix', mode: 'exclusive', offset: 10, size: 1 },
    { op: 'flock', handle: 'before', mode: 'unlock' },
    { op: 'flock', handle: 'other', mode: 'exclusive', in: 'other process' },
    { op: 'flock', handle: 'after', mode: 'shared' },
    { op: 'unlink', path },
    { op: 'flock', handle: 'before', mode: 'shared' },
    { op: 'close', handle: 'other', in: 'other process' },
    { op: 'flock', handle: 'before', mode: 'shared' },
    // Closing any handle drops the process's locks.
    { op: 'close', handle: 'after' },
    { op: 'lock', handle: 'before', kind: 'posix', mode: 'test', offset: 0, size: 0 },
  ]),
}

const CHANGES = 0xfce

/** What happens to a file and in its directory, as inotify tells it. */
const watches: Row = {
  title: 'watches on files and directories across copy-up, rename and removal',
  layers: [2],
  script: [
    ['f', '.'],
    ['cu', '.'],
    ['u', '.'],
    ['ld/x', 'ld'],
    ['m/same', 'm'],
    ['ud/x', 'ud'],
  ].flatMap(([path = '', parent = '']): Operation[] => {
    const told: Operation[] = [
      { op: 'events', watch: 'file' },
      { op: 'events', watch: 'dir' },
    ]
    return [
      { op: 'watch', path, as: 'file', mask: CHANGES },
      { op: 'watch', path: parent, as: 'dir', mask: CHANGES },
      { op: 'chmod', path, mode: 0o600 },
      ...told,
      { op: 'append', path, data: 'x' },
      ...told,
      { op: 'truncate', path, size: 1 },
      ...told,
      { op: 'setxattr', path, name: 'user.new', value: 'v' },
      ...told,
      { op: 'link', from: path, to: `${path}.linked` },
      ...told,
      { op: 'rename', from: path, to: `${path}.moved` },
      ...told,
      { op: 'unlink', path: `${path}.linked` },
      ...told,
      { op: 'unlink', path: `${path}.moved` },
      ...told,
      { op: 'create', path, data: 'again' },
      ...told,
      { op: 'mkdir', path: `${parent}/new`, mode: 0o755 },
      { op: 'rmdir', path: `${parent}/new` },
      ...told,
    ]
  }),
}

const directoryWatches: Row = {
  title: 'watches on directories that are copied up, renamed and removed',
  layers: [2],
  script: ['ld', 'le', 'm', 'ud', 'ue'].flatMap((path): Operation[] => [
    { op: 'watch', path, as: 'w', mask: CHANGES },
    { op: 'chmod', path, mode: 0o711 },
    { op: 'events', watch: 'w' },
    { op: 'create', path: `${path}/new` },
    { op: 'rename', from: `${path}/new`, to: `${path}/newer` },
    { op: 'events', watch: 'w' },
    { op: 'rename', from: path, to: `${path}.moved` },
    { op: 'create', path: `${path}.moved/again` },
    { op: 'events', watch: 'w' },
    { op: 'sweep', path: `${path}.moved`, size: 1000 },
    { op: 'rmdir', path: `${path}.moved` },
    { op: 'rmdir', path },
    { op: 'events', watch: 'w' },
  ]),
}

/** A mapping made before the copy-up keeps the lower content; of upper files there is one only. */
function mapped(path: string, sharing: 'shared' | 'private'): Operation[] {
  return [
    { op: 'open', path, as: 'r', flags: ['read'] },
    { op: 'map', handle: 'r', as: 'before copy-up', sharing, access: 'read', size: PAGE },
    { op: 'map-read', mapping: 'before copy-up', offset: 0, size: 9 },
    { op: 'write', path, offset: 0, data: 'NEW' },
    { op: 'map-read', mapping: 'before copy-up', offset: 0, size: 9 },
    { op: 'open', path, as: 'n', flags: ['read'] },
    { op: 'map', handle: 'n', as: 'new', sharing, access: 'read', size: PAGE },
    { op: 'map-read', mapping: 'new', offset: 0, size: 9 },
    { op: 'write', path, offset: 4, data: 'NEWER' },
    { op: 'map-read', mapping: 'new', offset: 0, size: 9 },
    { op: 'map', handle: 'r', as: 'before copy-up', sharing, access: 'read', size: PAGE },
    { op: 'map-read', mapping: 'before copy-up', offset: 0, size: 9 },
    { op: 'unlink', path },
    { op: 'map-read', mapping: 'new', offset: 0, size: 9 },
  ]
}

const mappings: Row = {
  title: 'mappings of files that are in upper already',
  layers: [2],
  script: ['cu', 'u'].flatMap((path) => mapped(path, 'shared')),
}

const lowerMappings: Row = {
  title: 'mappings of lower files from before their copy-up',
  layers: [2],
  script: [...mapped('f', 'shared'), ...mapped('g', 'private')],
}

function big(path: string): Operation[] {
  return [file(path, ''), { op: 'write', path, data: '0123456789abcdef', repeat: 80_000 }]
}

/** Letters A to C: a big lower file is passed through, so its handles stay with the lower file. */
const OLD = 'before copy-up'

const bigHandles = (
  [
    ['written', [{ op: 'write', path: 'f', offset: 0, data: 'NEW' }]],
    ['cut off', [{ op: 'truncate', path: 'f', size: 4 }]],
    ['given a mode', [{ op: 'chmod', path: 'f', mode: 0o600 }]],
    ['renamed', [{ op: 'rename', from: 'f', to: 'g' }]],
  ] satisfies [string, Operation[]][]
).map(([how, change]): Row => ({
  title: `a handle for reading of a big lower file that is ${how} afterwards`,
  lowers: [big('f')],
  script: [
    { op: 'open', path: 'f', as: OLD, flags: ['read'] },
    { op: 'fread', handle: OLD, offset: 0, size: 9 },
    ...change,
    { op: 'fread', handle: OLD, offset: 0, size: 9 },
    { op: 'read', path: 'f', size: 9 },
    { op: 'stat', path: 'f' },
    { op: 'append', path: 'f', data: 'more' },
    { op: 'fread', handle: OLD, offset: 1_280_000, size: 9 },
    { op: 'reopen', handle: OLD, as: 'again', flags: ['read'] },
    { op: 'reopen', handle: OLD, as: 'again', flags: ['write'] },
    { op: 'flock', handle: OLD, mode: 'exclusive' },
    { op: 'read', path: 'f', size: 9 },
    { op: 'stat', path: 'f' },
  ],
}))

const directories: Row = {
  title: 'a directory that is copied up, renamed or covered while open',
  lowers: [
    [dir('d'), file('d/x'), dir('e'), file('e/x')],
    [dir('d'), file('d/y')],
  ],
  script: [
    { op: 'open', path: 'd', as: 'd', flags: ['read', 'directory'] },
    { op: 'open', path: 'e', as: 'e', flags: ['path', 'directory'] },
    { op: 'create', path: 'new', at: 'd', data: 'new' },
    { op: 'read', path: 'd/new' },
    { op: 'fchmod', handle: 'd', mode: 0o700 },
    { op: 'stat', path: 'd' },
    { op: 'create', path: 'new', at: 'e', data: 'new' },
    { op: 'rename', from: 'e', to: 'e2' },
    { op: 'stat', path: 'x', at: 'e' },
    { op: 'unlink', path: 'x', at: 'e' },
    { op: 'rename', from: 'new', to: 'newer', at: 'e' },
    { op: 'list', path: '.', at: 'e' },
    { op: 'stat', path: '../d', at: 'e' },
  ],
  options: ['', 'redirect_dir=on'],
}

await runTable('3.10', [
  ...Object.entries(changes).map(handleRow),
  pairs,
  elsewhere,
  locks,
  watches,
  directoryWatches,
  mappings,
  lowerMappings,
  ...bigHandles,
  directories,
])
