/** SEMANTICS.md 3.9: who may do what, what a change takes away besides, ACLs, inode flags. */
import { type AclSpec, encodeAcl } from '../../helpers/acl.js'
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file, sampleAcl } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const owner: Caller = { uid: 1000, gid: 1000 }
const member: Caller = { uid: 1001, gid: 5, groups: [1001] }
const stranger: Caller = { uid: 65534, gid: 65534 }
const callers: readonly (readonly [who: string, by: Caller | undefined])[] = [
  ['root', undefined],
  ['the owner', owner],
  ['a member of the group', member],
  ['a stranger', stranger],
]

function by(operation: Operation, caller: Caller | undefined): Operation {
  return caller === undefined ? operation : { ...operation, by: caller }
}

/** Objects of owner 1000 and group 1001, one a mode, in lower; half of them are copied up. */
const modes = [0o000, 0o400, 0o040, 0o004, 0o644, 0o664, 0o666, 0o711, 0o777]

function owned(path: string, mode: number, make: Operation): Operation[] {
  return [make, { op: 'chown', path, uid: 1000, gid: 1001 }, { op: 'chmod', path, mode }]
}

function permissionObjects(): Operation[] {
  return modes.flatMap((mode, at) => [
    ...owned(`f${at}`, mode, file(`f${at}`)),
    ...owned(`c${at}`, mode, file(`c${at}`)),
    dir(`d${at}`),
    file(`d${at}/in`),
    ...owned(`d${at}`, mode, { op: 'stat', path: '.' }),
  ])
}

function permissions(who: string, caller: Caller | undefined): Row {
  const files = modes.flatMap((_, at) => [`f${at}`, `c${at}`])
  const dirs = modes.map((_, at) => `d${at}`)
  const steps: Operation[] = [
    ...[...files, ...dirs].flatMap((path): Operation[] =>
      [0, 1, 2, 4, 6, 7].map((mode) => ({ op: 'access', path, mode })),
    ),
    ...files.flatMap((path): Operation[] => [
      { op: 'read', path },
      { op: 'getxattr', path, name: 'user.none' },
      { op: 'append', path, data: '!' },
      { op: 'setxattr', path, name: 'user.new', value: 'v' },
      { op: 'utimens', path, atime: 'now', mtime: 'now' },
      { op: 'utimens', path, atime: [1, 2], mtime: [3, 4] },
      { op: 'chown', path, uid: 0xffffffff, gid: 1000 },
      { op: 'chown', path, uid: 1001, gid: 0xffffffff },
      { op: 'chmod', path, mode: 0o2775 },
      { op: 'truncate', path, size: 1 },
    ]),
    ...dirs.flatMap((path): Operation[] => [
      { op: 'list', path },
      { op: 'stat', path: `${path}/in` },
      { op: 'create', path: `${path}/new` },
      { op: 'mkdir', path: `${path}/newdir`, mode: 0o777 },
      { op: 'rename', from: `${path}/in`, to: `${path}/in2` },
      { op: 'unlink', path: `${path}/in2` },
      { op: 'chmod', path, mode: 0o2750 },
    ]),
  ]
  return {
    title: `calls by ${who}`,
    lowers: [permissionObjects()],
    script: [
      ...modes.map((_, at): Operation => ({ op: 'append', path: `c${at}`, data: ', copied' })),
      ...steps.map((step) => by(step, caller)),
    ],
  }
}

const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

/** What takes set-user-id, set-group-id and capabilities away. */
const changes: readonly ((path: string) => readonly Operation[])[] = [
  (path) => [{ op: 'append', path, data: 'x' }],
  (path) => [{ op: 'write', path, offset: 0, data: '' }],
  (path) => [{ op: 'truncate', path, size: 2 }],
  (path) => [{ op: 'truncate', path, size: 0 }],
  (path) => [
    { op: 'open', path, as: 'h', flags: ['write', 'truncate'] },
    { op: 'close', handle: 'h' },
  ],
  (path) => [
    { op: 'open', path, as: 'h', flags: ['write'] },
    { op: 'close', handle: 'h' },
  ],
  (path) => [{ op: 'fallocate', path, mode: 'allocate', offset: 0, size: 100 }],
  (path) => [{ op: 'fallocate', path, mode: 'punch-hole', offset: 0, size: 2 }],
  (path) => [
    { op: 'open', path, as: 'h', flags: ['read-write'] },
    { op: 'map', handle: 'h', as: 'm', sharing: 'shared', access: 'write', size: 4 },
    { op: 'map-write', mapping: 'm', offset: 0, data: 'y' },
    { op: 'unmap', mapping: 'm' },
    { op: 'close', handle: 'h' },
  ],
  (path) => [{ op: 'copy-range', from: 'source', to: path, size: 3 }],
  (path) => [{ op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff }],
  (path) => [{ op: 'chown', path, uid: 1000, gid: 0xffffffff }],
  (path) => [{ op: 'chown', path, uid: 0xffffffff, gid: 1000 }],
  (path) => [{ op: 'chmod', path, mode: 0o6777 }],
  (path) => [{ op: 'chmod', path, mode: 0o2767 }],
  (path) => [{ op: 'setxattr', path, name: 'user.note', value: 'v' }],
  (path) => [{ op: 'setxattr', path, name: 'system.posix_acl_access', value: sampleAcl }],
  (path) => [{ op: 'utimens', path, atime: 'now', mtime: 'now' }],
  (path) => [{ op: 'link', from: path, to: `${path}.b` }],
  (path) => [{ op: 'rename', from: path, to: `${path}.b` }],
]

function privileges(who: string, caller: Caller | undefined): Row {
  // Not both on one file: for FUSE a write by root takes set-user-id along with a capability.
  const kinds: readonly (readonly [mode: number, has: 'bits' | 'capability'])[] = [
    [0o6777, 'bits'],
    [0o4766, 'bits'],
    [0o2777, 'bits'],
    [0o6755, 'bits'],
    [0o777, 'capability'],
    [0o755, 'capability'],
  ]
  const path = (kind: number, at: number): string => `k${kind}-${at}`
  return {
    title: `set-user-id, set-group-id and capabilities after changes by ${who}`,
    lowers: [
      [
        file('source', 'source'),
        { op: 'chmod', path: '.', mode: 0o777 },
        ...kinds.flatMap(([mode, has], kind) =>
          changes.flatMap((_, at): Operation[] => [
            file(path(kind, at), 'program'),
            { op: 'chown', path: path(kind, at), uid: 1000, gid: 1001 },
            { op: 'chmod', path: path(kind, at), mode },
            {
              op: 'setxattr',
              path: path(kind, at),
              name: has === 'bits' ? 'user.none' : 'security.capability',
              value: has === 'bits' ? 'v' : capability,
            },
          ]),
        ),
      ],
    ],
    upper: [{ op: 'chmod', path: '.', mode: 0o777 }],
    script: kinds.flatMap((_, kind) =>
      changes.flatMap((change, at): Operation[] => [
        ...change(path(kind, at)).map((step) => by(step, caller)),
        { op: 'stat', path: path(kind, at) },
        { op: 'getxattr', path: path(kind, at), name: 'security.capability' },
      ]),
    ),
  }
}

/** Whoever opened it: who writes is who counts, and who only says chown is not. */
const handedOver: Row = {
  title: 'set-user-id after writes by a stranger through a descriptor of root’s',
  lowers: [
    [
      file('small', 'lower'),
      file('big', ''),
      { op: 'write', path: 'big', data: '0123456789abcdef', repeat: 80_000 },
      ...['small', 'big'].map((path): Operation => ({ op: 'chmod', path, mode: 0o6755 })),
    ],
  ],
  setup: [file('new', 'upper'), { op: 'chmod', path: 'new', mode: 0o6755 }],
  script: ['small', 'big', 'new'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'reading', flags: ['read'] },
    { op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff, by: stranger },
    { op: 'stat', path },
    { op: 'close', handle: 'reading' },
    { op: 'open', path, as: 'h', flags: ['read-write'] },
    { op: 'fwrite', handle: 'h', offset: 0, data: 'root' },
    { op: 'stat', path },
    { op: 'fwrite', handle: 'h', offset: 0, data: 'stranger', by: stranger },
    { op: 'fstat', handle: 'h' },
    { op: 'fchmod', handle: 'h', mode: 0o4755 },
    { op: 'ftruncate', handle: 'h', size: 3, by: stranger },
    { op: 'fstat', handle: 'h' },
    { op: 'fchmod', handle: 'h', mode: 0o4755 },
    { op: 'close', handle: 'h' },
    { op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff, by: stranger },
    { op: 'stat', path },
  ]),
}

function acl(part: Partial<AclSpec>): string {
  return encodeAcl({ user: 6, users: {}, group: 4, groups: {}, mask: 7, other: 0, ...part })
}

/** ACLs that say something that the mode bits do not. */
const acls: readonly string[] = [
  acl({ users: { 65534: 6 } }),
  acl({ users: { 65534: 6 }, mask: 4 }),
  acl({ users: { 65534: 0 }, other: 7 }),
  acl({ groups: { 1001: 6 } }),
  acl({ groups: { 5: 2, 1001: 4 } }),
  acl({ users: { 1001: 0 }, groups: { 1001: 7 } }),
  acl({ user: 0, group: 0, other: 0, mask: 0 }),
  acl({ users: { 1001: 7 }, user: 7, group: 7, mask: 7, other: 7 }),
]

const accessAcls: Row = {
  title: 'access ACLs decide for whom they name, and chmod changes their mask',
  lowers: [
    acls.flatMap((value, at): Operation[] => [
      file(`f${at}`, 'content'),
      { op: 'chown', path: `f${at}`, uid: 1000, gid: 5 },
      { op: 'setxattr', path: `f${at}`, name: 'system.posix_acl_access', value },
      file(`g${at}`, 'content', 0o640),
      { op: 'chown', path: `g${at}`, uid: 1000, gid: 5 },
    ]),
  ],
  script: acls.flatMap((value, at): Operation[] => [
    { op: 'setxattr', path: `g${at}`, name: 'system.posix_acl_access', value },
    ...[`f${at}`, `g${at}`].flatMap((path): Operation[] => [
      { op: 'stat', path },
      ...[owner, member, stranger].flatMap((caller): Operation[] =>
        [4, 2, 1].map((mode) => ({ op: 'access', path, mode, by: caller })),
      ),
      { op: 'chmod', path, mode: 0o751 },
      { op: 'getxattr', path, name: 'system.posix_acl_access' },
      { op: 'access', path, mode: 1, by: member },
      { op: 'chmod', path, mode: 0o600 },
      { op: 'access', path, mode: 4, by: stranger },
      { op: 'read', path, by: stranger },
    ]),
  ]),
}

const aclChanges: Row = {
  title: 'setting, replacing and removing ACLs, on every type, by everyone',
  layers: [2],
  script: ['f', 'u', 'acl', 'ld', 'ud', 'defacl', 's', 'p', 'suid'].flatMap((path): Operation[] => [
    { op: 'removexattr', path, name: 'system.posix_acl_access' },
    { op: 'stat', path },
    { op: 'setxattr', path, name: 'system.posix_acl_access', value: sampleAcl },
    { op: 'stat', path },
    { op: 'getxattr', path, name: 'system.posix_acl_access' },
    // No more than the mode says: nothing is kept.
    {
      op: 'setxattr',
      path,
      name: 'system.posix_acl_access',
      value: encodeAcl({ user: 7, users: {}, group: 5, other: 1 }),
    },
    { op: 'stat', path },
    { op: 'listxattr', path },
    { op: 'setxattr', path, name: 'system.posix_acl_access', value: '' },
    { op: 'setxattr', path, name: 'system.posix_acl_access', value: '\x02\0\0' },
    { op: 'setxattr', path, name: 'system.posix_acl_access', value: '\x01\0\0\0' },
    { op: 'setxattr', path, name: 'system.posix_acl_access', value: sampleAcl, flag: 'create' },
    { op: 'setxattr', path, name: 'system.posix_acl_default', value: sampleAcl },
    { op: 'getxattr', path, name: 'system.posix_acl_default' },
    { op: 'removexattr', path, name: 'system.posix_acl_default' },
    { op: 'removexattr', path, name: 'system.posix_acl_default' },
    {
      op: 'setxattr',
      path,
      name: 'system.posix_acl_access',
      value: sampleAcl,
      by: stranger,
    },
    { op: 'removexattr', path, name: 'system.posix_acl_access', by: stranger },
    { op: 'setxattr', path, name: 'system.posix_acl_access', value: sampleAcl, by: owner },
    { op: 'stat', path },
  ]),
}

const inheritance: Row = {
  title: 'default ACLs pass on from directory to directory',
  layers: [2],
  script: [
    { op: 'umask', mode: 0o077 },
    ...['ld', 'ud', 'm'].flatMap((path): Operation[] => [
      { op: 'setxattr', path, name: 'system.posix_acl_default', value: sampleAcl },
      { op: 'create', path: `${path}/file`, mode: 0o666 },
      { op: 'mkdir', path: `${path}/dir`, mode: 0o777 },
      { op: 'create', path: `${path}/dir/file`, mode: 0o640 },
      { op: 'mkdir', path: `${path}/dir/dir`, mode: 0o700 },
      { op: 'symlink', path: `${path}/dir/symlink`, target: 't' },
      { op: 'mknod', path: `${path}/dir/fifo`, kind: 'fifo', mode: 0o666 },
      { op: 'open', path: `${path}/dir`, as: 'h', flags: ['write', 'tmpfile'], mode: 0o666 },
      { op: 'link-handle', handle: 'h', to: `${path}/dir/tmpfile` },
      { op: 'removexattr', path, name: 'system.posix_acl_default' },
      { op: 'create', path: `${path}/later`, mode: 0o666 },
    ]),
  ],
  then: [
    { op: 'create', path: 'ld/dir/dir/again', mode: 0o666 },
    { op: 'stat', path: 'ld/dir/dir/again' },
  ],
}

const IMMUTABLE = 0x10
const APPEND = 0x20

/** Calls that append-only and immutable forbid, some of them. */
function forbidden(path: string): Operation[] {
  return [
    { op: 'getflags', path },
    { op: 'read', path },
    { op: 'append', path, data: 'x' },
    { op: 'write', path, offset: 0, data: 'x' },
    { op: 'truncate', path, size: 1 },
    { op: 'chmod', path, mode: 0o600 },
    { op: 'chown', path, uid: 1, gid: 1 },
    { op: 'utimens', path, atime: 'now', mtime: 'now' },
    { op: 'utimens', path, atime: [1, 2], mtime: [3, 4] },
    { op: 'setxattr', path, name: 'user.new', value: 'v' },
    { op: 'link', from: path, to: `${path}.linked` },
    { op: 'rename', from: path, to: `${path}.moved` },
    { op: 'unlink', path },
  ]
}

const flagged: Row = {
  title: 'append-only and immutable files and directories, of lower layers and set here',
  lowers: [
    [
      ...['a', 'i'].flatMap((letter): Operation[] => [
        file(`low-${letter}`, 'content'),
        file(`set-${letter}`, 'content'),
        dir(`lowd-${letter}`),
        file(`lowd-${letter}/in`),
        dir(`setd-${letter}`),
        file(`setd-${letter}/in`),
      ]),
      { op: 'setflags', path: 'low-a', flags: APPEND },
      { op: 'setflags', path: 'low-i', flags: IMMUTABLE },
      { op: 'setflags', path: 'lowd-a', flags: APPEND },
      { op: 'setflags', path: 'lowd-i', flags: IMMUTABLE },
    ],
  ],
  script: [
    { op: 'setflags', path: 'set-a', flags: APPEND },
    { op: 'setflags', path: 'set-i', flags: IMMUTABLE },
    { op: 'setflags', path: 'setd-a', flags: APPEND },
    { op: 'setflags', path: 'setd-i', flags: IMMUTABLE },
    ...['low-a', 'low-i', 'set-a', 'set-i'].flatMap(forbidden),
    ...['lowd-a', 'lowd-i', 'setd-a', 'setd-i'].flatMap((path): Operation[] => [
      { op: 'create', path: `${path}/new` },
      { op: 'unlink', path: `${path}/in` },
      { op: 'rename', from: `${path}/new`, to: `${path}/newer` },
      { op: 'chmod', path: `${path}/in`, mode: 0o600 },
      { op: 'getflags', path },
    ]),
    { op: 'setflags', path: 'set-i', flags: 0, by: stranger },
    ...['low-i', 'set-i', 'lowd-a', 'setd-a'].flatMap((path): Operation[] => [
      { op: 'setflags', path, flags: 0 },
      { op: 'getflags', path },
      { op: 'chmod', path, mode: 0o700 },
    ]),
  ],
  then: ['low-a', 'low-i', 'set-a', 'set-i'].flatMap(forbidden),
}

const sizes: Row = {
  title: 'statfs of everything',
  script: ['.', 'f', 'u', 'ld', 'ud', 's', 'p'].map((path): Operation => ({ op: 'statfs', path })),
}

await runTable('3.9', [
  ...callers.map(([who, caller]) => permissions(who, caller)),
  ...callers.map(([who, caller]) => privileges(who, caller)),
  handedOver,
  accessAcls,
  aclChanges,
  inheritance,
  flagged,
  sizes,
  { ...sizes, title: 'statfs, upper elsewhere', layers: [2], more: { upperElsewhere: true } },
])
