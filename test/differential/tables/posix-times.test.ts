/** POSIX on times, as pjdfstest asks it: which call touches which time of which object, and which not. */
import type { Caller, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const stranger: Caller = { uid: 65534, gid: 65534 }
const owner: Caller = { uid: 1000, gid: 1000 }
const KEEP = 0xffffffff

/** A call on an object, and which other paths may be touched. */
interface Call {
  readonly name: string
  readonly steps: (path: string) => readonly Operation[]
  /** Paths whose times are looked at; the object itself and its directory unless given. */
  readonly paths?: (path: string) => readonly string[]
}

function withHandle(
  flags: Extract<Operation, { op: 'open' }>['flags'],
  use: readonly Operation[],
): Call['steps'] {
  return (path) => [{ op: 'open', path, as: 'h', flags }, ...use, { op: 'close', handle: 'h' }]
}

const onFiles: readonly Call[] = [
  { name: 'chmod', steps: (path) => [{ op: 'chmod', path, mode: 0o700 }] },
  { name: 'chmod to what it is', steps: (path) => [{ op: 'chmod', path, mode: 0o666 }] },
  { name: 'chown', steps: (path) => [{ op: 'chown', path, uid: 5, gid: 6 }] },
  { name: 'chown -1', steps: (path) => [{ op: 'chown', path, uid: KEEP, gid: KEEP }] },
  { name: 'truncate', steps: (path) => [{ op: 'truncate', path, size: 2 }] },
  { name: 'truncate to its size', steps: (path) => [{ op: 'truncate', path, size: 7 }] },
  { name: 'truncate to nothing', steps: (path) => [{ op: 'truncate', path, size: 0 }] },
  { name: 'truncate, longer', steps: (path) => [{ op: 'truncate', path, size: 9000 }] },
  {
    name: 'ftruncate',
    steps: withHandle(['write'], [{ op: 'ftruncate', handle: 'h', size: 3 }]),
  },
  {
    name: 'ftruncate to its size',
    steps: withHandle(['write'], [{ op: 'ftruncate', handle: 'h', size: 7 }]),
  },
  { name: 'open, O_TRUNC', steps: withHandle(['write', 'truncate'], []) },
  { name: 'open to read, O_TRUNC', steps: withHandle(['read', 'truncate'], []) },
  { name: 'open to write', steps: withHandle(['write'], []) },
  { name: 'open to create', steps: withHandle(['write', 'create'], []) },
  { name: 'open to create, O_TRUNC', steps: withHandle(['write', 'create', 'truncate'], []) },
  { name: 'write', steps: (path) => [{ op: 'write', path, offset: 2, data: 'x' }] },
  { name: 'write nothing', steps: (path) => [{ op: 'write', path, offset: 2, data: '' }] },
  { name: 'append', steps: (path) => [{ op: 'append', path, data: 'x' }] },
  {
    name: 'fallocate',
    steps: (path) => [{ op: 'fallocate', path, mode: 'keep-size', offset: 0, size: 9000 }],
  },
  {
    name: 'punch a hole',
    steps: (path) => [{ op: 'fallocate', path, mode: 'punch-hole', offset: 0, size: 4 }],
  },
  { name: 'link', steps: (path) => [{ op: 'link', from: path, to: `${path}.link` }] },
  {
    name: 'unlink another name',
    steps: (path) => [{ op: 'unlink', path: `${path}.too` }],
  },
  { name: 'rename', steps: (path) => [{ op: 'rename', from: path, to: `${path}.new` }] },
  {
    name: 'rename over another',
    steps: (path) => [{ op: 'rename', from: path, to: `${path}.too` }],
    paths: (path) => [path, `${path}.too`, '.'],
  },
  {
    name: 'rename to another directory',
    steps: (path) => [{ op: 'rename', from: path, to: `other/${path}` }],
    paths: () => ['.', 'other'],
  },
  {
    name: 'exchange with another directory’s',
    steps: (path) => [{ op: 'rename', from: path, to: 'other/x', flags: ['exchange'] }],
    paths: (path) => ['.', 'other', path, 'other/x'],
  },
  { name: 'setxattr', steps: (path) => [{ op: 'setxattr', path, name: 'user.a', value: 'b' }] },
  {
    name: 'setxattr that fails',
    steps: (path) => [{ op: 'setxattr', path, name: 'user.a', value: 'b', flag: 'replace' }],
  },
  { name: 'removexattr', steps: (path) => [{ op: 'removexattr', path, name: 'user.note' }] },
  { name: 'utimens', steps: (path) => [{ op: 'utimens', path, atime: [1, 2], mtime: [3, 4] }] },
  { name: 'atime', steps: (path) => [{ op: 'utimens', path, atime: [1, 2], mtime: 'omit' }] },
  { name: 'mtime', steps: (path) => [{ op: 'utimens', path, atime: 'omit', mtime: 'now' }] },
  { name: 'no time', steps: (path) => [{ op: 'utimens', path, atime: 'omit', mtime: 'omit' }] },
  {
    name: 'chmod by a stranger',
    steps: (path) => [{ op: 'chmod', path, mode: 0o700, by: stranger }],
  },
  {
    name: 'truncate by a stranger',
    steps: (path) => [{ op: 'truncate', path, size: 1, by: stranger }],
  },
  {
    name: 'copy_file_range',
    steps: (path) => [{ op: 'copy-range', from: 'source', to: path, size: 3 }],
    paths: (path) => [path, 'source'],
  },
  {
    name: 'unlink',
    steps: (path) => [{ op: 'unlink', path }],
    paths: () => ['.'],
  },
]

const states: readonly (readonly [name: string, bring: (path: string) => readonly Operation[]])[] =
  [
    ['lower', () => []],
    ['copied', (path) => [{ op: 'chown', path, uid: 1000, gid: 1000 }]],
  ]

function madeFile(path: string): Operation[] {
  return [
    file(path, 'content', 0o666),
    { op: 'setxattr', path, name: 'user.note', value: 'v' },
    { op: 'link', from: path, to: `${path}.too` },
  ]
}

function looked(path: string, { steps, paths = (at) => [at, '.'] }: Call): Operation[] {
  const at = paths(path)
  return [
    ...at.map((each): Operation => ({ op: 'note-times', path: each })),
    ...steps(path),
    ...[...at, `${path}.too`, `${path}.new`].map((each): Operation => ({ op: 'stat', path: each })),
    ...at.map((each): Operation => ({ op: 'touched', path: each })),
  ]
}

const fileRows: readonly Row[] = onFiles.flatMap((call): Row => {
  const uppers = ['u0', 'u1']
  return {
    title: `times of a file and its directory: ${call.name}`,
    lowers: [
      [
        file('source', 'source'),
        dir('other'),
        file('other/x', 'x'),
        ...states.flatMap(([name]) => madeFile(name)),
        { op: 'chmod', path: '.', mode: 0o777 },
      ],
    ],
    setup: [...states.flatMap(([name, bring]) => bring(name)), ...uppers.flatMap(madeFile)],
    script: [
      // Read or made within a tick of the clock, two would have the same times.
      ...['copied', ...uppers].map((path, at): Operation => ({
        op: 'utimens',
        path,
        atime: [100 + at, 0],
        mtime: [200 + at, 0],
      })),
      ...[...states.map(([name]) => name), ...uppers].flatMap((path) => looked(path, call)),
    ],
  }
})

const inDirectories: readonly (readonly [name: string, steps: (path: string) => Operation[]])[] = [
  ['create', (d) => [file(`${d}/new`)]],
  ['mkdir', (d) => [dir(`${d}/new`)]],
  ['mkfifo', (d) => [{ op: 'mknod', path: `${d}/new`, kind: 'fifo', mode: 0o600 }]],
  ['symlink', (d) => [{ op: 'symlink', path: `${d}/new`, target: 't' }]],
  ['link', (d) => [{ op: 'link', from: `${d}/x`, to: `${d}/new` }]],
  ['unlink', (d) => [{ op: 'unlink', path: `${d}/x` }]],
  ['rmdir', (d) => [{ op: 'rmdir', path: `${d}/sub` }]],
  ['rename', (d) => [{ op: 'rename', from: `${d}/x`, to: `${d}/y` }]],
  ['create what is there', (d) => [file(`${d}/x`)]],
  ['mkdir what is there', (d) => [dir(`${d}/x`)]],
  ['symlink what is there', (d) => [{ op: 'symlink', path: `${d}/x`, target: 't' }]],
  ['link to what is there', (d) => [{ op: 'link', from: `${d}/x`, to: `${d}/sub` }]],
  ['unlink what is not there', (d) => [{ op: 'unlink', path: `${d}/none` }]],
  ['rmdir a full one', (d) => [{ op: 'rmdir', path: `${d}/full` }]],
  ['rename over a directory', (d) => [{ op: 'rename', from: `${d}/x`, to: `${d}/full` }]],
  ['create as a stranger', (d) => [{ ...file(`${d}/new`), by: stranger }]],
  ['chmod of a child', (d) => [{ op: 'chmod', path: `${d}/x`, mode: 0o600 }]],
  ['chmod', (d) => [{ op: 'chmod', path: d, mode: 0o700 }]],
  ['chown', (d) => [{ op: 'chown', path: d, uid: 4, gid: 5 }]],
  ['rename of it', (d) => [{ op: 'rename', from: d, to: `${d}.new` }]],
  ['a file without a name', (d) => [{ op: 'open', path: d, as: 't', flags: ['write', 'tmpfile'] }]],
]

function madeDir(path: string): Operation[] {
  return [
    dir(path),
    file(`${path}/x`),
    dir(`${path}/sub`),
    dir(`${path}/full`),
    file(`${path}/full/z`),
  ]
}

const dirRows: readonly Row[] = inDirectories.map(([name, steps]) => ({
  title: `times of a directory, its parent and its entries: ${name}`,
  lowers: [[...madeDir('lower'), ...madeDir('copied')]],
  setup: [{ op: 'chown', path: 'copied', uid: 1, gid: 1 }, ...madeDir('upper')],
  script: ['lower', 'copied', 'upper'].flatMap((path): Operation[] => {
    const at = [path, '.', `${path}/full`, `${path}/x`]
    return [
      ...at.map((each): Operation => ({ op: 'note-times', path: each })),
      ...steps(path),
      ...[...at, `${path}.new`].flatMap((each): Operation[] => [
        { op: 'touched', path: each },
        { op: 'stat', path: each },
      ]),
    ]
  }),
}))

const special = ['now', 'omit', [7, 8] as const] as const

/** Who may set which times: the owner all, who may write both to now, others none. */
const whoSets: Row = {
  title: 'utimensat with UTIME_NOW and UTIME_OMIT, by root, the owner, who may write, and others',
  lowers: [
    [
      ...[0o644, 0o666, 0o444].flatMap((mode): Operation[] => [
        file(`f${mode}`, 'x'),
        { op: 'chown', path: `f${mode}`, uid: 1000, gid: 1000 },
        { op: 'chmod', path: `f${mode}`, mode },
        dir(`d${mode}`),
        { op: 'chown', path: `d${mode}`, uid: 1000, gid: 1000 },
        { op: 'chmod', path: `d${mode}`, mode: mode | 0o111 },
      ]),
      { op: 'symlink', path: 's', target: 'f420' },
      { op: 'chown', path: 's', uid: 1000, gid: 1000 },
    ],
  ],
  script: [undefined, owner, stranger].flatMap((by) =>
    ['f420', 'f438', 'f292', 'd420', 'd438', 'd292', 's'].flatMap((path) =>
      special.flatMap((atime) =>
        special.flatMap((mtime): Operation[] => [
          { op: 'note-times', path },
          { op: 'utimens', path, atime, mtime, ...(by === undefined ? {} : { by }) },
          { op: 'touched', path },
          { op: 'stat', path },
        ]),
      ),
    ),
  ),
}

await runTable('3.9, times', [...fileRows, ...dirRows, whoSets])
