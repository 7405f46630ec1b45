/** Values at the edge of what their types hold: sizes, offsets, times, owners, devices, link targets. */
import type { OpenFlag, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const sizes = [
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 32 + 1,
  2 ** 40 + 3,
  2 ** 42,
  2 ** 44 - 4096,
  2 ** 44,
]
const readWrite: readonly OpenFlag[] = ['read-write']

/** Sizes and offsets that do not fit 32 bits, or a double. */
function sizeRow(scratch: 'disk' | 'tmpfs'): Row {
  return {
    title: `sizes and offsets beyond 2 GiB, on ${scratch === 'disk' ? 'a disk' : 'tmpfs'}`,
    scratch,
    lowers: [
      sizes.flatMap((size, at): Operation[] => [
        file(`l${at}`, 'head'),
        { op: 'write', path: `l${at}`, offset: size - 4, data: 'tail' },
        file(`t${at}`, 'head'),
        { op: 'truncate', path: `t${at}`, size },
      ]),
    ],
    setup: sizes.map((_, at) => file(`u${at}`, 'head')),
    script: sizes.flatMap((size, at): Operation[] => [
      ...['l', 't'].flatMap((name): Operation[] => [
        { op: 'stat', path: `${name}${at}` },
        { op: 'read', path: `${name}${at}`, offset: size - 4, size: 10 },
        { op: 'append', path: `${name}${at}`, data: 'more' },
        { op: 'stat', path: `${name}${at}` },
        { op: 'read', path: `${name}${at}`, offset: size - 4, size: 10 },
      ]),
      { op: 'truncate', path: `u${at}`, size },
      { op: 'stat', path: `u${at}` },
      { op: 'open', path: `u${at}`, as: 'h', flags: readWrite },
      { op: 'fwrite', handle: 'h', offset: size - 2, data: 'over the edge' },
      { op: 'fread', handle: 'h', offset: size - 4, size: 20 },
      { op: 'seek', handle: 'h', whence: 'data', offset: size - 2 },
      { op: 'lseek', handle: 'h', offset: -size, whence: 2 },
      { op: 'fallocate-handle', handle: 'h', mode: 'keep-size', offset: size, size: 4096 },
      { op: 'fallocate-handle', handle: 'h', mode: 'punch-hole', offset: size - 2, size: 4096 },
      { op: 'fstat', handle: 'h' },
      { op: 'lock', handle: 'h', kind: 'posix', mode: 'exclusive', offset: size, size: 10 },
      { op: 'lock', handle: 'h', kind: 'posix', mode: 'test', offset: size, size: 10 },
      { op: 'close', handle: 'h' },
    ]),
  }
}

const tooLong: Row = {
  title: 'files of more than 8 PiB',
  scratch: 'tmpfs',
  lowers: [[file('lower')]],
  script: [
    { op: 'truncate', path: 'lower', size: 2 ** 52 },
    { op: 'stat', path: 'lower' },
    { op: 'truncate', path: 'lower', size: 2 ** 54 },
  ],
}

const seconds = [-(2 ** 31), -1, 0, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 34, -(2 ** 33)]
const nanoseconds = [0, 1, 999_999_999, 1_000_000_000, -1, 0x3fffffff]
const TIMES = ['lower', 'upper']

const times: Row = {
  title: 'times before 1970, after 2038, after 2106 and beyond, impossible nanoseconds',
  lowers: [[file('lower'), dir('d'), { op: 'symlink', path: 's', target: 'x' }]],
  setup: [file('upper')],
  script: [...TIMES, 'd', 's'].flatMap((path) => [
    ...seconds.flatMap((second): Operation[] => [
      { op: 'utimens', path, atime: [second, 5], mtime: [second, 7] },
      { op: 'stat', path },
    ]),
    ...nanoseconds.flatMap((nano): Operation[] => [
      { op: 'utimens', path, atime: [1, nano], mtime: [2, 0] },
      { op: 'utimens', path, atime: [1, 0], mtime: [2, nano] },
      { op: 'stat', path },
    ]),
  ]),
}

const ids = [0x7fffffff, 0x80000000, 0xfffffffe, 0xffff, 0x10000]
const modes = [0o7777, 0o17777, 0o100644, 0o40755, 0xffff, 0]

const owners: Row = {
  title: 'owners and modes that need all their bits',
  lowers: [[file('lower'), dir('d')]],
  setup: [file('upper')],
  script: ['lower', 'upper', 'd'].flatMap((path) => [
    ...ids.flatMap((id): Operation[] => [
      { op: 'chown', path, uid: id, gid: 0xffffffff },
      { op: 'chown', path, uid: 0xffffffff, gid: id },
      { op: 'stat', path },
      { op: 'create', path: `by-${path}-${id}`, mode: 0o644, by: { uid: id, gid: id } },
    ]),
    ...modes.flatMap((mode): Operation[] => [
      { op: 'chmod', path, mode },
      { op: 'stat', path },
    ]),
  ]),
}

const numbers = [0, 1, 255, 256, 4095, 4096, 0xfffff, 0x100000, 0xffffffff]

const devices: Row = {
  title: 'device numbers of every size, in lower, copied up and new',
  lowers: [
    numbers.flatMap((minor, at): Operation[] => [
      { op: 'mknod', path: `c${at}`, kind: 'char', mode: 0o600, major: 9, minor },
      { op: 'mknod', path: `b${at}`, kind: 'block', mode: 0o600, major: minor, minor: 9 },
    ]),
  ],
  script: numbers.flatMap((minor, at): Operation[] => [
    { op: 'stat', path: `c${at}` },
    { op: 'chmod', path: `c${at}`, mode: 0o644 },
    { op: 'stat', path: `c${at}` },
    { op: 'rename', from: `b${at}`, to: `r${at}` },
    { op: 'stat', path: `r${at}` },
    { op: 'mknod', path: `n${at}`, kind: 'char', mode: 0o600, major: 7, minor },
    { op: 'stat', path: `n${at}` },
    { op: 'mknod', path: `m${at}`, kind: 'block', mode: 0o600, major: minor, minor: 3 },
    { op: 'stat', path: `m${at}` },
    { op: 'mknod', path: `w${at}`, kind: 'char', mode: 0o600, major: 0, minor },
    { op: 'mknod', path: `x${at}`, kind: 'block', mode: 0o600, major: 0, minor },
  ]),
}

const lengths = [0, 1, 59, 60, 255, 1000, 1023, 1024, 1025, 4094, 4095, 4096]

const linkTargets: Row = {
  title: 'targets of links of every length',
  lowers: [
    lengths.map((length, at): Operation => ({
      op: 'symlink',
      path: `l${at}`,
      target: 't'.repeat(length),
    })),
  ],
  script: lengths.flatMap((length, at): Operation[] => [
    { op: 'readlink', path: `l${at}` },
    { op: 'stat', path: `l${at}` },
    { op: 'chown', path: `l${at}`, uid: 3, gid: 4 },
    { op: 'readlink', path: `l${at}` },
    { op: 'symlink', path: `n${at}`, target: 'n'.repeat(length) },
    { op: 'readlink', path: `n${at}` },
    { op: 'stat', path: `n${at}` },
  ]),
}

await runTable('3, limits', [
  sizeRow('disk'),
  sizeRow('tmpfs'),
  tooLong,
  times,
  owners,
  devices,
  linkTargets,
])
