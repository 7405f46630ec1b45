/** `index=on`: all names of a lower hard link stay one file, whatever is done to it under which. */
import t from 'tap'
import { unexplained } from '../../helpers/deviations.js'
import { describeDifference } from '../../helpers/difference.js'
import { Harness } from '../../helpers/harness.js'
import type { Operation } from '../../helpers/operation.js'
import { requires } from '../../helpers/requires.js'
import type { Round } from '../../helpers/scenario.js'
import { dir, file, sampleAcl, whiteout } from '../../helpers/standard-layers.js'
import { candidateName } from '../../helpers/subject.js'
import { type Row, runTable } from '../../helpers/table.js'

function link(from: string, to: string): Operation {
  return { op: 'link', from, to }
}
function unlink(path: string): Operation {
  return { op: 'unlink', path }
}
function append(path: string, data: string): Operation {
  return { op: 'append', path, data }
}
function rename(from: string, to: string): Operation {
  return { op: 'rename', from, to }
}
function looks(...paths: string[]): Operation[] {
  return paths.flatMap((path): Operation[] => [
    { op: 'stat', path },
    { op: 'read', path },
  ])
}

/** Two layers; `low` and `d/low` are of the lower one, the others of the upper one. */
const lowers: readonly (readonly Operation[])[] = [
  [
    dir('d'),
    file('a', 'of three names'),
    link('a', 'b'),
    link('a', 'd/c'),
    file('e', 'of two names'),
    link('e', 'd/f'),
    file('hidden-below', 'one of its names shows'),
    file('single', 'of one name'),
    whiteout('gone'),
  ],
  [
    dir('d'),
    dir('d2'),
    file('low', 'of the lower layer'),
    link('low', 'd/low'),
    link('low', 'd2/low'),
    link('low', 'hidden-below'),
    link('low', 'gone'),
  ],
]
const all = ['a', 'b', 'd/c', 'e', 'd/f', 'low', 'd/low', 'd2/low']

const withIndex = ['index=on', 'index=on,redirect_dir=on', 'index=on,metacopy=on']

const rows: readonly Row[] = [
  {
    title: 'data and attributes are the same under all names',
    script: [
      ...looks(...all),
      append('b', ', longer'),
      ...looks('a', 'b', 'd/c'),
      { op: 'chmod', path: 'd/c', mode: 0o4711 },
      { op: 'chown', path: 'a', uid: 12, gid: 13 },
      ...looks('a', 'b', 'd/c'),
      { op: 'truncate', path: 'd/f', size: 3 },
      ...looks('e', 'd/f'),
      { op: 'utimens', path: 'd2/low', atime: [1, 2], mtime: [3, 4] },
      ...looks('low', 'd/low', 'd2/low', 'hidden-below'),
      { op: 'open', path: 'd/low', as: 'cut', flags: ['write', 'truncate'] },
      { op: 'fwrite', handle: 'cut', offset: 0, data: 'new' },
      { op: 'close', handle: 'cut' },
      ...looks('low', 'd/low', 'd2/low'),
      { op: 'list', path: '.' },
      { op: 'list', path: 'd' },
    ],
    then: [append('a', '!'), ...looks(...all)],
  },
  {
    title: 'names go one by one',
    script: [
      unlink('a'),
      ...looks('b', 'd/c'),
      unlink('d/c'),
      ...looks('b'),
      append('b', '!'),
      unlink('e'),
      unlink('d/f'),
      unlink('d/low'),
      { op: 'create', path: 'a', mode: 0o600, data: 'another file' },
      { op: 'create', path: 'd/f', mode: 0o600, data: 'another one' },
      ...looks('a', 'b', 'd/f', 'low', 'd2/low'),
    ],
    then: [unlink('b'), unlink('low'), ...looks('a', 'd2/low'), unlink('d2/low')],
  },
  {
    title: 'new names',
    script: [
      link('a', 'd/new'),
      link('d/new', 'd2/new'),
      link('d/low', 'low2'),
      ...looks('a', 'b', 'd/new', 'd2/new', 'low', 'low2'),
      unlink('a'),
      unlink('b'),
      unlink('d/c'),
      ...looks('d/new', 'd2/new'),
      link('d2/new', 'a'),
      append('a', '!'),
      ...looks('a', 'd/new'),
      link('e', 'd/f'),
    ],
    then: [
      ...looks('a', 'd/new', 'd2/new', 'low2'),
      unlink('a'),
      unlink('d/new'),
      unlink('d2/new'),
      link('low2', 'low3'),
      append('low', '!'),
      ...looks('low', 'low2', 'low3', 'd2/low'),
    ],
  },
  {
    title: 'renames',
    script: [
      rename('a', 'b'),
      ...looks('a', 'b'),
      rename('a', 'd/moved'),
      ...looks('b', 'd/c', 'd/moved'),
      rename('single', 'e'),
      ...looks('e', 'd/f'),
      rename('d/f', 'gone'),
      ...looks('gone'),
      rename('low', 'hidden-below'),
      { op: 'rename', from: 'd/low', to: 'b', flags: ['exchange'] },
      ...looks('b', 'd/low', 'd2/low', 'd/c'),
      { op: 'rename', from: 'd2/low', to: 'b', flags: ['noreplace'] },
      { op: 'rename', from: 'd2/low', to: 'd2/new', flags: ['noreplace'] },
      rename('d/c', 'd/moved'),
    ],
    then: [rename('d/moved', 'a'), rename('d2/new', 'a'), ...looks('a', 'b', 'd/c', 'd/low')],
  },
  {
    title: 'replaced by others until none is left',
    script: [
      rename('single', 'a'),
      { op: 'create', path: 'new', mode: 0o644, data: 'new' },
      rename('new', 'b'),
      ...looks('d/c'),
      rename('hidden-below', 'd/c'),
      rename('d/f', 'd2/low'),
      ...looks('a', 'b', 'd/c', 'e', 'd2/low', 'low', 'd/low'),
    ],
    then: [rename('e', 'd2/low'), unlink('d2/low'), unlink('e')],
  },
  {
    title: 'what gives a name in upper, and what does not',
    script: [
      { op: 'chmod', path: 'a', mode: 0o600 },
      { op: 'setxattr', path: 'b', name: 'user.one', value: '1' },
      { op: 'setxattr', path: 'b', name: 'system.posix_acl_access', value: sampleAcl },
      { op: 'removexattr', path: 'b', name: 'user.one' },
      { op: 'removexattr', path: 'b', name: 'user.two' },
      { op: 'open', path: 'd/c', as: 'r', flags: ['read'] },
      { op: 'close', handle: 'r' },
      { op: 'setxattr', path: 'e', name: 'user.one', value: '1' },
      { op: 'getxattr', path: 'd/f', name: 'user.one' },
      { op: 'open', path: 'd/f', as: 'w', flags: ['read-write'] },
      { op: 'close', handle: 'w' },
      { op: 'setflags', path: 'low', flags: 0x80 },
      { op: 'setflags', path: 'd/low', flags: 0x10 },
      { op: 'getflags', path: 'd2/low' },
      append('d2/low', '!'),
      unlink('low'),
      { op: 'setflags', path: 'd/low', flags: 0 },
      unlink('low'),
    ],
  },
  {
    title: 'open descriptors',
    script: [
      { op: 'open', path: 'a', as: 'a', flags: ['read'] },
      { op: 'open', path: 'd/c', as: 'c', flags: ['read-write'] },
      { op: 'fwrite', handle: 'c', offset: 0, data: 'OF' },
      { op: 'fread', handle: 'a', offset: 0, size: 100 },
      { op: 'fstat', handle: 'a' },
      unlink('a'),
      unlink('b'),
      { op: 'fstat', handle: 'a' },
      { op: 'fwrite', handle: 'c', offset: 3, data: 'THREE' },
      unlink('d/c'),
      { op: 'fstat', handle: 'c' },
      { op: 'fread', handle: 'a', offset: 0, size: 100 },
      { op: 'fchmod', handle: 'c', mode: 0o640 },
      { op: 'fwrite', handle: 'c', offset: 0, data: 'still' },
      { op: 'fread', handle: 'a', offset: 0, size: 100 },
      { op: 'open', path: 'e', as: 'e', flags: ['read'] },
      unlink('e'),
      { op: 'fchmod', handle: 'e', mode: 0o600 },
      { op: 'fstat', handle: 'e' },
      ...looks('d/f'),
    ],
    then: looks('d/f'),
  },
  {
    title: 'large files',
    lowers: [
      [
        dir('d'),
        { op: 'create', path: 'big', mode: 0o644 },
        { op: 'write', path: 'big', data: 'chunk', repeat: 2_000_000 },
        link('big', 'big2'),
        link('big', 'd/big3'),
        file('single'),
        { op: 'create', path: 'huge', mode: 0o644 },
        { op: 'write', path: 'huge', data: 'chunk', repeat: 2_000_000 },
        link('huge', 'd/huge2'),
        link('huge', 'd/huge3'),
      ],
    ],
    script: [
      { op: 'open', path: 'big', as: 'before copy-up', flags: ['read'] },
      append('big2', 'end'),
      { op: 'stat', path: 'big' },
      { op: 'stat', path: 'd/big3' },
      { op: 'read', path: 'd/big3', offset: 9_999_990, size: 100 },
      { op: 'read', path: 'big', offset: 9_999_990, size: 100 },
      unlink('big'),
      { op: 'close', handle: 'before copy-up' },
      { op: 'truncate', path: 'd/big3', size: 10 },
      ...looks('big2', 'd/big3'),
      rename('single', 'd/huge2'),
      unlink('d/huge3'),
      { op: 'read', path: 'huge', offset: 9_999_990, size: 100 },
    ],
    then: [unlink('big2'), ...looks('d/big3'), unlink('d/big3')],
  },
  {
    title: 'symlinks, fifos and devices',
    lowers: [
      [
        dir('d'),
        { op: 'symlink', path: 's', target: 'a' },
        link('s', 'd/s'),
        { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o600 },
        link('p', 'd/p'),
        { op: 'mknod', path: 'c', kind: 'char', mode: 0o600, major: 1, minor: 3 },
        link('c', 'd/c'),
      ],
    ],
    script: [
      { op: 'chown', path: 's', uid: 3, gid: 3 },
      { op: 'readlink', path: 'd/s' },
      { op: 'chmod', path: 'd/p', mode: 0o666 },
      ...['s', 'd/s', 'p', 'd/p', 'c', 'd/c'].map((path): Operation => ({ op: 'stat', path })),
      unlink('c'),
      unlink('s'),
      { op: 'stat', path: 'd/s' },
      { op: 'stat', path: 'd/c' },
    ],
    then: [unlink('d/s'), { op: 'stat', path: 'd/c' }, unlink('d/c')],
    options: [...withIndex, 'index=on,userxattr'],
  },
  {
    title: 'a new directory in a merged one is opaque',
    script: [
      { op: 'mkdir', path: 'd/new', mode: 0o755 },
      { op: 'mkdir', path: 'new', mode: 0o755 },
      { op: 'mkdir', path: 'd2/new', mode: 0o755 },
    ],
  },
  {
    title: 'read-only',
    script: looks(...all),
    options: ['index=on,ro'],
  },
]

await runTable(
  '1.1, index=on',
  rows.flatMap((row): Row[] => {
    const whole = { lowers, options: withIndex, ...row }
    return [whole, { ...whole, title: `${row.title}, on tmpfs`, scratch: 'tmpfs' }]
  }),
)

const rotation: readonly Round[] = [
  { script: [append('a', '!'), unlink('e'), link('low', 'd/new')], then: 'rotate' },
  { script: [...looks(...all), append('b', '?'), unlink('d/new')], then: 'remount' },
  { script: [unlink('a'), ...looks(...all)], then: 'rotate' },
  { script: [append('d/c', '?'), unlink('b'), unlink('d/f'), ...looks(...all)], then: 'remount' },
]

await t.test('upper becomes a lower layer', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const harness = new Harness(candidateName())
  t.teardown(() => harness.close())
  for (const options of withIndex) {
    const scenario = { scratch: 'disk', lowers, upper: [], options, rounds: rotation } as const
    const { differences } = await harness.compare(scenario)
    t.strictSame(unexplained(differences, scenario).map(describeDifference), [], options)
  }
})
