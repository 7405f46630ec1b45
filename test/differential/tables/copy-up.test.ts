/** SEMANTICS.md 3.5: what a copy holds of the lower object, and what becomes of its surroundings. */
import { encodeAcl } from '../../helpers/acl.js'
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file, sampleAcl } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const MIB = 1 << 20
const FS_SYNC = 0x8
const FS_IMMUTABLE = 0x10
const FS_APPEND = 0x20
const FS_NODUMP = 0x40
const FS_NOATIME = 0x80
const user: Caller = { uid: 1000, gid: 1000 }

/** Ways to copy an object up that leave what it is as it was. */
const gently: Readonly<Record<string, (path: string) => readonly Operation[]>> = {
  'opened for writing': (path) => [
    { op: 'open', path, as: 'h', flags: ['read-write'] },
    { op: 'close', handle: 'h' },
  ],
  'given the owner it has': (path) => [{ op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff }],
  'given its access time': (path) => [{ op: 'utimens', path, atime: [77, 7], mtime: 'omit' }],
}

/** Files whose every attribute is out of the ordinary. */
function oddFiles(): Operation[] {
  return [
    ...[0, 0o777, 0o4755, 0o2755, 0o6711, 0o1644, 0o2644].flatMap((mode, at): Operation[] => [
      file(`mode${at}`, 'of mode', 0o600),
      { op: 'chown', path: `mode${at}`, uid: 1000 + at, gid: 2000 + at },
      { op: 'chmod', path: `mode${at}`, mode },
    ]),
    file('times'),
    { op: 'utimens', path: 'times', atime: [1, 999_999_999], mtime: [2_000_000_000, 1] },
    file('before-1970'),
    { op: 'utimens', path: 'before-1970', atime: [-5, 7], mtime: [-1_000_000, 123] },
    file('after-2038'),
    { op: 'utimens', path: 'after-2038', atime: [3e9, 0], mtime: [4e9, 5] },
    file('big-owner'),
    { op: 'chown', path: 'big-owner', uid: 4_000_000_000, gid: 0xfffffffe },
    file('empty', ''),
  ]
}

const odd = oddFiles().flatMap((step) => (step.op === 'create' ? [step.path] : []))

const attributeRows = Object.entries(gently).map(([how, change]): Row => ({
  title: `mode, owner and times of files that are ${how}`,
  lowers: [oddFiles()],
  script: odd.flatMap((path): Operation[] => [...change(path), { op: 'stat', path }]),
}))

const trees: Row = {
  title: 'parents first, each with all its attributes and none of its children',
  lowers: [
    [dir('a', 0o711), dir('a/b'), file('a/b/top')],
    [
      dir('a'),
      { op: 'chmod', path: 'a', mode: 0o3755 },
      { op: 'chown', path: 'a', uid: 5, gid: 6 },
      dir('a/b', 0o700),
      { op: 'setxattr', path: 'a/b', name: 'user.of', value: 'b' },
      dir('a/b/c'),
      { op: 'setxattr', path: 'a/b/c', name: 'system.posix_acl_default', value: sampleAcl },
      { op: 'setxattr', path: 'a/b/c', name: 'system.posix_acl_access', value: sampleAcl },
      dir('a/b/c/d'),
      file('a/b/c/d/file'),
      file('a/b/c/d/sibling'),
      dir('a/b/c/empty'),
      { op: 'utimens', path: 'a/b/c/d', atime: [1, 2], mtime: [3, 4] },
      { op: 'utimens', path: 'a/b/c', atime: [5, 6], mtime: [7, 8] },
    ],
  ],
  script: [
    { op: 'append', path: 'a/b/c/d/file', data: 'more' },
    ...['a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/d/file'].map((path): Operation => ({
      op: 'stat',
      path,
    })),
    { op: 'chmod', path: 'a/b/c/empty', mode: 0o700 },
    { op: 'create', path: 'a/b/c/new', data: 'with the default ACL' },
  ],
  then: [
    { op: 'rmdir', path: 'a/b/c/empty' },
    { op: 'unlink', path: 'a/b/top' },
    { op: 'list', path: 'a/b' },
  ],
}

/** Sizes about the pieces in which data is copied. */
const sizes = [0, 1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 3 * MIB + 5]

const data: Row = {
  title: 'data of every size about a mebibyte',
  lowers: [
    sizes.flatMap((size, at): Operation[] => [
      file(`s${at}`, ''),
      { op: 'write', path: `s${at}`, data: 'abcdefg', repeat: Math.ceil(size / 7) },
      { op: 'truncate', path: `s${at}`, size },
    ]),
  ],
  script: sizes.flatMap((size, at): Operation[] => [
    { op: 'chmod', path: `s${at}`, mode: 0o600 },
    { op: 'read', path: `s${at}`, offset: Math.max(0, size - 3), size: 10 },
  ]),
}

/** Files with holes: at the start, in the middle, at the end, everywhere. */
const holes: Row = {
  title: 'data with holes',
  lowers: [
    [
      file('none', 'all data'),
      file('all', ''),
      { op: 'truncate', path: 'all', size: 3 * MIB },
      file('first', ''),
      { op: 'write', path: 'first', offset: 2 * MIB, data: 'end' },
      file('last', 'start'),
      { op: 'truncate', path: 'last', size: 2 * MIB },
      file('many', 'a'),
      ...[1, 2, 3, 4].map((at): Operation => ({
        op: 'write',
        path: 'many',
        offset: at * (MIB + 4096),
        data: 'island',
      })),
      file('reserved', 'start'),
      { op: 'fallocate', path: 'reserved', mode: 'allocate', offset: 0, size: 100_000 },
      file('beyond', 'start'),
      { op: 'fallocate', path: 'beyond', mode: 'keep-size', offset: 0, size: 100_000 },
    ],
  ],
  script: ['none', 'all', 'first', 'last', 'many', 'reserved', 'beyond'].flatMap(
    (path): Operation[] => [
      { op: 'append', path, data: '!' },
      { op: 'stat', path },
      { op: 'read', path, offset: MIB + 4096, size: 10 },
    ],
  ),
}

const truncations: Row = {
  title: 'no more data than is needed: truncated on opening, or afterwards',
  lowers: [
    ['a', 'b', 'c', 'd', 'e'].flatMap((path): Operation[] => [
      file(path, ''),
      { op: 'write', path, data: '0123456789', repeat: 10_000 },
      { op: 'chmod', path, mode: 0o4755 },
    ]),
  ],
  script: [
    { op: 'open', path: 'a', as: 'h', flags: ['write', 'truncate'] },
    { op: 'fwrite', handle: 'h', offset: 5, data: 'new' },
    { op: 'truncate', path: 'b', size: 0 },
    { op: 'truncate', path: 'c', size: 12_345 },
    { op: 'truncate', path: 'd', size: 1_000_000 },
    { op: 'open', path: 'e', as: 'h', flags: ['read', 'truncate'] },
    ...['a', 'b', 'c', 'd', 'e'].map((path): Operation => ({ op: 'stat', path })),
  ],
}

const acl = encodeAcl({ user: 6, users: { 7: 4 }, group: 4, groups: {}, mask: 4, other: 0 })
const capability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

/** What a copy takes along of xattrs, and what it leaves. */
const attributes: readonly (readonly [name: string, value: string])[] = [
  ['user.note', 'a\0b\xff'],
  ['user.empty', ''],
  ['user.long', 'v'.repeat(900)],
  [`user.${'n'.repeat(200)}`, 'long name'],
  ['trusted.note', 't'],
  ['security.note', 's'],
  ['system.posix_acl_access', acl],
  ['trusted.overlay.overlay.opaque', 'y'],
  ['trusted.overlay.overlay.overlay.opaque', 'y'],
  ['trusted.overlay.origin', ''],
  ['trusted.overlay.impure', 'y'],
  ['trusted.overlay.unknown', 'u'],
  ['trusted.overlay.protattr', 'x'],
  ['user.overlay.opaque', 'n'],
  ['user.overlay.overlay.note', 'z'],
]

function marked(path: string): Operation[] {
  return attributes.map(([name, value]): Operation => ({ op: 'setxattr', path, name, value }))
}

const xattrs: Row = {
  title: 'xattrs of every namespace; private ones stay behind, escaped ones come along',
  lowers: [
    [
      file('f'),
      ...marked('f'),
      dir('d'),
      ...marked('d'),
      { op: 'setxattr', path: 'd', name: 'system.posix_acl_default', value: acl },
      { op: 'symlink', path: 's', target: 'f' },
      { op: 'setxattr', path: 's', name: 'trusted.note', value: 't' },
      { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o600 },
      { op: 'setxattr', path: 'p', name: 'trusted.note', value: 't' },
      { op: 'setxattr', path: 'p', name: 'system.posix_acl_access', value: acl },
      file('cap', '', 0o755),
      { op: 'setxattr', path: 'cap', name: 'security.capability', value: capability },
    ],
  ],
  script: [
    ...['f', 'd', 's', 'p'].flatMap((path): Operation[] => [
      { op: 'listxattr', path },
      { op: 'utimens', path, atime: [9, 9], mtime: 'omit' },
      { op: 'listxattr', path },
    ]),
    { op: 'chmod', path: 'cap', mode: 0o700 },
    { op: 'create', path: 'd/new' },
  ],
  options: ['', 'userxattr'],
}

const flags: Row = {
  title: 'inode flags: two are copied, two become a mark, the others stay behind',
  lowers: [
    [
      ...[FS_SYNC, FS_NOATIME, FS_NODUMP, FS_SYNC | FS_NOATIME | FS_NODUMP].flatMap(
        (bits, at): Operation[] => [
          file(`f${at}`),
          { op: 'setflags', path: `f${at}`, flags: bits },
          dir(`d${at}`),
          { op: 'setflags', path: `d${at}`, flags: bits },
        ],
      ),
      file('append'),
      { op: 'setflags', path: 'append', flags: FS_APPEND },
      dir('append-dir'),
      file('append-dir/x'),
      { op: 'setflags', path: 'append-dir', flags: FS_APPEND },
      file('immutable'),
      { op: 'setflags', path: 'immutable', flags: FS_IMMUTABLE },
    ],
  ],
  script: [
    ...['f0', 'f1', 'f2', 'f3', 'd0', 'd1', 'd2', 'd3'].flatMap((path): Operation[] => [
      { op: 'getflags', path },
      { op: 'chmod', path, mode: 0o700 },
      { op: 'getflags', path },
    ]),
    { op: 'append', path: 'append', data: 'more' },
    { op: 'getflags', path: 'append' },
    { op: 'create', path: 'append-dir/new' },
    { op: 'getflags', path: 'append-dir' },
    { op: 'setflags', path: 'immutable', flags: 0 },
    { op: 'append', path: 'immutable', data: 'more' },
  ],
  then: [
    { op: 'getflags', path: 'append' },
    { op: 'setflags', path: 'append', flags: 0 },
    { op: 'setflags', path: 'append-dir', flags: 0 },
    { op: 'getflags', path: 'append' },
  ],
}

const hardLinks: Row = {
  title: 'of hard links only the name that was used is copied',
  lowers: [
    [
      ...['a', 'b', 'c'].flatMap((path): Operation[] => [
        file(path, `linked ${path}`),
        { op: 'link', from: path, to: `${path}2` },
        { op: 'link', from: path, to: `${path}3` },
      ]),
      { op: 'symlink', path: 's', target: 'a' },
      { op: 'link', from: 's', to: 's2' },
      { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o600 },
      { op: 'link', from: 'p', to: 'p2' },
    ],
  ],
  script: [
    { op: 'open', path: 'a2', as: 'h', flags: ['read'] },
    { op: 'append', path: 'a', data: ', changed' },
    { op: 'read', path: 'a2' },
    { op: 'append', path: 'a2', data: ', in another way' },
    { op: 'fread', handle: 'h', offset: 0, size: 100 },
    { op: 'read', path: 'a3' },
    { op: 'link', from: 'b', to: 'b4' },
    { op: 'append', path: 'b4', data: ', both' },
    { op: 'read', path: 'b' },
    { op: 'read', path: 'b2' },
    { op: 'rename', from: 'c', to: 'c4' },
    { op: 'unlink', path: 'c2' },
    { op: 'stat', path: 'c3' },
    { op: 'chown', path: 's', uid: 3, gid: 3 },
    { op: 'chmod', path: 'p', mode: 0o666 },
    ...['a', 'a2', 'a3', 'b', 'b2', 'b4', 's', 's2', 'p', 'p2'].map((path): Operation => ({
      op: 'stat',
      path,
    })),
  ],
  options: ['', 'userxattr'],
}

const special: Row = {
  title: 'symlinks, fifos, sockets and devices',
  lowers: [
    [
      { op: 'symlink', path: 's', target: 'x'.repeat(1000) },
      { op: 'symlink', path: 's2', target: '\xff/\x01' },
      { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o1640 },
      { op: 'mknod', path: 'k', kind: 'socket', mode: 0o755 },
      { op: 'mknod', path: 'c', kind: 'char', mode: 0o4600, major: 1, minor: 3 },
      { op: 'mknod', path: 'b', kind: 'block', mode: 0o660, major: 259, minor: 1_000_000 },
    ],
  ],
  script: [
    ...['s', 's2', 'p', 'k', 'c', 'b'].flatMap((path): Operation[] => [
      { op: 'chown', path, uid: 12, gid: 34 },
      { op: 'utimens', path, atime: [1, 2], mtime: [3, 4] },
      { op: 'stat', path },
    ]),
    { op: 'readlink', path: 's' },
    { op: 'chmod', path: 's', mode: 0o600 },
  ],
  options: ['', 'userxattr'],
}

/** Whoever brings the copy about, it belongs to whom the lower object belonged to. */
const byUser: Row = {
  title: 'brought about by an ordinary user, under any umask',
  lowers: [
    [
      dir('open'),
      { op: 'chmod', path: 'open', mode: 0o777 },
      dir('open/deep'),
      { op: 'chmod', path: 'open/deep', mode: 0o1777 },
      file('open/deep/mine'),
      { op: 'chown', path: 'open/deep/mine', uid: 1000, gid: 1000 },
      file('open/deep/shared'),
      { op: 'chmod', path: 'open/deep/shared', mode: 0o666 },
      { op: 'setxattr', path: 'open/deep/shared', name: 'trusted.note', value: 't' },
      { op: 'setxattr', path: 'open/deep/shared', name: 'security.note', value: 's' },
      file('open/deep/suid'),
      { op: 'chmod', path: 'open/deep/suid', mode: 0o6777 },
      file('open/deep/unreadable'),
      { op: 'chmod', path: 'open/deep/unreadable', mode: 0o622 },
    ],
  ],
  script: [
    { op: 'umask', mode: 0o777 },
    { op: 'append', path: 'open/deep/shared', data: '!', by: user },
    { op: 'append', path: 'open/deep/suid', data: '!', by: user },
    { op: 'append', path: 'open/deep/unreadable', data: '!', by: user },
    { op: 'read', path: 'open/deep/unreadable', by: user },
    { op: 'chmod', path: 'open/deep/mine', mode: 0o4711, by: user },
    { op: 'create', path: 'open/new', mode: 0o666, by: user },
    { op: 'unlink', path: 'open/deep/shared', by: user },
  ],
}

/** Copies land in a directory whose own marks must not show on them. */
const inherited: Row = {
  title: 'into directories with setgid and default ACLs, which are for new objects only',
  lowers: [
    [
      dir('d'),
      file('d/f', 'x', 0o600),
      dir('d/sub', 0o700),
      { op: 'symlink', path: 'd/s', target: 'x' },
      { op: 'setxattr', path: 'd', name: 'system.posix_acl_default', value: sampleAcl },
      { op: 'chown', path: 'd', uid: 0, gid: 77 },
      { op: 'chmod', path: 'd', mode: 0o2775 },
    ],
  ],
  script: [
    { op: 'append', path: 'd/f', data: '!' },
    { op: 'chmod', path: 'd/sub', mode: 0o711 },
    { op: 'chown', path: 'd/s', uid: 1, gid: 1 },
    { op: 'create', path: 'd/new', mode: 0o666 },
    { op: 'mkdir', path: 'd/newdir', mode: 0o777 },
    { op: 'create', path: 'd/sub/new', mode: 0o666 },
  ],
}

const defaultInWork: Row = {
  title: 'a work directory that has a default ACL',
  lowers: [[file('f'), dir('d'), file('d/in')]],
  more: {
    work: [{ op: 'setxattr', path: '.', name: 'system.posix_acl_default', value: sampleAcl }],
  },
  script: [
    { op: 'append', path: 'f', data: 'more' },
    { op: 'append', path: 'd/in', data: 'more' },
    { op: 'create', path: 'new', data: 'new' },
    { op: 'unlink', path: 'd/in' },
    { op: 'create', path: 'd/in', data: 'over a whiteout' },
    { op: 'mkdir', path: 'd/made', mode: 0o755 },
    ...['f', 'd', 'd/in', 'new', 'd/made'].map((path): Operation => ({ op: 'stat', path })),
  ],
}

const rows = [
  ...attributeRows,
  trees,
  defaultInWork,
  data,
  holes,
  truncations,
  xattrs,
  flags,
  hardLinks,
  special,
  byUser,
  inherited,
]

await runTable('3.5', [
  ...rows,
  ...[trees, xattrs, hardLinks, special].map((row): Row => ({
    ...row,
    title: `${row.title}, on tmpfs`,
    scratch: 'tmpfs',
  })),
])
