/**
 * SEMANTICS.md 3.10, what one handle sees of itself: reading, writing, allocating, seeking, mapping,
 * copying, flushing; and programs.
 */
import type { FallocateMode, OpenFlag, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const SYNC_FLAGS: readonly (readonly OpenFlag[])[] = [
  ['read-write'],
  ['read-write', 'append'],
  ['read-write', 'sync'],
  ['read-write', 'truncate'],
  ['write'],
  ['write', 'append'],
  ['read'],
  ['read', 'append'],
  ['accmode3'],
  ['path'],
]

const PAGE = 4096

function numbered(path: string, size: number): Operation[] {
  return [
    file(path, ''),
    { op: 'write', path, data: '0123456789abcdef', repeat: Math.ceil(size / 16) },
    { op: 'truncate', path, size },
  ]
}

const readAndWrite: Row = {
  title: 'reading and writing with every access mode',
  lowers: [SYNC_FLAGS.flatMap((_, at) => numbered(`f${at}`, 10_000))],
  script: SYNC_FLAGS.flatMap((flags, at): Operation[] => [
    { op: 'open', path: `f${at}`, as: 'h', flags },
    { op: 'fread', handle: 'h', offset: 9_990, size: 100 },
    { op: 'fread', handle: 'h', offset: 10_000, size: 100 },
    { op: 'fread', handle: 'h', offset: 20_000, size: 100 },
    { op: 'fwrite', handle: 'h', offset: 3, data: 'WRITTEN' },
    { op: 'fwrite', handle: 'h', offset: 15_000, data: 'beyond' },
    { op: 'fread', handle: 'h', offset: 0, size: 20 },
    { op: 'fread', handle: 'h', offset: 14_990, size: 20 },
    { op: 'ftruncate', handle: 'h', size: 5 },
    { op: 'ftruncate', handle: 'h', size: 12 },
    { op: 'fread', handle: 'h', offset: 0, size: 20 },
    { op: 'fwrite', handle: 'h', offset: -1, data: 'x' },
    { op: 'ftruncate', handle: 'h', size: -1 },
    { op: 'fsync', handle: 'h' },
    { op: 'lseek', handle: 'h', offset: -5, whence: 2 },
    { op: 'lseek', handle: 'h', offset: 1, whence: 1 },
    { op: 'lseek', handle: 'h', offset: -100, whence: 1 },
    { op: 'lseek', handle: 'h', offset: 1e12, whence: 0 },
    { op: 'fstat', handle: 'h' },
  ]),
}

const MODES: readonly FallocateMode[] = ['allocate', 'keep-size', 'punch-hole', 'zero-range']

const allocation: Row = {
  title: 'fallocate in every mode, on lower, copied-up and upper files',
  lowers: [
    MODES.flatMap((mode) => [...numbered(`l-${mode}`, 40_000), ...numbered(`c-${mode}`, 40_000)]),
  ],
  setup: MODES.flatMap((mode) => [
    { op: 'append', path: `c-${mode}`, data: '!' },
    ...numbered(`u-${mode}`, 40_000),
  ]),
  script: MODES.flatMap((mode) =>
    ['l', 'c', 'u'].flatMap((kind): Operation[] => {
      const path = `${kind}-${mode}`
      return [
        { op: 'fallocate', path, mode, offset: PAGE, size: 2 * PAGE },
        { op: 'fallocate', path, mode, offset: 100, size: 1000 },
        { op: 'fallocate', path, mode, offset: 60_000, size: 10_000 },
        { op: 'fallocate', path, mode, offset: 0, size: 0 },
        { op: 'fallocate', path, mode, offset: -1, size: 10 },
        { op: 'open', path, as: 'r', flags: ['read'] },
        { op: 'fallocate-handle', handle: 'r', mode, offset: 0, size: 10 },
        { op: 'read', path, offset: PAGE - 4, size: 8 },
        { op: 'read', path, offset: 96, size: 8 },
        { op: 'stat', path },
      ]
    }),
  ),
}

const collapse: Row = {
  title: 'fallocate that moves data is not forwarded',
  lowers: [numbered('lower', 40_000)],
  script: [
    { op: 'stat', path: 'lower' },
    { op: 'fallocate', path: 'lower', mode: 'collapse', offset: PAGE, size: 2 * PAGE },
  ],
}

const seeking: Row = {
  title: 'SEEK_DATA and SEEK_HOLE, on lower and upper files, while they change',
  lowers: [
    [
      file('sparse', 'head'),
      { op: 'write', path: 'sparse', offset: 3_000_000, data: 'middle' },
      { op: 'truncate', path: 'sparse', size: 5_000_000 },
      file('full', 'x'.repeat(10_000)),
      file('empty', ''),
    ],
  ],
  script: ['sparse', 'full', 'empty'].flatMap((path): Operation[] => {
    const look: Operation[] = [0, 5, 5000, 2_999_000, 3_000_000, 4_000_000, 5_000_000, -1].flatMap(
      (offset): Operation[] => [
        { op: 'seek', handle: 'h', whence: 'data', offset },
        { op: 'seek', handle: 'h', whence: 'hole', offset },
      ],
    )
    return [
      { op: 'open', path, as: 'h', flags: ['read'] },
      ...look,
      { op: 'open', path, as: 'h', flags: ['read-write'] },
      { op: 'ftruncate', handle: 'h', size: 0 },
      { op: 'fwrite', handle: 'h', offset: 1_000_000, data: 'new' },
      { op: 'ftruncate', handle: 'h', size: 2_000_000 },
      ...look,
    ]
  }),
}

type How = readonly [
  flags: readonly OpenFlag[],
  sharing: 'shared' | 'private',
  access: 'read' | 'write',
]

function mapping([flags, sharing, access]: How, path: string): Operation[] {
  return [
    { op: 'open', path, as: 'h', flags },
    { op: 'map', handle: 'h', as: 'm', sharing, access, size: 3 * PAGE },
    { op: 'close', handle: 'h' },
    { op: 'map-read', mapping: 'm', offset: 10, size: 10 },
    { op: 'map-read', mapping: 'm', offset: 9990, size: 20 },
    // Beyond the last page of the file there is nothing.
    { op: 'map-read', mapping: 'm', offset: 3 * PAGE, size: 1 },
    { op: 'map-write', mapping: 'm', offset: 4090, data: 'over a page’s end'.slice(0, 11) },
    { op: 'map-read', mapping: 'm', offset: 4088, size: 16 },
    { op: 'map-sync', mapping: 'm' },
    { op: 'read', path, offset: 4088, size: 16 },
    { op: 'unmap', mapping: 'm' },
    { op: 'read', path, offset: 4088, size: 16 },
  ]
}

const mapped = (['lower', 'big', 'upper', 'copied'] as const).flatMap((kind) =>
  (
    [
      [['read'], 'private', 'read'],
      [['read'], 'private', 'write'],
      [['read'], 'shared', 'read'],
      [['read'], 'shared', 'write'],
      [['read-write'], 'shared', 'write'],
      [['read-write'], 'private', 'write'],
      [['write'], 'shared', 'read'],
      [['read-write', 'append'], 'shared', 'write'],
    ] satisfies How[]
  ).map((how, at) => ({ kind, how, path: `${kind}${at}` })),
)

const mappings: Row = {
  title: 'mappings of every kind, of lower, copied-up and upper files',
  lowers: [
    mapped.flatMap(({ kind, path }) =>
      kind === 'upper' ? [] : numbered(path, kind === 'big' ? 1_200_000 : 10_000),
    ),
  ],
  setup: mapped.flatMap(({ kind, path }): Operation[] =>
    kind === 'upper'
      ? numbered(path, 10_000)
      : kind === 'copied'
        ? [{ op: 'append', path, data: '!' }]
        : [],
  ),
  script: mapped.flatMap(({ how, path }) => mapping(how, path)),
}

const mapAndWrite: Row = {
  title: 'a mapping and writes through the handle it came from see each other',
  lowers: [[...numbered('small', 10_000), ...numbered('big', 1_500_000)]],
  setup: numbered('upper', 10_000),
  script: ['small', 'big', 'upper'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'h', flags: ['read-write'] },
    { op: 'map', handle: 'h', as: 'm', sharing: 'shared', access: 'write', size: 2 * PAGE },
    { op: 'fwrite', handle: 'h', offset: 100, data: 'by write' },
    { op: 'map-read', mapping: 'm', offset: 98, size: 12 },
    { op: 'map-write', mapping: 'm', offset: 200, data: 'by mapping' },
    { op: 'fread', handle: 'h', offset: 198, size: 14 },
    { op: 'ftruncate', handle: 'h', size: 150 },
    { op: 'map-read', mapping: 'm', offset: 98, size: 12 },
    { op: 'map-read', mapping: 'm', offset: 200, size: 5 },
    { op: 'map-read', mapping: 'm', offset: PAGE, size: 5 },
    { op: 'ftruncate', handle: 'h', size: 9000 },
    { op: 'map-read', mapping: 'm', offset: PAGE, size: 5 },
    { op: 'unlink', path },
    { op: 'map-write', mapping: 'm', offset: 0, data: 'gone' },
    { op: 'fread', handle: 'h', offset: 0, size: 8 },
    { op: 'unmap', mapping: 'm' },
  ]),
}

const COPIED: readonly (readonly [from: string, to: string])[] = [
  ['lower', 'lower2'],
  ['lower', 'upper'],
  ['upper', 'lower3'],
  ['copied', 'upper2'],
  ['big', 'upper3'],
  ['lower', 'new'],
  ['upper', 'upper'],
  ['lower', 'dir'],
  ['dir', 'upper'],
  ['absent', 'upper'],
  ['fifo', 'upper'],
]

const copies: Row = {
  title: 'copy_file_range and FICLONE between files of every layer',
  lowers: [
    [
      ...['lower', 'lower2', 'lower3', 'copied'].flatMap((path) => numbered(path, 10_000)),
      ...numbered('big', 1_500_000),
      dir('dir'),
      { op: 'mknod', path: 'fifo', kind: 'fifo', mode: 0o600 },
    ],
  ],
  setup: [
    { op: 'append', path: 'copied', data: '!' },
    ...['upper', 'upper2', 'upper3'].flatMap((path) => numbered(path, 100)),
    file('new', ''),
  ],
  script: COPIED.flatMap(([from, to]): Operation[] => [
    { op: 'copy-range', from, to, size: 5000 },
    { op: 'copy-range', from, to, size: 2_000_000 },
    { op: 'copy-range', from, to, size: 0 },
    { op: 'clone', from, to },
    { op: 'stat', path: from },
    { op: 'stat', path: to },
  ]),
}

const flushing: Row = {
  title: 'fsync and syncfs of everything',
  layers: [2],
  script: ['f', 'u', 'cu', 'ld', 'm', 'ud', '.'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'h', flags: ['read'] },
    { op: 'fsync', handle: 'h' },
    { op: 'syncfs', handle: 'h' },
    { op: 'append', path, data: 'x' },
    { op: 'fsync', handle: 'h' },
  ]),
  options: ['', 'volatile'],
}

/** Sizes and places that O_DIRECT takes, and some it does not. */
const direct: Row = {
  title: 'O_DIRECT',
  lowers: [[...numbered('small', 10_000), ...numbered('big', 1_500_000)]],
  setup: numbered('upper', 10_000),
  script: ['small', 'big', 'upper'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'r', flags: ['read', 'direct'] },
    { op: 'fread', handle: 'r', offset: 0, size: PAGE },
    { op: 'fread', handle: 'r', offset: 2 * PAGE, size: PAGE },
    { op: 'open', path, as: 'w', flags: ['read-write', 'direct'] },
    { op: 'fwrite', handle: 'w', offset: PAGE, data: 'd'.repeat(PAGE) },
    { op: 'fread', handle: 'w', offset: PAGE, size: PAGE },
    { op: 'read', path, offset: PAGE - 3, size: 6 },
  ]),
}

const programs: Row = {
  title: 'programs: run from every layer, not written while they run, not run while written',
  lowers: [
    [
      { op: 'install', path: 'lower', program: '/bin/sleep' },
      { op: 'install', path: 'copied', program: '/bin/sleep' },
      { op: 'install', path: 'true', program: '/bin/true' },
      file('script', '#!/bin/sh\necho "$0 ran with $1" | sed "s,.*/,,"\n', 0o755),
      file('no-program', 'nonsense', 0o755),
      file('not-executable', '#!/bin/sh\n', 0o644),
    ],
  ],
  setup: [
    { op: 'chmod', path: 'copied', mode: 0o700 },
    { op: 'install', path: 'upper', program: '/bin/sleep' },
  ],
  script: [
    { op: 'execute', path: 'true' },
    { op: 'execute', path: 'script', arguments: ['an argument'] },
    { op: 'chmod', path: 'script', mode: 0o700 },
    { op: 'execute', path: 'script', arguments: ['another'] },
    { op: 'execute', path: 'no-program' },
    { op: 'execute', path: 'not-executable' },
    ...['lower', 'copied', 'upper'].flatMap((path): Operation[] => [
      { op: 'start', path, as: path, arguments: ['100'] },
      { op: 'open', path, as: 'w', flags: ['write'] },
      { op: 'open', path, as: 'w', flags: ['read-write'] },
      { op: 'truncate', path, size: 0 },
      { op: 'open', path, as: 'w', flags: ['write', 'truncate'] },
      { op: 'open', path, as: 'r', flags: ['read'] },
      { op: 'execute', path, arguments: ['0'] },
      { op: 'chmod', path, mode: 0o711 },
      { op: 'setxattr', path, name: 'user.note', value: 'v' },
      { op: 'rename', from: path, to: `${path}.new` },
      { op: 'open', path: `${path}.new`, as: 'w', flags: ['write'] },
      { op: 'stop', program: path },
      { op: 'open', path: `${path}.new`, as: 'w', flags: ['read-write'] },
      { op: 'execute', path: `${path}.new`, arguments: ['0'] },
      { op: 'fwrite', handle: 'w', offset: 0, data: '\x7fELF' },
      { op: 'execute', path: `${path}.new`, arguments: ['0'] },
      { op: 'close', handle: 'w' },
      { op: 'execute', path: `${path}.new`, arguments: ['0'] },
      { op: 'unlink', path: `${path}.new` },
    ]),
  ],
}

const handles: Row = {
  title: 'file handles: none but for fanotify',
  layers: [2],
  script: ['f', 'u', 'ld', '.', 's'].flatMap((path): Operation[] => [
    { op: 'file-handle', path, flags: 0 },
    { op: 'file-handle', path, flags: 0x200 },
  ]),
}

await runTable('3.10', [
  readAndWrite,
  allocation,
  collapse,
  seeking,
  mappings,
  mapAndWrite,
  copies,
  flushing,
  direct,
  programs,
  handles,
])
