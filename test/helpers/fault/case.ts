/**
 * What the fault suite does on a mount: one system call that takes the overlay several, with what it
 * finds in upper before. The trees are small, since each is built and looked at hundreds of times.
 */
import type { Operation } from './operation.js'
import { dir, file, sampleAcl, whiteout } from './standard-layers.js'

/** One system call, and the state it starts from. */
export interface FaultCase {
  readonly title: string
  /** Mount options beside the directories. */
  readonly options?: string
  /** Brings upper about, through kernel overlayfs. */
  readonly setup?: readonly Operation[]
  /** Done on the mount before anything goes wrong: opens handles. */
  readonly open?: readonly Operation[]
  /** The system call under test. */
  readonly call: Operation
  /** Names (paths from the root) whose times may be in between: O_TRUNC is two steps on disk. */
  readonly timesBetween?: readonly string[]
}

/** Lower layers, topmost first. */
export const faultLowers: readonly (readonly Operation[])[] = [
  [dir('d'), file('d/top'), dir('w'), file('w/3'), whiteout('hidden'), file('over', 'top')],
  [
    file('f', 'content of f', 0o640),
    { op: 'setxattr', path: 'f', name: 'user.note', value: 'a\0b' },
    { op: 'setxattr', path: 'f', name: 'trusted.note', value: 't' },
    { op: 'chown', path: 'f', uid: 1000, gid: 1001 },
    file('g', 'content of g'),
    file('hidden'),
    file('over', 'bottom'),
    file('acl', 'with an ACL'),
    { op: 'setxattr', path: 'acl', name: 'system.posix_acl_access', value: sampleAcl },
    file('sparse', 'head'),
    { op: 'write', path: 'sparse', offset: 100_000, data: 'middle' },
    { op: 'truncate', path: 'sparse', size: 200_000 },
    file('hl1', 'linked'),
    { op: 'link', from: 'hl1', to: 'hl2' },
    { op: 'symlink', path: 's', target: 'f' },
    { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o640 },
    { op: 'mknod', path: 'c', kind: 'char', mode: 0o600, major: 1, minor: 3 },
    { op: 'chown', path: 'p', uid: 5, gid: 6 },
    dir('d'),
    { op: 'chown', path: 'd', uid: 1000, gid: 1001 },
    { op: 'chmod', path: 'd', mode: 0o2775 },
    file('d/x'),
    dir('d/sub'),
    file('d/sub/y'),
    dir('d/sub/deep'),
    file('d/sub/deep/z'),
    dir('acls'),
    file('acls/x'),
    { op: 'setxattr', path: 'acls', name: 'system.posix_acl_default', value: sampleAcl },
    dir('e', 0o711),
    { op: 'setxattr', path: 'e', name: 'user.note', value: 'kept' },
    dir('w'),
    file('w/1'),
    file('w/2'),
  ],
]
