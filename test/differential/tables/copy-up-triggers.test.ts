/**
 * SEMANTICS.md 3.4: which calls copy a lower object up, and which do not. Every call has an object
 * of its own; what upper holds afterwards is the comparison.
 */
import type { OpenFlag, Operation } from '../../helpers/operation.js'
import { dir, file, sampleAcl } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const FIONREAD = 0x541b
const TCGETS = 0x5401
const FS_IOC_GETFLAGS = 0x80086601
const FS_IOC_SETFLAGS = 0x40086602
const FS_IOC_FSGETXATTR = 0x801c581f
const FS_IOC_FSSETXATTR = 0x401c5820
const FS_IOC_FIEMAP = 0xc020660b
const FIFREEZE = 0xc0045877
const UNKNOWN_IOCTL = 0x5a5a

/** How an object of every type is made in a lower layer. */
const types: Readonly<Record<string, (path: string) => readonly Operation[]>> = {
  file: (path) => [
    file(path, `of ${path}`, 0o640),
    { op: 'setxattr', path, name: 'user.note', value: 'there' },
    { op: 'utimens', path, atime: [1000, 1], mtime: [2000, 2] },
  ],
  dir: (path) => [dir(path, 0o750), file(`${path}/in`)],
  symlink: (path) => [{ op: 'symlink', path, target: 'nowhere' }],
  fifo: (path) => [{ op: 'mknod', path, kind: 'fifo', mode: 0o600 }],
  device: (path) => [{ op: 'mknod', path, kind: 'char', mode: 0o600, major: 1, minor: 3 }],
  hardlink: (path) => [file(path, `of ${path}`), { op: 'link', from: path, to: `${path}.b` }],
}

type Call = (path: string) => readonly Operation[]

/** Every call on an object of its own of that type, each in a directory of its own. */
function onEach(type: string, calls: readonly Call[]): Pick<Row, 'lower' | 'script' | 'layers'> {
  const paths = calls.map((_, index) => `d${index}/${type}`)
  return {
    layers: [2],
    lower: (index) =>
      index === 0
        ? [dir('d0'), file('d0/other')]
        : paths.flatMap((path, at) => [dir(`d${at}`), ...(types[type]?.(path) ?? [])]),
    script: [
      { op: 'stat', path: '.' },
      ...paths.flatMap((path, at) => [...(calls[at]?.(path) ?? []), { op: 'stat', path } as const]),
    ],
  }
}

function opening(...flags: OpenFlag[]): Call {
  return (path) => [
    { op: 'open', path, as: 'h', flags },
    { op: 'close', handle: 'h' },
  ]
}

const opens: readonly Call[] = [
  opening('read'),
  opening('write'),
  opening('read-write'),
  opening('read', 'truncate'),
  opening('write', 'truncate'),
  opening('read', 'append'),
  opening('write', 'append'),
  opening('read', 'create'),
  opening('write', 'create'),
  opening('read', 'create', 'exclusive'),
  opening('write', 'create', 'exclusive'),
  opening('read', 'direct'),
  opening('read', 'sync'),
  opening('read', 'noatime'),
  opening('read', 'nofollow'),
  opening('read', 'directory'),
  opening('write', 'directory'),
  opening('path'),
  opening('accmode3'),
  opening('accmode3', 'truncate'),
  opening('read', 'create', 'truncate'),
]

const attributeChanges: readonly Call[] = [
  (path) => [{ op: 'chmod', path, mode: 0o640 }],
  (path) => [{ op: 'chmod', path, mode: 0o600 }],
  (path) => [{ op: 'chown', path, uid: 0, gid: 0 }],
  (path) => [{ op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff }],
  (path) => [{ op: 'chown', path, uid: 1000, gid: 1001 }],
  (path) => [{ op: 'utimens', path, atime: [1000, 1], mtime: [2000, 2] }],
  (path) => [{ op: 'utimens', path, atime: 'omit', mtime: 'omit' }],
  (path) => [{ op: 'utimens', path, atime: [5, 6], mtime: 'omit' }],
  (path) => [{ op: 'utimens', path, atime: 'omit', mtime: [7, 8] }],
  (path) => [{ op: 'truncate', path, size: 7 }],
  (path) => [{ op: 'truncate', path, size: path.length + 3 }],
  (path) => [{ op: 'truncate', path, size: 0 }],
  (path) => [{ op: 'truncate', path, size: 5000 }],
  (path) => [{ op: 'fallocate', path, mode: 'keep-size', offset: 0, size: 10 }],
  (path) => [{ op: 'write', path, data: '', offset: 0 }],
]

const xattrChanges: readonly Call[] = [
  (path) => [{ op: 'setxattr', path, name: 'user.note', value: 'new' }],
  (path) => [{ op: 'setxattr', path, name: 'user.note', value: 'there' }],
  (path) => [{ op: 'setxattr', path, name: 'user.note', value: 'x', flag: 'create' }],
  (path) => [{ op: 'setxattr', path, name: 'user.none', value: 'x', flag: 'replace' }],
  (path) => [{ op: 'setxattr', path, name: 'user.empty', value: '' }],
  (path) => [{ op: 'setxattr', path, name: 'trusted.note', value: 'x' }],
  (path) => [{ op: 'setxattr', path, name: 'security.note', value: 'x' }],
  (path) => [{ op: 'setxattr', path, name: 'nonsense.note', value: 'x' }],
  (path) => [{ op: 'setxattr', path, name: 'trusted.overlay.opaque', value: 'y' }],
  (path) => [{ op: 'setxattr', path, name: 'trusted.overlay.', value: 'y' }],
  (path) => [{ op: 'setxattr', path, name: `user.${'n'.repeat(260)}`, value: 'y' }],
  (path) => [{ op: 'removexattr', path, name: 'user.note' }],
  (path) => [{ op: 'removexattr', path, name: 'user.none' }],
  (path) => [{ op: 'removexattr', path, name: 'trusted.overlay.opaque' }],
  (path) => [{ op: 'removexattr', path, name: 'system.posix_acl_access' }],
  (path) => [{ op: 'setxattr', path, name: 'system.posix_acl_access', value: sampleAcl }],
  (path) => [{ op: 'setxattr', path, name: 'system.posix_acl_access', value: '\x02\0\0\0' }],
  (path) => [{ op: 'setxattr', path, name: 'system.posix_acl_access', value: 'bad' }],
  (path) => [{ op: 'setxattr', path, name: 'system.posix_acl_default', value: sampleAcl }],
]

const looks: readonly Call[] = [
  (path) => [{ op: 'access', path, mode: 2 }],
  (path) => [{ op: 'readlink', path }],
  (path) => [{ op: 'statfs', path }],
  (path) => [{ op: 'listxattr', path }],
  (path) => [{ op: 'getxattr', path, name: 'user.note' }],
  (path) => [{ op: 'read', path }],
  (path) => [{ op: 'list', path }],
  // A device that is all data has no end of it.
  (path) => (path.endsWith('device') ? [] : [{ op: 'holes', path }]),
  (path) => [{ op: 'file-handle', path, flags: 0x200 }],
]

const inodeFlags: readonly Call[] = [
  (path) => [{ op: 'getflags', path }],
  (path) => [{ op: 'setflags', path, flags: 0 }],
  (path) => [{ op: 'setflags', path, flags: 0x80 }],
  ...[
    FIONREAD,
    TCGETS,
    FS_IOC_GETFLAGS,
    FS_IOC_FSGETXATTR,
    FS_IOC_FIEMAP,
    FIFREEZE,
    UNKNOWN_IOCTL,
  ].map((request): Call => (path) => [{ op: 'ioctl', path, request }]),
  (path) => [{ op: 'ioctl', path, request: FS_IOC_SETFLAGS }],
  (path) => [{ op: 'ioctl', path, request: FS_IOC_FSSETXATTR }],
]

/** Calls on a descriptor that was opened before the copy-up, for reading or for nothing. */
function through(flags: readonly OpenFlag[], call: Operation): Call {
  return (path) => [
    { op: 'open', path, as: 'h', flags },
    call,
    { op: 'fstat', handle: 'h' },
    { op: 'close', handle: 'h' },
  ]
}

const onHandles: readonly Operation[] = [
  { op: 'fchmod', handle: 'h', mode: 0o700 },
  { op: 'fchown', handle: 'h', uid: 1, gid: 2 },
  { op: 'futimens', handle: 'h', atime: [1, 2], mtime: [3, 4] },
  { op: 'fsetxattr', handle: 'h', name: 'user.by', value: 'handle' },
  { op: 'ftruncate', handle: 'h', size: 3 },
  { op: 'fwrite', handle: 'h', offset: 0, data: 'x' },
  { op: 'fallocate-handle', handle: 'h', mode: 'allocate', offset: 0, size: 100 },
  { op: 'fsync', handle: 'h' },
  { op: 'flock', handle: 'h', mode: 'shared' },
  { op: 'lock', handle: 'h', kind: 'posix', mode: 'shared' },
  { op: 'lock', handle: 'h', kind: 'posix', mode: 'exclusive' },
  { op: 'lock', handle: 'h', kind: 'description', mode: 'shared' },
  { op: 'map', handle: 'h', as: 'm', sharing: 'private', access: 'write', size: 4 },
  { op: 'map', handle: 'h', as: 'm', sharing: 'shared', access: 'write', size: 4 },
  { op: 'map', handle: 'h', as: 'm', sharing: 'shared', access: 'read', size: 4 },
  { op: 'fread', handle: 'h', offset: 0, size: 5 },
  { op: 'reopen', handle: 'h', as: 'r', flags: ['read'] },
  { op: 'reopen', handle: 'h', as: 'r', flags: ['write'] },
  { op: 'link-handle', handle: 'h', to: 'linked' },
]

const privateWrites: Call = (path) => [
  { op: 'open', path, as: 'h', flags: ['read'] },
  { op: 'map', handle: 'h', as: 'm', sharing: 'private', access: 'write', size: 4 },
  { op: 'map-write', mapping: 'm', offset: 0, data: 'mine' },
  { op: 'map-read', mapping: 'm', offset: 0, size: 4 },
  { op: 'unmap', mapping: 'm' },
  { op: 'read', path },
]

/** Names: sources and targets of links and renames, and what is removed. */
const names: readonly Call[] = [
  (path) => [{ op: 'link', from: path, to: `${path}2` }],
  (path) => [{ op: 'link', from: path, to: 'd0/linked' }],
  (path) => [{ op: 'link', from: path, to: 'd0/other' }],
  (path) => [{ op: 'link', from: path, to: 'absent/x' }],
  (path) => [{ op: 'rename', from: path, to: `${path}2` }],
  (path) => [{ op: 'rename', from: path, to: 'd0/renamed' }],
  (path) => [{ op: 'rename', from: path, to: 'd0/other', flags: ['noreplace'] }],
  (path) => [{ op: 'rename', from: path, to: 'absent/x' }],
  (path) => [{ op: 'rename', from: path, to: path }],
  (path) => [file(`${path}2`), { op: 'rename', from: `${path}2`, to: path }],
  (path) => [file(`${path}2`), { op: 'rename', from: `${path}2`, to: path, flags: ['exchange'] }],
  (path) => [dir(`${path}2`), { op: 'rename', from: `${path}2`, to: path }],
  (path) => [{ op: 'unlink', path }],
  (path) => [{ op: 'rmdir', path }],
  (path) => [{ op: 'unlink', path: `${path}/in` }],
  (path) => [file(path)],
  (path) => [dir(path)],
  (path) => [{ op: 'symlink', path, target: 'x' }],
  (path) => [{ op: 'mknod', path, kind: 'fifo', mode: 0o600 }],
  (path) => [
    { op: 'unlink', path: 'd0/gone' },
    { op: 'rmdir', path: `${path}/gone` },
    { op: 'unlink', path: `${path}.gone` },
  ],
]

/** What is done in a lower directory copies it up, and those above it; but not what fails. */
const inDirectory: readonly Call[] = [
  (path) => [file(`${path}/new`)],
  (path) => [dir(`${path}/new`)],
  (path) => [{ op: 'symlink', path: `${path}/new`, target: 'x' }],
  (path) => [{ op: 'mknod', path: `${path}/new`, kind: 'socket', mode: 0o600 }],
  (path) => [{ op: 'link', from: 'd0/other', to: `${path}/new` }],
  (path) => [{ op: 'unlink', path: `${path}/in` }],
  (path) => [{ op: 'rename', from: `${path}/in`, to: `${path}/in2` }],
  (path) => [{ op: 'open', path, as: 'h', flags: ['write', 'tmpfile'] }],
  (path) => [{ op: 'open', path, as: 'h', flags: ['read-write', 'tmpfile'], mode: 0 }],
  (path) => [file(`${path}/in`)],
  (path) => [dir(`${path}/in`)],
  (path) => [{ op: 'mknod', path: `${path}/in`, kind: 'fifo', mode: 0o600 }],
  (path) => [{ op: 'mknod', path: `${path}/w`, kind: 'char', mode: 0, major: 0, minor: 0 }],
  (path) => [{ op: 'unlink', path: `${path}/absent` }],
  (path) => [{ op: 'rmdir', path: `${path}/in` }],
  (path) => [{ op: 'rename', from: `${path}/absent`, to: `${path}/new` }],
  (path) => [{ op: 'rename', from: `${path}/in`, to: `${path}/in` }],
  (path) => [{ op: 'link', from: `${path}/absent`, to: `${path}/new` }],
  (path) => [file(`${path}/${'n'.repeat(256)}`)],
  (path) => [{ ...file(`${path}/new`), by: { uid: 1000, gid: 1000 } }],
  (path) => [{ op: 'chmod', path: `${path}/in`, mode: 0o600 }],
  (path) => [{ op: 'chmod', path: `${path}/in`, mode: 0o600, by: { uid: 1000, gid: 1000 } }],
]

const copies: readonly Call[] = [
  (path) => [file('to'), { op: 'copy-range', from: path, to: 'to', size: 10 }],
  (path) => [{ op: 'copy-range', from: 'd0/other', to: path, size: 4 }],
  (path) => [{ op: 'dedupe', from: path, to: 'd0/other', size: 4 }],
  (path) => [{ op: 'dedupe', from: 'd0/other', to: path, size: 4 }],
]

/** The kernel refuses what an unprivileged caller may not do before anything is copied. */
function byUser(calls: readonly Call[]): Call[] {
  return calls.map(
    (call) => (path) =>
      call(path).map((operation) => ({ ...operation, by: { uid: 1000, gid: 1000 } })),
  )
}

const groups: readonly (readonly [
  title: string,
  calls: readonly Call[],
  types: readonly string[],
])[] = [
  ['opening', opens, ['file', 'dir', 'symlink', 'fifo', 'device', 'hardlink']],
  ['changing attributes of', attributeChanges, Object.keys(types)],
  ['changing xattrs of', xattrChanges, ['file', 'dir', 'symlink', 'fifo']],
  ['looking at', looks, Object.keys(types)],
  ['inode flags and ioctls of', inodeFlags, ['file', 'dir']],
  ['names of', names, Object.keys(types)],
  ['changes in', inDirectory, ['dir']],
  ['data of', copies, ['file']],
]

await runTable('3.4', [
  ...groups.flatMap(([what, calls, on]) =>
    on.map((type): Row => ({ title: `${what} a ${type}`, ...onEach(type, calls) })),
  ),
  ...['file', 'dir'].flatMap((type) =>
    (['read', 'path'] as const).map((flag): Row => ({
      title: `through a descriptor opened with ${flag}, a ${type}`,
      ...onEach(
        type,
        onHandles.map((call) => through([flag], call)),
      ),
    })),
  ),
  { title: 'writes to a private mapping', ...onEach('file', [privateWrites]) },
  {
    title: 'by an ordinary user, who may not, a file',
    ...onEach('file', byUser([...opens, ...attributeChanges, ...xattrChanges])),
  },
])
