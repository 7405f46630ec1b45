/**
 * POSIX on names and callers, as pjdfstest asks it: long names and paths, loops of links, files where
 * directories are wanted, slashes at the end, sticky directories.
 */
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

/** Every call that takes a path. */
function callsOn(path: string): Operation[] {
  return [
    { op: 'stat', path },
    { op: 'access', path, mode: 0 },
    { op: 'readlink', path },
    { op: 'open', path, as: 'h', flags: ['read'] },
    { op: 'open', path, as: 'h', flags: ['read-write', 'create'], mode: 0o644 },
    { op: 'open', path, as: 'h', flags: ['write', 'create', 'exclusive'], mode: 0o644 },
    { op: 'open', path, as: 'h', flags: ['read', 'directory'] },
    { op: 'open', path, as: 'h', flags: ['path', 'nofollow'] },
    { op: 'truncate', path, size: 3 },
    { op: 'chmod', path, mode: 0o755 },
    { op: 'chown', path, uid: 1, gid: 2 },
    { op: 'utimens', path, atime: [1, 1], mtime: [2, 2] },
    { op: 'setxattr', path, name: 'user.a', value: 'b' },
    { op: 'getxattr', path, name: 'user.a' },
    { op: 'listxattr', path },
    { op: 'removexattr', path, name: 'user.a' },
    { op: 'mknod', path, kind: 'fifo', mode: 0o600 },
    { op: 'mknod', path, kind: 'file', mode: 0o600 },
    { op: 'mkdir', path, mode: 0o755 },
    { op: 'symlink', path, target: 'somewhere' },
    { op: 'link', from: 'f', to: path },
    { op: 'link', from: path, to: 'linked' },
    { op: 'rename', from: path, to: 'renamed' },
    { op: 'rename', from: 'f2', to: path },
    { op: 'rename', from: 'e', to: path },
    { op: 'rename', from: 'f3', to: path, flags: ['exchange'] },
    { op: 'rename', from: 'f3', to: path, flags: ['noreplace'] },
    { op: 'list', path },
    { op: 'rmdir', path },
    { op: 'unlink', path },
  ]
}

const lower = [
  file('f', 'content'),
  file('f2', 'another'),
  file('f3', 'third'),
  dir('d'),
  file('d/x'),
  dir('e'),
  { op: 'symlink', path: 's', target: 'f' },
  { op: 'symlink', path: 'sd', target: 'd' },
  { op: 'symlink', path: 'dangling', target: 'nowhere' },
  { op: 'symlink', path: 'loop', target: 'loop' },
  { op: 'symlink', path: 'ping', target: 'pong' },
  { op: 'symlink', path: 'pong', target: 'ping' },
  { op: 'symlink', path: 'chain', target: 'chain1' },
  { op: 'symlink', path: 'chain1', target: 'sd' },
  { op: 'symlink', path: 'absolute', target: '/proc/self/no-such-name' },
  { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o600 },
  dir('gone'),
  file('gonefile'),
] as const satisfies readonly Operation[]

const setup: readonly Operation[] = [
  file('u', 'of upper'),
  dir('ud'),
  file('ud/x'),
  { op: 'symlink', path: 'us', target: 'u' },
  { op: 'rmdir', path: 'gone' },
  { op: 'unlink', path: 'gonefile' },
]

/** 4095 bytes are the longest path; `x/` again and again, through a directory that is there. */
function longPath(length: number): string {
  const tail = length % 2 === 0 ? 'xx' : 'x'
  return `${'./'.repeat((length - tail.length) / 2)}${tail}`
}

const named = (title: string, paths: readonly string[]): Row[] =>
  paths.map((path) => ({
    title: `${title}: ${path.length > 40 ? `${path.length} bytes` : path}`,
    lowers: [lower],
    setup,
    // Looked at first, so that one step succeeds whatever the name.
    script: [{ op: 'stat', path: '.' }, ...callsOn(path)],
  }))

const lengths = [254, 255, 256].map((length) => 'n'.repeat(length))
const below = [255, 256].map((length) => `d/${'n'.repeat(length)}`)
const through = [255, 256].map((length) => `${'n'.repeat(length)}/x`)
const paths = [4094, 4095, 4096, 4097].map(longPath)

/** Callers, and who owns the directory and the object, for sticky and other directories. */
const users = [0, 1000, 1001] as const
const stickyModes = [0o1777, 0o777, 0o1755]

interface Kind {
  readonly name: string
  readonly make: (path: string) => Operation
  readonly remove: (path: string) => Operation
}

const kinds: readonly Kind[] = [
  { name: 'file', make: (path) => file(path, 'x'), remove: (path) => ({ op: 'unlink', path }) },
  { name: 'dir', make: (path) => dir(path), remove: (path) => ({ op: 'rmdir', path }) },
]

function stickyPlaces(kind: Kind): { path: string; mode: number; uid: number; own: number }[] {
  return stickyModes.flatMap((mode) =>
    users.flatMap((uid) =>
      users.map((own) => ({
        path: `${kind.name}-${mode.toString(8)}-${uid}-${own}`,
        mode,
        uid,
        own,
      })),
    ),
  )
}

function sticky(kind: Kind, where: 'lower' | 'upper'): Row {
  const places = stickyPlaces(kind)
  const made = places.flatMap(({ path, mode, uid, own }): Operation[] => [
    dir(path),
    ...['a', 'b', 'c', 'd'].flatMap((name): Operation[] => [
      kind.make(`${path}/${name}`),
      { op: 'chown', path: `${path}/${name}`, uid: own, gid: own },
    ]),
    { op: 'chown', path, uid, gid: uid },
    { op: 'chmod', path, mode },
  ])
  const callers: readonly (Caller | undefined)[] = [
    { uid: 1000, gid: 1000 },
    { uid: 1001, gid: 1001 },
    { uid: 1002, gid: 1002 },
  ]
  const free: Operation[] = [dir('free'), { op: 'chmod', path: 'free', mode: 0o777 }]
  return {
    title: `sticky directories, every owner of a ${kind.name} in ${where} and every caller`,
    lowers: [where === 'lower' ? [...made, ...free] : []],
    setup: where === 'upper' ? [...made, ...free] : [],
    // Directories of lower layers cannot be renamed by default.
    options: ['redirect_dir=on'],
    script: callers.flatMap((by, who) =>
      places.flatMap(({ path }): Operation[] => {
        const as = by === undefined ? {} : { by }
        return [
          { ...kind.remove(`${path}/${'abc'[who] ?? 'a'}`), ...as },
          { op: 'rename', from: `${path}/d`, to: `${path}/e${who}`, ...as },
          { op: 'rename', from: `${path}/d`, to: `free/${path}-${who}`, ...as },
          { ...kind.make(`free/new-${path}-${who}`), ...as },
          {
            op: 'rename',
            from: `free/new-${path}-${who}`,
            to: `${path}/${'bca'[who] ?? 'b'}`,
            ...as,
          },
        ]
      }),
    ),
  }
}

await runTable('3.1, names and callers', [
  ...named('names', [...lengths, ...below, ...through]),
  ...named('paths', paths),
  ...named('loops', ['loop', 'loop/x', 'ping', 'ping/x', 'chain', 'chain/x', 'chain/']),
  ...named('through what is no directory', ['f/x', 'u/x', 's/x', 'p/x', 'dangling/x', 'us/x']),
  ...named('nowhere', ['none/x', 'gone/x', 'gonefile/x', 'absolute', 'absolute/x', '']),
  ...named('with a slash', [
    'f/',
    'u/',
    'd/',
    'ud/',
    's/',
    'sd/',
    'dangling/',
    'new/',
    'gone/',
    'p/',
  ]),
  ...named('dots', ['.', 'd/.', 'd/..', 'ud/./x', 'sd/..', 'd/../f']),
  ...named('links', ['s', 'sd', 'dangling', 'us', 'sd/x']),
  ...kinds.flatMap((kind) => [sticky(kind, 'lower'), sticky(kind, 'upper')]),
])
