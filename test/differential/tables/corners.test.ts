/** Corners of SEMANTICS.md 3: what only damaged or hand-made layers show, and rare calls. */
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file, sampleCapability } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const owner: Caller = { uid: 1000, gid: 1000 }

function mark(path: string, name: string, value: string): Operation {
  return { op: 'setxattr', path, name: `trusted.overlay.${name}`, value }
}

/** Two upper directories that lead to one lower directory. */
const twins: readonly Row[] = [
  [
    { op: 'list', path: 'one' },
    { op: 'list', path: 'two' },
  ],
  [
    { op: 'stat', path: 'two' },
    { op: 'list', path: '.' },
    { op: 'stat', path: 'one' },
  ],
  [
    { op: 'stat', path: 'one' },
    { op: 'unlink', path: 'two' },
    { op: 'rmdir', path: 'two' },
    { op: 'mkdir', path: 'two', mode: 0o755 },
    { op: 'rename', from: 'one', to: 'two' },
    { op: 'rename', from: 'one', to: 'three' },
    { op: 'create', path: 'two/x' },
  ],
].map((script, at) => ({
  title: `two upper directories with one redirect, ${at}`,
  lowers: [[dir('low'), file('low/in')]],
  upper: [dir('one'), mark('one', 'redirect', '/low'), dir('two'), mark('two', 'redirect', '/low')],
  script: script as readonly Operation[],
}))

const original: Row = {
  title: 'an upper directory with a redirect to the lower directory of another',
  lowers: [[dir('low'), file('low/in')]],
  upper: [dir('one'), mark('one', 'redirect', '/low')],
  script: [
    { op: 'stat', path: 'low' },
    { op: 'stat', path: 'one' },
    { op: 'list', path: 'one' },
    { op: 'list', path: 'low' },
    { op: 'create', path: 'low/new' },
  ],
}

const listings: readonly Row[] = ['list', 'stat'].map((op) => ({
  title: `an impure directory with an entry that cannot be looked up, ${op}`,
  lowers: [[dir('d'), file('d/low'), dir('d/target')]],
  upper: [
    dir('d'),
    mark('d', 'impure', 'y'),
    file('d/a'),
    dir('d/bad'),
    mark('d/bad', 'redirect', 'a/b'),
    file('d/c'),
    dir('p'),
    mark('p', 'impure', 'y'),
    file('p/a'),
    dir('p/bad'),
    mark('p/bad', 'redirect', 'a/b'),
    dir('q'),
    file('q/a'),
    dir('q/bad'),
    mark('q/bad', 'redirect', 'a/b'),
  ],
  script: [
    ...(op === 'stat'
      ? ([
          { op, path: 'd/a' },
          { op, path: 'p/bad' },
        ] as Operation[])
      : []),
    { op: 'list', path: 'd' },
    { op: 'list', path: 'p' },
    { op: 'list', path: 'q' },
    { op: 'list', path: '.' },
    { op: 'rmdir', path: 'p' },
    { op: 'rmdir', path: 'q' },
  ],
}))

const metacopies: Row = {
  title: 'empty files with a metacopy mark',
  options: ['', 'metacopy=off', 'metacopy=on'],
  lowers: [[file('low', ''), mark('low', 'metacopy', '')]],
  upper: [file('up', ''), mark('up', 'metacopy', ''), file('plain', '')],
  script: ['low', 'up', 'plain'].flatMap((path): Operation[] => [
    { op: 'stat', path },
    { op: 'read', path },
    { op: 'chmod', path, mode: 0o600 },
    { op: 'append', path, data: 'x' },
    { op: 'list', path: '.' },
    { op: 'unlink', path },
  ]),
}

const parentTimes: Row = {
  title: 'times of directories of upper when a child is copied up',
  lowers: [[dir('d'), file('d/x'), dir('d/s'), file('d/s/y'), file('d/z'), file('r')]],
  setup: [file('d/new')],
  script: [
    ...(
      [
        ['d', { op: 'append', path: 'd/x', data: 'x' }],
        ['d', { op: 'chmod', path: 'd/s', mode: 0o700 }],
        ['d', { op: 'chmod', path: 'd/s/y', mode: 0o700 }],
        ['d/s', { op: 'setxattr', path: 'd/s/y', name: 'user.a', value: '1' }],
        ['.', { op: 'chown', path: 'r', uid: 7, gid: 7 }],
      ] as const
    ).flatMap(([path, change]): Operation[] => [
      { op: 'list', path },
      { op: 'note-times', path },
      change,
      { op: 'touched', path },
    ]),
  ],
}

const both: Row = {
  title: 'set-user-id and a capability on one file',
  lowers: [
    [0, 1, 2, 3, 4, 5, 6].flatMap((at): Operation[] => [
      file(`f${at}`, 'program'),
      { op: 'chown', path: `f${at}`, uid: 1000, gid: 1000 },
      { op: 'chmod', path: `f${at}`, mode: 0o6777 },
      { op: 'setxattr', path: `f${at}`, name: 'security.capability', value: sampleCapability },
    ]),
  ],
  script: [
    { op: 'append', path: 'f0', data: 'x' },
    { op: 'truncate', path: 'f1', size: 3 },
    { op: 'chown', path: 'f2', uid: 0xffffffff, gid: 0xffffffff },
    { op: 'open', path: 'f3', as: 'h', flags: ['write', 'truncate'] },
    { op: 'open', path: 'f4', as: 'i', flags: ['read-write'] },
    { op: 'fwrite', handle: 'i', offset: 0, data: 'yy' },
    { op: 'append', path: 'f5', data: 'x', by: owner },
    { op: 'fallocate', path: 'f6', mode: 'allocate', offset: 0, size: 9000 },
    ...[0, 1, 2, 3, 4, 5, 6].flatMap((at): Operation[] => [
      { op: 'stat', path: `f${at}` },
      { op: 'getxattr', path: `f${at}`, name: 'security.capability' },
    ]),
  ],
}

const sgidCallers: readonly Caller[] = [
  { uid: 0, gid: 0 },
  { uid: 1000, gid: 1000 },
  { uid: 1000, gid: 2000, groups: [1001] },
  { uid: 1002, gid: 1001 },
  { uid: 1003, gid: 1003 },
]
const sgidChanges: readonly ((path: string) => Operation)[] = [
  (path) => ({ op: 'append', path, data: 'x' }),
  (path) => ({ op: 'truncate', path, size: 2 }),
  (path) => ({ op: 'fallocate', path, mode: 'allocate', offset: 0, size: 9000 }),
  (path) => ({ op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff }),
  (path) => ({ op: 'chown', path, uid: 0xffffffff, gid: 1001 }),
  (path) => ({ op: 'chown', path, uid: 1000, gid: 0xffffffff }),
  (path) => ({ op: 'chmod', path, mode: 0o2767 }),
  (path) => ({ op: 'copy-range', from: 'source', to: path, size: 3 }),
]
const sgidNames = ['l', 'u'].flatMap((layer) =>
  [0o2767, 0o2666, 0o2777, 0o6767].flatMap((mode) =>
    sgidCallers.flatMap((by, who) =>
      sgidChanges.map((change, what) => ({
        path: `${layer}${mode}-${who}-${what}`,
        mode,
        by,
        change,
      })),
    ),
  ),
)
const made = (prefix: string): Operation[] =>
  sgidNames
    .filter(({ path }) => path.startsWith(prefix))
    .flatMap(({ path, mode }): Operation[] => [
      file(path, 'program'),
      { op: 'chown', path, uid: 1000, gid: 1001 },
      { op: 'chmod', path, mode },
    ])
const setGroupId: Row = {
  title: 'set-group-id with and without group-execute, by everyone',
  lowers: [[file('source', 'source'), ...made('l')]],
  setup: made('u'),
  script: sgidNames.flatMap(({ path, by, change }): Operation[] => [
    { ...change(path), by },
    { op: 'stat', path },
  ]),
}

const goneDirs: Row = {
  title: 'calls on directories that were removed while open',
  lowers: [[dir('low'), dir('keep'), file('keep/x')]],
  setup: [dir('up'), dir('opened')],
  script: [
    ...['low', 'up'].flatMap((path): Operation[] => [
      { op: 'open', path, as: path, flags: ['read', 'directory'] },
      { op: 'rmdir', path },
      { op: 'open', path: '.', at: path, as: 't', flags: ['read-write', 'tmpfile'] },
      { op: 'ioctl', path: '.', at: path, request: 2 },
      { op: 'ioctl', path: '.', at: path, request: 0x80086601 },
      { op: 'lseek', handle: path, offset: 0, whence: 3 },
      { op: 'lseek', handle: path, offset: 0, whence: 4 },
      { op: 'lseek', handle: path, offset: 5, whence: 4 },
    ]),
    ...['keep', 'opened', '.'].flatMap((path): Operation[] => [
      { op: 'open', path, as: path, flags: ['read', 'directory'] },
      ...[3, 4].flatMap((whence): Operation[] => [
        { op: 'lseek', handle: path, offset: 0, whence },
        { op: 'lseek', handle: path, offset: 1, whence },
        { op: 'lseek', handle: path, offset: 1_000_000_000, whence },
      ]),
      { op: 'ioctl', path, request: 2 },
    ]),
    { op: 'ioctl', path: 'keep/x', request: 2 },
    { op: 'ioctl', path: 'keep/x', request: 1 },
    { op: 'ioctl', path: 'keep/x', request: 0x541b },
  ],
}

const whNames: Row = {
  title: 'names of AUFS whiteouts',
  lowers: [
    [dir('d'), file('d/.wh.a'), file('.wh.b'), dir('o'), file('o/.wh..wh..opq'), file('o/new')],
    [dir('d'), file('d/a'), file('b'), dir('o'), file('o/old'), file('d/.wh.zz'), file('d/zz')],
  ],
  upper: [file('.wh.c'), file('c')],
  script: [
    { op: 'list', path: '.' },
    { op: 'list', path: 'd' },
    { op: 'list', path: 'o' },
    { op: 'stat', path: 'd/a' },
    { op: 'stat', path: 'b' },
    { op: 'stat', path: '.wh.b' },
    { op: 'create', path: '.wh.new' },
  ],
}

const impureParent: Row = {
  title: 'changes of a lower file that was removed while open',
  lowers: [[dir('d'), file('d/x'), file('d/y')]],
  setup: [file('d/new')],
  script: [
    { op: 'open', path: 'd/x', as: 'h', flags: ['read'] },
    { op: 'unlink', path: 'd/x' },
    { op: 'fchmod', handle: 'h', mode: 0o600 },
    { op: 'fsetxattr', handle: 'h', name: 'user.a', value: 'b' },
    { op: 'fread', handle: 'h', offset: 0, size: 10 },
  ],
}

const removedLate: Row = {
  title: 'names removed, added and renamed while a directory is read',
  lowers: [[dir('m'), ...Array.from({ length: 40 }, (_, at) => file(`m/lower-name-${at}`))]],
  setup: [file('m/upper')],
  script: [
    { op: 'open', path: 'm', as: 'h', flags: ['read', 'directory'] },
    { op: 'list-some', handle: 'h' },
    ...Array.from({ length: 40 }, (_, at): Operation => ({
      op: 'unlink',
      path: `m/lower-name-${at}`,
    })),
    { op: 'list-rest', handle: 'h' },
  ],
}

await runTable('3, corners', [
  ...twins,
  original,
  ...listings,
  metacopies,
  parentTimes,
  impureParent,
  both,
  setGroupId,
  goneDirs,
  whNames,
  removedLate,
])
