/**
 * Which error a call gives for which path, for root and for an ordinary user: trailing slashes, `.`
 * and `..`, names and paths that are too long, missing components, components that are no directory,
 * loops, and a mount that is read-only.
 */
import {
  as,
  lowerObjects,
  objectNames,
  onEveryPath,
  pairNames,
  makeUpperObjects,
} from '../helpers/errno-cases.js'
import type { Caller, Operation, RenameFlag } from '../helpers/operation.js'
import { dir, file } from '../helpers/standard-layers.js'
import { type Row, runTable } from '../helpers/table.js'

const callers: readonly (readonly [name: string, by: Caller | undefined])[] = [
  ['root', undefined],
  ['a user', { uid: 65534, gid: 65534 }],
]

/** Every call with one path. */
const calls: Readonly<Record<string, (path: string, index: number) => Operation>> = {
  'open for reading': (path) => ({ op: 'open', path, as: 'h', flags: ['read'] }),
  'open for writing': (path) => ({ op: 'open', path, as: 'h', flags: ['write'] }),
  'open both, truncating': (path) => ({
    op: 'open',
    path,
    as: 'h',
    flags: ['read-write', 'truncate'],
  }),
  'open O_CREAT': (path) => ({ op: 'open', path, as: 'h', flags: ['write', 'create'] }),
  'open O_CREAT|O_EXCL': (path) => ({
    op: 'open',
    path,
    as: 'h',
    flags: ['write', 'create', 'exclusive'],
  }),
  'open O_CREAT|O_DIRECTORY': (path) => ({
    op: 'open',
    path,
    as: 'h',
    flags: ['read', 'create', 'directory'],
  }),
  'open O_DIRECTORY': (path) => ({ op: 'open', path, as: 'h', flags: ['read', 'directory'] }),
  'open O_NOFOLLOW': (path) => ({ op: 'open', path, as: 'h', flags: ['read', 'nofollow'] }),
  'open O_PATH': (path) => ({ op: 'open', path, as: 'h', flags: ['path'] }),
  'open O_NOATIME': (path) => ({ op: 'open', path, as: 'h', flags: ['read', 'noatime'] }),
  'open O_TMPFILE': (path) => ({ op: 'open', path, as: 'h', flags: ['write', 'tmpfile'] }),
  mkdir: (path) => ({ op: 'mkdir', path, mode: 0o755 }),
  'mknod of a file': (path) => ({ op: 'mknod', path, kind: 'file', mode: 0o644 }),
  mkfifo: (path) => ({ op: 'mknod', path, kind: 'fifo', mode: 0o644 }),
  'mknod of a device': (path) => ({
    op: 'mknod',
    path,
    kind: 'char',
    mode: 0o644,
    major: 1,
    minor: 3,
  }),
  symlink: (path) => ({ op: 'symlink', path, target: 'lf' }),
  unlink: (path) => ({ op: 'unlink', path }),
  rmdir: (path) => ({ op: 'rmdir', path }),
  chmod: (path) => ({ op: 'chmod', path, mode: 0o711 }),
  'chown to another': (path) => ({ op: 'chown', path, uid: 1, gid: 1 }),
  'chown to nobody': (path) => ({ op: 'chown', path, uid: 0xffffffff, gid: 0xffffffff }),
  truncate: (path) => ({ op: 'truncate', path, size: 3 }),
  'truncate to a size below zero': (path) => ({ op: 'truncate', path, size: -1 }),
  'utimensat to now': (path) => ({ op: 'utimens', path, atime: 'now', mtime: 'now' }),
  'utimensat to a time': (path) => ({ op: 'utimens', path, atime: [5, 6], mtime: [7, 8] }),
  readlink: (path) => ({ op: 'readlink', path }),
  stat: (path) => ({ op: 'stat', path }),
  'access for nothing': (path) => ({ op: 'access', path, mode: 0 }),
  'access for all': (path) => ({ op: 'access', path, mode: 7 }),
  'access for writing': (path) => ({ op: 'access', path, mode: 2 }),
  list: (path) => ({ op: 'list', path }),
  getxattr: (path) => ({ op: 'getxattr', path, name: 'user.note' }),
  setxattr: (path) => ({ op: 'setxattr', path, name: 'user.note', value: 'v' }),
  'setxattr of trusted': (path) => ({ op: 'setxattr', path, name: 'trusted.note', value: 'v' }),
  'setxattr of an ACL': (path) => ({
    op: 'setxattr',
    path,
    name: 'system.posix_acl_access',
    value: '\x02\0\0\0',
  }),
  removexattr: (path) => ({ op: 'removexattr', path, name: 'user.note' }),
  listxattr: (path) => ({ op: 'listxattr', path }),
  'link from a file': (path) => ({ op: 'link', from: 'lf', to: path }),
  'link to a new name': (path, index) => ({ op: 'link', from: path, to: `ud/new${index}` }),
}

/** On a mount for reading only, one form of each call is enough. */
function readOnlyScript(by: Caller | undefined): Operation[] {
  return Object.values(calls).flatMap((make) =>
    objectNames.flatMap((name, index) => [
      as(make(name, index), by),
      as(make(`${name}/`, index), by),
      as(make(`${name}/new`, index), by),
    ]),
  )
}

const pathRows = callers.flatMap(([who, by]) =>
  Object.entries(calls).map(([name, make]): Row => ({
    title: `${name}, ${who}`,
    lowers: [lowerObjects()],
    script: makeUpperObjects(),
    then: onEveryPath(make, by),
  })),
)

/** Every pair has a directory with all objects to itself. */
function pairRow(from: string, who: string, by: Caller | undefined): Row {
  const bases = pairNames.map((_, index) => `t${index}`)
  const within = (make: (base: string) => Operation[], top: Operation[]): Operation[] => [
    ...top,
    ...bases.flatMap((base) => make(`${base}/`)),
  ]
  const tops = bases.flatMap((path): Operation[] => [
    { op: 'mkdir', path, mode: 0o777 },
    { op: 'chmod', path, mode: 0o777 },
  ])
  const pair = (a: string, b: string, flags: RenameFlag[]): Operation[] =>
    pairNames.map((to, index) => {
      const base = `t${index}`
      const names = { from: `${base}/${a === '' ? to : a}`, to: `${base}/${b === '' ? to : b}` }
      return as({ op: 'rename', ...names, flags }, by)
    })
  return {
    title: `rename of ${from}, ${who}`,
    lowers: [within(lowerObjects, tops)],
    script: within(makeUpperObjects, []),
    then: [...pair(from, '', []), ...pair('', from, ['noreplace'])],
  }
}

await runTable('errors of paths', [
  ...pathRows,
  ...callers.flatMap(([who, by]) => pairNames.map((from) => pairRow(from, who, by))),
  ...callers.map(([who, by]): Row => ({
    title: `everything on a read-only mount, ${who}`,
    lowers: [lowerObjects(), [dir('ud'), file('ud/x'), file('uf')]],
    options: ['ro'],
    script: readOnlyScript(by),
  })),
])
