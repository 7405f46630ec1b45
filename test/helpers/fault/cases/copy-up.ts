/** Copy-up of every kind of object, by itself and by what triggers it. */
import type { Operation } from '../../operation.js'
import { dir, file, sampleAcl, sampleCapability } from '../../standard-layers.js'
import type { FaultCase } from '../case.js'

const rich: readonly Operation[] = [
  file('f', 'content of f'),
  { op: 'chown', path: 'f', uid: 1000, gid: 1001 },
  { op: 'setxattr', path: 'f', name: 'user.note', value: 'a\0b' },
  { op: 'setxattr', path: 'f', name: 'trusted.note', value: 't' },
  { op: 'chmod', path: 'f', mode: 0o6751 },
  { op: 'setxattr', path: 'f', name: 'security.capability', value: sampleCapability },
]
const tree: readonly Operation[] = [
  dir('d'),
  { op: 'chown', path: 'd', uid: 1000, gid: 1001 },
  { op: 'chmod', path: 'd', mode: 0o2775 },
  { op: 'setxattr', path: 'd', name: 'user.note', value: 'of a directory' },
  file('d/x'),
  dir('d/sub'),
  file('d/sub/y'),
]
const linked: readonly Operation[] = [file('a', 'linked'), { op: 'link', from: 'a', to: 'b' }]
const special: readonly Operation[] = [
  { op: 'symlink', path: 's', target: 'nowhere' },
  { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o640 },
  { op: 'mknod', path: 'c', kind: 'char', mode: 0o600, major: 1, minor: 3 },
  { op: 'mknod', path: 'k', kind: 'socket', mode: 0o600 },
  { op: 'chown', path: 'p', uid: 5, gid: 6 },
]

/** Open for writing, which is all it takes. */
function touch(path: string): Operation {
  return { op: 'open', as: 'h', path, flags: ['read-write'] }
}

const separated = [
  { why: 'the copy of a lower hard link is a file of its own', script: [touch('a')] },
]

/** The VFS asks for that in a request of its own, before the change. */
const uncapable = [
  {
    why: 'the old one without the capability',
    script: [{ op: 'removexattr', path: 'f', name: 'security.capability' }],
  },
] as const

export const copyUpCases: readonly FaultCase[] = [
  { title: 'copy-up of a file', lowers: [rich], call: touch('f') },
  {
    title: 'copy-up of a sparse file',
    lowers: [
      [
        file('f', 'head'),
        { op: 'write', path: 'f', offset: 100_000, data: 'middle' },
        { op: 'truncate', path: 'f', size: 200_000 },
      ],
    ],
    call: touch('f'),
  },
  {
    title: 'copy-up of a file with an ACL',
    lowers: [
      [
        file('f', 'with an ACL', 0o640),
        { op: 'setxattr', path: 'f', name: 'system.posix_acl_access', value: sampleAcl },
      ],
    ],
    call: touch('f'),
  },
  { title: 'copy-up of a file two directories down', lowers: [tree], call: touch('d/sub/y') },
  { title: 'copy-up of a hard link', lowers: [linked], call: touch('a') },
  {
    title: 'copy-up of a symlink',
    lowers: [special],
    call: { op: 'chown', path: 's', uid: 7, gid: 8 },
  },
  {
    title: 'copy-up of a fifo',
    lowers: [special],
    call: { op: 'chmod', path: 'p', mode: 0o666 },
  },
  {
    title: 'copy-up of a device',
    lowers: [special],
    call: { op: 'utimens', path: 'c', atime: [1, 2], mtime: [3, 4] },
  },
  {
    title: 'copy-up of a socket',
    lowers: [special],
    call: { op: 'chmod', path: 'k', mode: 0o644 },
  },
  {
    title: 'copy-up of a directory',
    lowers: [tree],
    call: { op: 'chmod', path: 'd', mode: 0o750 },
  },
  {
    title: 'chmod of a file in a merged directory',
    lowers: [tree, [dir('d'), file('d/z')]],
    call: { op: 'chmod', path: 'd/z', mode: 0o600 },
  },
  {
    title: 'chmod of a hard link',
    lowers: [linked],
    call: { op: 'chmod', path: 'a', mode: 0o600 },
    between: separated,
  },
  {
    title: 'chown of a suid file',
    lowers: [rich],
    call: { op: 'chown', path: 'f', uid: 1, gid: 2 },
    between: uncapable,
  },
  {
    title: 'truncate to a part',
    lowers: [rich],
    call: { op: 'truncate', path: 'f', size: 5 },
    between: uncapable,
  },
  {
    title: 'truncate to nothing',
    lowers: [rich],
    call: { op: 'truncate', path: 'f', size: 0 },
    between: uncapable,
  },
  {
    title: 'open with O_TRUNC',
    lowers: [rich],
    call: { op: 'open', as: 'h', path: 'f', flags: ['write', 'truncate'] },
  },
  {
    title: 'setxattr of a file',
    lowers: [rich],
    call: { op: 'setxattr', path: 'f', name: 'user.new', value: 'v' },
  },
  {
    title: 'removexattr of a file',
    lowers: [rich],
    call: { op: 'removexattr', path: 'f', name: 'user.note' },
  },
  {
    title: 'an ACL set on a file',
    lowers: [rich],
    call: { op: 'setxattr', path: 'f', name: 'system.posix_acl_access', value: sampleAcl },
  },
  {
    title: 'a default ACL set on a directory',
    lowers: [tree],
    call: { op: 'setxattr', path: 'd', name: 'system.posix_acl_default', value: sampleAcl },
  },
  {
    title: 'fchmod through a handle for reading',
    lowers: [rich],
    open: [{ op: 'open', as: 'h', path: 'f', flags: ['read'] }],
    call: { op: 'fchmod', handle: 'h', mode: 0o600 },
  },
  {
    title: 'an append-only file made ordinary',
    lowers: [[file('f'), { op: 'setflags', path: 'f', flags: 0x20 }]],
    call: { op: 'setflags', path: 'f', flags: 0 },
  },
  {
    title: 'a file made immutable',
    lowers: [[file('f')]],
    call: { op: 'setflags', path: 'f', flags: 0x10 },
  },
  {
    title: 'copy-up of a file, userxattr',
    options: 'userxattr',
    lowers: [rich],
    call: touch('f'),
  },
  {
    title: 'copy-up of a symlink, userxattr',
    options: 'userxattr',
    lowers: [special],
    call: { op: 'chown', path: 's', uid: 7, gid: 8 },
    between: [
      {
        why: 'the copy of a symlink, which cannot carry the mark of its origin',
        script: [{ op: 'chown', path: 's', uid: 0, gid: 0 }],
      },
    ],
  },
]
