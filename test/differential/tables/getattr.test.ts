/** SEMANTICS.md 3.3: what stat says of every object, before and after it is copied up. */
import type { Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

/** Names of the standard tree: every type in every state. */
const everything = [
  ...['.', 'f', 'g', 'cu', 'u', 'uhl', 'us', 'suid', 'cap', 'acl', 'escaped', 'sparse', 'big'],
  ...['hl1', 'hl2', 's', 'sd', 'dangling', 'p', 'k', 'c', 'b', 'ld', 'ld/x', 'ld/sub', 'le', 'm'],
  ...[
    'm/same',
    'm/sub',
    'm/ud',
    'um',
    'ud',
    'ud/sub',
    'ue',
    'uo',
    'uo/x',
    'mw',
    'defacl',
    'sticky',
  ],
]

function each(make: (path: string) => readonly Operation[]): Operation[] {
  return everything.flatMap(make)
}

const looks = each((path) => [
  { op: 'stat', path },
  { op: 'access', path, mode: 7 },
  { op: 'statfs', path },
])

const statRow: Row = {
  title: 'stat of every object, after a remount too',
  script: looks,
  then: looks,
}

const copiedUp: Row = {
  title: 'stat keeps all but the change time when an object is copied up',
  script: each((path) => [
    { op: 'note-times', path },
    { op: 'chmod', path, mode: 0o754 },
    { op: 'stat', path },
    { op: 'touched', path },
  ]),
  then: looks,
  layers: [2],
  options: ['', 'xino=on', 'userxattr'],
}

/** Inode numbers cannot agree where layers are on several file systems; everything else does. */
const elsewhere: Row = {
  title: 'upper on a file system of its own',
  script: each((path) => [
    { op: 'access', path, mode: 4 },
    { op: 'chmod', path, mode: 0o754 },
    { op: 'access', path, mode: 1 },
  ]),
  layers: [2],
  options: ['', 'xino=on'],
  more: { upperElsewhere: true },
}

const links: Row = {
  title: 'link counts of files',
  lowers: [
    [
      file('one'),
      file('two'),
      { op: 'link', from: 'two', to: 'two.b' },
      file('three'),
      { op: 'link', from: 'three', to: 'three.b' },
      { op: 'link', from: 'three', to: 'three.c' },
      { op: 'symlink', path: 's', target: 'one' },
      { op: 'link', from: 's', to: 's.b' },
    ],
  ],
  script: [
    { op: 'link', from: 'one', to: 'one.b' },
    { op: 'stat', path: 'one' },
    { op: 'unlink', path: 'two' },
    { op: 'stat', path: 'two.b' },
    { op: 'append', path: 'three', data: 'more' },
    { op: 'stat', path: 'three' },
    { op: 'stat', path: 'three.b' },
    { op: 'link', from: 'three.b', to: 'three.d' },
    { op: 'stat', path: 'three.b' },
    { op: 'stat', path: 'three.c' },
    { op: 'unlink', path: 'three.d' },
    { op: 'chown', path: 's', uid: 1, gid: 1 },
    { op: 'stat', path: 's.b' },
    { op: 'unlink', path: 'one' },
    { op: 'stat', path: 'one.b' },
  ],
}

const dirLinks: Row = {
  title: 'link counts of directories: one where merged, else those of the real one',
  lowers: [
    [dir('d'), dir('d/a'), dir('d/b'), dir('m'), dir('m/a')],
    [dir('m'), dir('m/b')],
  ],
  script: [
    { op: 'stat', path: 'd' },
    { op: 'stat', path: 'm' },
    dir('d/c'),
    { op: 'stat', path: 'd' },
    dir('u'),
    dir('u/a'),
    dir('u/b'),
    { op: 'stat', path: 'u' },
    { op: 'rmdir', path: 'u/a' },
    { op: 'rename', from: 'u/b', to: 'd/moved' },
    { op: 'stat', path: 'u' },
    { op: 'rmdir', path: 'd/a' },
    { op: 'stat', path: 'd' },
  ],
}

/** Files of every origin, unlinked while open. */
const orphans: Row = {
  title: 'link counts of files unlinked while open',
  layers: [2],
  script: ['f', 'cu', 'u', 'uhl', 'hl1', 'suid'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'h', flags: ['read'] },
    { op: 'unlink', path },
    { op: 'fstat', handle: 'h' },
  ]),
}

const sizes: Row = {
  title: 'sizes and blocks of files, before and after they change',
  layers: [2],
  script: ['sparse', 'big', 'f', 'u'].flatMap((path): Operation[] => [
    { op: 'holes', path },
    { op: 'truncate', path, size: 100_000 },
    { op: 'stat', path },
    { op: 'write', path, offset: 200_000, data: 'x' },
    { op: 'stat', path },
    { op: 'truncate', path, size: 0 },
    { op: 'stat', path },
  ]),
}

function timesOf(path: string): Operation[] {
  return [
    { op: 'note-times', path },
    { op: 'read', path },
    { op: 'touched', path },
    { op: 'times', path },
    { op: 'append', path, data: 'x' },
    { op: 'touched', path },
    { op: 'times', path },
    { op: 'note-times', path },
    { op: 'read', path },
    { op: 'touched', path },
  ]
}

const times: Row = {
  title: 'times: reading leaves those of lower files, copy-up makes change and birth new',
  layers: [2],
  script: ['f', 'g', 'cu', 'u', 'acl'].flatMap(timesOf),
  then: ['f', 'cu', 'u'].flatMap(timesOf),
}

const dirTimes: Row = {
  title: 'times of directories: what touches them, and what copy-up leaves as it was',
  layers: [2],
  script: ['.', 'ld', 'm', 'um', 'ud', 'uo'].flatMap((path): Operation[] => [
    { op: 'note-times', path },
    { op: 'list', path },
    { op: 'touched', path },
    // Copied up together: the directory's times stay.
    ...(path === 'ld'
      ? ([
          { op: 'chmod', path: 'ld/x', mode: 0o600 },
          { op: 'touched', path },
        ] as const)
      : []),
    file(`${path}/new`),
    { op: 'touched', path },
    { op: 'note-times', path },
    { op: 'rename', from: `${path}/new`, to: `${path}/newer` },
    { op: 'touched', path },
    { op: 'note-times', path },
    { op: 'unlink', path: `${path}/newer` },
    { op: 'touched', path },
    { op: 'note-times', path },
    { op: 'list', path },
    { op: 'touched', path },
    { op: 'note-times', path },
    { op: 'list', path },
    { op: 'touched', path },
  ]),
}

await runTable('3.3', [
  statRow,
  copiedUp,
  elsewhere,
  links,
  dirLinks,
  orphans,
  sizes,
  times,
  dirTimes,
])
