/** SEMANTICS.md 3.6: every way to make a name, over everything a name can have been before. */
import { absentKinds, objectKinds, place } from '../../helpers/object-kinds.js'
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file, opaque, sampleAcl, whiteout } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

type Make = (path: string) => Operation

/** Every call that makes a name. */
const makers: Readonly<Record<string, Make>> = {
  'open with O_CREAT': (path) => ({
    op: 'open',
    path,
    as: 'h',
    flags: ['read-write', 'create'],
    mode: 0o666,
  }),
  'open with O_CREAT|O_EXCL': (path) => ({ op: 'create', path, data: 'new', mode: 0o640 }),
  'open with O_CREAT|O_TRUNC': (path) => ({
    op: 'open',
    path,
    as: 'h',
    flags: ['write', 'create', 'truncate'],
    mode: 0o4777,
  }),
  'open with O_CREAT for reading': (path) => ({
    op: 'open',
    path,
    as: 'h',
    flags: ['read', 'create'],
    mode: 0o200,
  }),
  mkdir: (path) => ({ op: 'mkdir', path, mode: 0o1777 }),
  symlink: (path) => ({ op: 'symlink', path, target: 'anything' }),
  mkfifo: (path) => ({ op: 'mknod', path, kind: 'fifo', mode: 0o666 }),
  'mknod of a socket': (path) => ({ op: 'mknod', path, kind: 'socket', mode: 0o755 }),
  'mknod of a file': (path) => ({ op: 'mknod', path, kind: 'file', mode: 0o644 }),
  'mknod of a device': (path) => ({
    op: 'mknod',
    path,
    kind: 'char',
    mode: 0o660,
    major: 1,
    minor: 3,
  }),
  'mknod of a block device': (path) => ({ op: 'mknod', path, kind: 'block', mode: 0o660 }),
  'mknod of a whiteout': (path) => ({ op: 'mknod', path, kind: 'char', mode: 0o600 }),
  'link of a lower file': (path) => ({ op: 'link', from: 'source/lower', to: path }),
  'link of an upper file': (path) => ({ op: 'link', from: 'source/upper', to: path }),
  'link of a symlink': (path) => ({ op: 'link', from: 'source/symlink', to: path }),
  'link of a fifo': (path) => ({ op: 'link', from: 'source/fifo', to: path }),
  'link of a directory': (path) => ({ op: 'link', from: 'source/dir', to: path }),
  'link of nothing': (path) => ({ op: 'link', from: 'source/nothing', to: path }),
}

/** Of what is there already, only some of the kinds: that EEXIST is EEXIST needs no more. */
const targets = [
  ...absentKinds,
  ...objectKinds.filter(({ name }) =>
    ['lower-file', 'upper-file', 'lower-symlink', 'merged', 'opaque-empty'].includes(name),
  ),
]

function onEverything([what, make]: readonly [string, Make]): Row {
  const { lower, setup } = place(targets.map((kind) => [kind, `in/${kind.name}`]))
  return {
    title: `${what}, over every state of the name`,
    layers: [2],
    lower: (index, count) => [
      ...lower(index, count),
      dir('source'),
      file('source/lower', 'l', 0o600),
      { op: 'symlink', path: 'source/symlink', target: 't' },
      { op: 'mknod', path: 'source/fifo', kind: 'fifo', mode: 0o600 },
      dir('source/dir'),
    ],
    setup: [...setup, file('source/upper', 'u')],
    script: [
      { op: 'stat', path: 'in' },
      ...targets.flatMap(({ name }): Operation[] => [
        make(`in/${name}`),
        { op: 'stat', path: `in/${name}` },
      ]),
      { op: 'list', path: 'in' },
    ],
    options: ['', 'redirect_dir=on', 'xino=on'],
  }
}

/** Directories that a new name may be made in. */
const parents = ['.', 'lower', 'lower/deep', 'merged', 'upper', 'upper/deep', 'opaque', 'emptied']
const otherParents = ['setgid', 'default-acl', 'sticky', 'closed']

const user: Caller = { uid: 1000, gid: 1000, groups: [77] }

function inParents(what: string, make: Make, by?: Caller): Row {
  const caller = by === undefined ? {} : { by }
  return {
    title: `${what} in every kind of directory, ${by === undefined ? 'root' : 'a user'}`,
    lowers: [
      [dir('merged'), file('merged/0')],
      [
        ...['lower', 'lower/deep', 'merged', 'opaque', 'emptied'].map((path) => dir(path)),
        ...[file('opaque/hidden'), file('emptied/x'), dir('setgid'), dir('default-acl')],
        { op: 'chown', path: 'setgid', uid: 0, gid: 77 },
        { op: 'chmod', path: 'setgid', mode: 0o2777 },
        {
          op: 'setxattr',
          path: 'default-acl',
          name: 'system.posix_acl_default',
          value: sampleAcl,
        },
        { op: 'chmod', path: 'default-acl', mode: 0o2777 },
        dir('sticky', 0o1777),
        { op: 'chmod', path: 'sticky', mode: 0o1777 },
        dir('closed', 0o755),
        // A whiteout in each: what comes over it is made in work, and must look the same.
        ...[...otherParents, 'lower', 'merged'].map((path) => file(`${path}/gone`)),
      ],
    ],
    setup: [
      dir('upper'),
      dir('upper/deep'),
      { op: 'unlink', path: 'opaque/hidden' },
      { op: 'rmdir', path: 'opaque' },
      dir('opaque'),
      { op: 'unlink', path: 'emptied/x' },
      ...[...otherParents, 'lower', 'merged'].map((path): Operation => ({
        op: 'unlink',
        path: `${path}/gone`,
      })),
      ...['lower', 'merged', 'upper', 'opaque'].map((path): Operation => ({
        op: 'chmod',
        path,
        mode: 0o777,
      })),
    ],
    script: [
      { op: 'umask', mode: 0o027 },
      ...[...parents, ...otherParents].flatMap((path): Operation[] => [
        { ...make(`${path}/new`), ...caller },
        { op: 'stat', path: `${path}/new` },
        { ...make(`${path}/gone`), ...caller },
        { op: 'stat', path: `${path}/gone` },
        { op: 'getxattr', path: `${path}/gone`, name: 'system.posix_acl_access' },
      ]),
    ],
  }
}

/** The calls whose result the parent has a say in. */
const dressed: readonly (readonly [string, Make])[] = [
  ['a file', (path) => ({ op: 'create', path, mode: 0o6777, data: 'new' })],
  ['a directory', (path) => ({ op: 'mkdir', path, mode: 0o777 })],
  ['a symlink', (path) => ({ op: 'symlink', path, target: 't' })],
  ['a fifo', (path) => ({ op: 'mknod', path, kind: 'fifo', mode: 0o666 })],
]

/** What a new directory lets through of what is below it, later or now. */
const opaqueness: Row = {
  title: 'when a new directory is opaque',
  lowers: [
    [whiteout('whited'), dir('merged'), whiteout('merged/w'), dir('covered'), opaque('covered')],
    [
      dir('whited'),
      file('whited/hidden'),
      dir('merged'),
      dir('merged/w'),
      file('merged/w/hidden'),
      dir('dir'),
      file('dir/x'),
      file('file'),
      dir('covered'),
      dir('covered/d'),
    ],
  ],
  script: [
    dir('whited'),
    dir('merged/w'),
    dir('merged/new'),
    dir('new'),
    dir('new/new'),
    { op: 'unlink', path: 'dir/x' },
    { op: 'rmdir', path: 'dir' },
    dir('dir'),
    dir('dir/sub'),
    { op: 'unlink', path: 'file' },
    dir('file'),
    dir('covered/d'),
    { op: 'rmdir', path: 'new/new' },
    dir('new/new'),
    { op: 'list', path: 'whited' },
  ],
  then: [
    { op: 'list', path: 'whited' },
    { op: 'list', path: 'dir' },
    { op: 'rmdir', path: 'merged/new' },
    dir('merged/new'),
  ],
  options: ['', 'redirect_dir=on', 'xino=on', 'userxattr'],
}

function temporary(path: string, as: string): Operation {
  return { op: 'open', path, as, flags: ['read-write', 'tmpfile'], mode: 0o666 }
}

const tmpfiles: Row = {
  title: 'O_TMPFILE: in every kind of directory, linked or not',
  layers: [2],
  script: [
    { op: 'umask', mode: 0o027 },
    ...['.', 'ld', 'ld/sub/deep', 'm', 'ud', 'uo', 'mw', 'defacl', 'sticky', 'f', 'absent'].flatMap(
      (path, at): Operation[] => [
        temporary(path, `t${at}`),
        { op: 'fstat', handle: `t${at}` },
        { op: 'fwrite', handle: `t${at}`, offset: 0, data: 'temporary' },
        { op: 'fread', handle: `t${at}`, offset: 0, size: 20 },
        { op: 'fchmod', handle: `t${at}`, mode: 0o4711 },
        { op: 'fsetxattr', handle: `t${at}`, name: 'user.note', value: 'v' },
        { op: 'link-handle', handle: `t${at}`, to: `${path}/linked` },
        { op: 'fstat', handle: `t${at}` },
        { op: 'fwrite', handle: `t${at}`, offset: 20, data: 'linked' },
      ],
    ),
    temporary('ld', 'other'),
    { op: 'link-handle', handle: 'other', to: 'wf' },
    { op: 'link-handle', handle: 'other', to: 'ud/elsewhere' },
    { op: 'link-handle', handle: 'other', to: 'f' },
    { op: 'fstat', handle: 'other' },
    { op: 'open', path: '.', as: 'excl', flags: ['write', 'tmpfile', 'exclusive'] },
    { op: 'link-handle', handle: 'excl', to: 'never' },
    { op: 'open', path: '.', as: 'ro', flags: ['read', 'tmpfile'] },
    { ...temporary('private', 'mine'), by: user },
    { ...temporary('sticky', 'mine'), by: user },
    { op: 'link-handle', handle: 'mine', to: 'sticky/mine', by: user },
    { op: 'read', path: 'm/linked' },
  ],
}

const links: Row = {
  title: 'hard links: of what, to where',
  layers: [2],
  script: [
    { op: 'link', from: 'f', to: 'ud/f' },
    { op: 'link', from: 'ud/f', to: 'm/f' },
    { op: 'append', path: 'm/f', data: ', by any name' },
    { op: 'read', path: 'f' },
    { op: 'link', from: 'u', to: 'uo/u' },
    { op: 'link', from: 'uhl', to: 'wf' },
    { op: 'link', from: 's', to: 's2' },
    { op: 'link', from: 'p', to: 'p2' },
    { op: 'link', from: 'c', to: 'ue/c2' },
    { op: 'link', from: 'hl1', to: 'hl3' },
    { op: 'link', from: 'hl2', to: 'hl4' },
    { op: 'link', from: 'ld', to: 'ld2' },
    { op: 'link', from: 'f', to: 'g' },
    { op: 'link', from: 'f', to: 'ld' },
    { op: 'link', from: 'f', to: 'f' },
    { op: 'link', from: 'f', to: 'f/x' },
    { op: 'link', from: 'f', to: 'x'.repeat(256) },
    { op: 'link', from: 'g', to: 'sticky/g', by: user },
    { op: 'open', path: 'u2', as: 'open', flags: ['read-write'] },
    { op: 'unlink', path: 'u2' },
    { op: 'link-handle', handle: 'open', to: 'u3' },
    { op: 'open', path: 'big', as: 'open', flags: ['read'] },
    { op: 'unlink', path: 'big' },
    { op: 'link-handle', handle: 'open', to: 'big2' },
    ...['f', 'm/f', 'ud/f', 's', 's2', 'p', 'hl1', 'hl2', 'hl3', 'hl4', 'u', 'wf'].map(
      (path): Operation => ({ op: 'stat', path }),
    ),
  ],
  then: [
    { op: 'append', path: 'ud/f', data: ', still' },
    { op: 'read', path: 'm/f' },
    { op: 'unlink', path: 'f' },
    { op: 'stat', path: 'm/f' },
    { op: 'list', path: 'uo' },
  ],
}

const names: Row = {
  title: 'names that may look special, and are not',
  layers: [2],
  script: [
    ...['.wh.x', '.wh..wh..opq', '#1', '#abc.def', 'work', 'index', 'y'.repeat(255), '\xff\xfe']
      .map((path) => `ud/${path}`)
      .flatMap((path): Operation[] => [
        { op: 'create', path, data: path },
        { op: 'unlink', path },
        { op: 'mkdir', path, mode: 0o755 },
        { op: 'stat', path },
      ]),
    { op: 'create', path: 'ud/' + 'z'.repeat(256) },
    { op: 'create', path: '' },
    { op: 'create', path: 'm/.' },
    { op: 'create', path: 'm/new/' },
    { op: 'mkdir', path: 'm/newdir/', mode: 0o755 },
    { op: 'symlink', path: 'empty', target: '' },
    { op: 'symlink', path: 'long', target: 't'.repeat(1000) },
  ],
}

/** Modes and masks, also where a file comes over a whiteout. */
const modes: Row = {
  title: 'modes under every umask',
  layers: [1],
  script: [0, 0o022, 0o077, 0o777].flatMap((mask): Operation[] => [
    { op: 'umask', mode: mask },
    ...[0, 0o644, 0o1777, 0o7777].flatMap((mode): Operation[] => [
      { op: 'create', path: `m/f-${mask}-${mode}`, mode },
      { op: 'mkdir', path: `m/d-${mask}-${mode}`, mode },
      { op: 'mknod', path: `m/p-${mask}-${mode}`, kind: 'fifo', mode },
      { op: 'create', path: 'wf', mode },
      { op: 'stat', path: 'wf' },
      { op: 'unlink', path: 'wf' },
      { op: 'mkdir', path: 'wf', mode },
      { op: 'stat', path: 'wf' },
      { op: 'rmdir', path: 'wf' },
      { op: 'mknod', path: 'wf', kind: 'socket', mode },
      { op: 'stat', path: 'wf' },
      { op: 'unlink', path: 'wf' },
    ]),
  ]),
}

await runTable('3.6', [
  ...Object.entries(makers).map(onEverything),
  ...dressed.flatMap(([what, make]) => [inParents(what, make), inParents(what, make, user)]),
  opaqueness,
  tmpfiles,
  links,
  names,
  modes,
])
