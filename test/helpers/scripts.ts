/** Layers and scripts for the compatibility suite. */
import {
  chownSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import type { Operation } from './operation.js'

/** Make lower layer `index` (0 = topmost): shared names, names of its own, every type. */
export function buildLayer(path: string, index: number): void {
  const at = (name: string): string => `${path}/${name}`
  mkdirSync(at('dir/sub'), { recursive: true })
  mkdirSync(at(`only${index}/deep/er`), { recursive: true })
  mkdirSync(at('empty'))
  writeFileSync(at('file'), `file of layer ${index}\n`)
  writeFileSync(at(`file${index}`), 'x'.repeat(5000), { mode: 0o640 })
  writeFileSync(at('dir/a'), `a of ${index}`)
  writeFileSync(at(`dir/b${index}`), 'b')
  writeFileSync(at('dir/sub/c'), `c of ${index}`)
  writeFileSync(at(`only${index}/deep/x`), 'x')
  writeFileSync(at(`only${index}/deep/er/y`), 'y')
  symlinkSync('file', at('link'))
  execFileSync('mkfifo', [at('fifo')])
  execFileSync('mknod', [at('null'), 'c', '1', '3'])
  writeFileSync(at('hard1'), 'hard')
  linkSync(at('hard1'), at('hard2'))
  writeFileSync(at('sparse'), 'start')
  truncateSync(at('sparse'), 1_000_000)
  chownSync(at('file'), 1000, 1001)
  if (index % 2 === 1) {
    execFileSync('mknod', [at(`file${index + 1}`), 'c', '0', '0'])
    execFileSync('setfattr', ['-n', 'trusted.overlay.opaque', '-v', 'y', at('dir/sub')])
  }
  execFileSync('setfattr', ['-n', 'user.note', '-v', `layer${index}`, at('file')])
  for (const name of ['file', 'dir/a', 'dir', 'empty', '.'])
    utimesSync(at(name), 1_000_000, 2_000_000)
}

const N = (name: string): string => name

/** Every kind of operation at least once, on lower, merged and upper objects. */
export const everyOperation: readonly Operation[] = [
  { op: 'list', path: '.' },
  { op: 'list', path: 'dir' },
  { op: 'stat', path: 'file' },
  { op: 'read', path: 'file' },
  { op: 'readlink', path: 'link' },
  { op: 'getxattr', path: 'file', name: 'user.note' },
  { op: 'listxattr', path: 'file' },
  { op: 'append', path: 'file', data: 'more' },
  { op: 'write', path: 'dir/a', offset: 1, data: 'Q' },
  { op: 'truncate', path: 'file0', size: 100 },
  { op: 'append', path: 'sparse', data: 'end' },
  { op: 'chmod', path: 'dir/b0', mode: 0o4755 },
  { op: 'chown', path: 'dir/b0', uid: 5, gid: 6 },
  { op: 'utimens', path: 'dir/sub/c', atime: [10, 11], mtime: [12, 13] },
  { op: 'utimens', path: 'link', atime: [10, 11], mtime: [12, 13] },
  { op: 'setxattr', path: 'file', name: 'user.new', value: 'v' },
  { op: 'setxattr', path: 'file', name: 'trusted.overlay.opaque', value: 'y' },
  { op: 'listxattr', path: 'file' },
  { op: 'removexattr', path: 'file', name: 'user.note' },
  { op: 'removexattr', path: 'dir/sub/c', name: 'user.none' },
  { op: 'create', path: 'new', mode: 0o644, data: 'new' },
  { op: 'create', path: 'dir/new', mode: 0o600, data: 'n' },
  { op: 'create', path: 'file', mode: 0o644, data: 'again' },
  { op: 'mkdir', path: 'newdir', mode: 0o755 },
  { op: 'mkdir', path: 'dir', mode: 0o755 },
  { op: 'mkdir', path: 'only0/made', mode: 0o700 },
  { op: 'create', path: 'newdir/in', mode: 0o644 },
  { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o644 },
  { op: 'mknod', path: 'newdir/s', kind: 'socket', mode: 0o600 },
  { op: 'mknod', path: 'newdir/c', kind: 'char', mode: 0o600, major: 1, minor: 5 },
  { op: 'mknod', path: 'whiteout', kind: 'char', mode: 0o600, major: 0, minor: 0 },
  { op: 'symlink', path: 'dir/sl', target: 'somewhere/else' },
  { op: 'link', from: 'dir/b0', to: 'dir/bl' },
  { op: 'link', from: 'file0', to: 'newdir/hard' },
  { op: 'link', from: 'hard1', to: 'hard3' },
  { op: 'append', path: 'hard1', data: '+' },
  { op: 'stat', path: 'hard1' },
  { op: 'stat', path: 'hard2' },
  { op: 'read', path: 'hard3' },
  { op: 'unlink', path: 'hard2' },
  { op: 'unlink', path: 'new' },
  { op: 'unlink', path: 'fifo' },
  { op: 'unlink', path: 'dir' },
  { op: 'unlink', path: 'missing' },
  { op: 'rmdir', path: 'dir' },
  { op: 'rmdir', path: 'empty' },
  { op: 'mkdir', path: 'empty', mode: 0o711 },
  { op: 'create', path: 'fifo', mode: 0o644, data: 'now a file' },
  { op: 'unlink', path: 'dir/sub/c' },
  { op: 'rmdir', path: 'dir/sub' },
  { op: 'mkdir', path: 'dir/sub', mode: 0o755 },
  { op: 'create', path: 'dir/sub/fresh', mode: 0o644 },
  { op: 'list', path: 'dir/sub' },
  { op: 'rename', from: 'dir/a', to: 'dir/a2' },
  { op: 'rename', from: 'dir/a2', to: 'newdir/a3' },
  { op: 'rename', from: 'link', to: 'dir/link' },
  { op: 'rename', from: 'only0', to: 'moved' },
  { op: 'rename', from: 'dir', to: 'moved' },
  { op: 'rename', from: 'newdir', to: 'dir/newdir' },
  { op: 'rename', from: 'dir/newdir', to: 'empty' },
  { op: 'rename', from: 'file', to: 'null', flags: ['exchange'] },
  { op: 'rename', from: 'file', to: 'null', flags: ['noreplace'] },
  { op: 'rename', from: 'sparse', to: 'other', flags: ['noreplace'] },
  { op: 'rename', from: 'other', to: 'gone', flags: ['whiteout'] },
  { op: 'open', path: 'only0/deep/x', as: 'h', flags: ['read'] },
  { op: 'append', path: 'only0/deep/x', data: 'later' },
  { op: 'fread', handle: 'h', offset: 0, size: 100 },
  { op: 'fstat', handle: 'h' },
  { op: 'unlink', path: 'only0/deep/x' },
  { op: 'fread', handle: 'h', offset: 0, size: 100 },
  { op: 'close', handle: 'h' },
  { op: 'open', path: 'only0/deep/er/y', as: 'w', flags: ['read-write', 'truncate'] },
  { op: 'fwrite', handle: 'w', offset: 3, data: 'yyy' },
  { op: 'ftruncate', handle: 'w', size: 10 },
  { op: 'fsync', handle: 'w' },
  { op: 'close', handle: 'w' },
  { op: 'create', path: `n\xff\xfe`, mode: 0o644 },
  { op: 'create', path: N('l'.repeat(255)), mode: 0o644 },
  { op: 'create', path: N('l'.repeat(256)), mode: 0o644 },
  { op: 'mkdir', path: 'only0/made/by', mode: 0o777, by: { uid: 7, gid: 8 } },
  { op: 'chmod', path: 'only0/made', mode: 0o2777 },
  { op: 'mkdir', path: 'only0/made/by', mode: 0o777, by: { uid: 7, gid: 8 } },
  { op: 'create', path: 'only0/made/by/file', mode: 0o666, by: { uid: 7, gid: 8 } },
  { op: 'append', path: 'file0', data: 'x', by: { uid: 7, gid: 8 } },
  { op: 'list', path: '.' },
]

/** What open files see and do: through unlink, rename and copy-up, and without a name. */
export const openFiles: readonly Operation[] = [
  { op: 'open', path: 'file', as: 'r', flags: ['read'] },
  { op: 'open', path: 'file', as: 'w', flags: ['write', 'append'] },
  { op: 'fwrite', handle: 'w', offset: 0, data: 'appended' },
  { op: 'fread', handle: 'r', offset: 0, size: 100 },
  { op: 'fstat', handle: 'r' },
  { op: 'rename', from: 'file', to: 'renamed' },
  { op: 'fread', handle: 'r', offset: 3, size: 10 },
  { op: 'unlink', path: 'renamed' },
  { op: 'fread', handle: 'r', offset: 0, size: 100 },
  { op: 'fwrite', handle: 'w', offset: 0, data: '!' },
  { op: 'fchmod', handle: 'w', mode: 0o600 },
  { op: 'futimens', handle: 'w', atime: [1, 2], mtime: [3, 4] },
  { op: 'fsetxattr', handle: 'w', name: 'user.k', value: 'v' },
  { op: 'fgetxattr', handle: 'r', name: 'user.k' },
  { op: 'ftruncate', handle: 'w', size: 2 },
  { op: 'fstat', handle: 'r' },
  { op: 'link-handle', handle: 'w', to: 'back' },
  { op: 'open', path: 'dir/b0', as: 'lower', flags: ['read'] },
  { op: 'unlink', path: 'dir/b0' },
  { op: 'fread', handle: 'lower', offset: 0, size: 10 },
  { op: 'fstat', handle: 'lower' },
  { op: 'fchmod', handle: 'lower', mode: 0o600 },
  { op: 'futimens', handle: 'lower', atime: [1, 2], mtime: [3, 4] },
  { op: 'fsetxattr', handle: 'lower', name: 'user.k', value: 'v' },
  { op: 'open', path: 'dir', as: 'tmp', flags: ['read-write', 'tmpfile'], mode: 0o640 },
  { op: 'fwrite', handle: 'tmp', offset: 0, data: 'nameless' },
  { op: 'fstat', handle: 'tmp' },
  { op: 'link-handle', handle: 'tmp', to: 'dir/named' },
  { op: 'read', path: 'dir/named' },
  { op: 'open', path: 'sparse', as: 's', flags: ['read-write'] },
  { op: 'fallocate-handle', handle: 's', mode: 'allocate', offset: 0, size: 8192 },
  { op: 'fallocate-handle', handle: 's', mode: 'punch-hole', offset: 0, size: 4096 },
  { op: 'fallocate-handle', handle: 's', mode: 'keep-size', offset: 2_000_000, size: 4096 },
  { op: 'fread', handle: 's', offset: 0, size: 10 },
  { op: 'copy-range', from: 'file0', to: 'copied', size: 3000 },
  { op: 'create', path: 'copied', mode: 0o644 },
  { op: 'copy-range', from: 'file0', to: 'copied', size: 3000 },
  { op: 'open', path: 'only0', as: 'd', flags: ['read', 'directory'] },
  { op: 'flist', handle: 'd' },
  { op: 'create', path: 'only0/late', mode: 0o644 },
  { op: 'rewind', handle: 'd' },
  { op: 'flist', handle: 'd' },
  { op: 'open', path: 'dir/sub/c', as: 'ro', flags: ['read', 'truncate'] },
  { op: 'read', path: 'dir/sub/c' },
  { op: 'open', path: 'only0/deep/x', as: 'odd', flags: ['accmode3'] },
  { op: 'open', path: 'only0/deep/er/y', as: 'p', flags: ['path'] },
  { op: 'open', path: 'link', as: 'nofollow', flags: ['read', 'nofollow'] },
  { op: 'open', path: 'hard1', as: 'sync', flags: ['write', 'sync'] },
  { op: 'fwrite', handle: 'sync', offset: 1, data: 'S' },
  { op: 'flock', handle: 'sync', mode: 'exclusive' },
  { op: 'read', path: 'hard2' },
  { op: 'chmod', path: 'only0/deep/x', mode: 0o6755 },
  { op: 'append', path: 'only0/deep/x', data: 'by another', by: { uid: 1000, gid: 1001 } },
  { op: 'chmod', path: 'only0/deep/x', mode: 0o6777 },
  { op: 'append', path: 'only0/deep/x', data: 'by another', by: { uid: 1000, gid: 1001 } },
  { op: 'stat', path: 'only0/deep/x' },
  { op: 'mkdir', path: 'sticky', mode: 0o1777 },
  { op: 'chmod', path: 'sticky', mode: 0o1777 },
  { op: 'create', path: 'sticky/mine', mode: 0o644, by: { uid: 1000, gid: 1001 } },
  { op: 'unlink', path: 'sticky/mine', by: { uid: 2000, gid: 2000 } },
  { op: 'rename', from: 'sticky/mine', to: 'sticky/yours', by: { uid: 2000, gid: 2000 } },
  { op: 'chown', path: 'sticky/mine', uid: 2000, gid: 2000, by: { uid: 1000, gid: 1001 } },
  { op: 'access', path: 'file1', mode: 2, by: { uid: 2000, gid: 2000 } },
  { op: 'access', path: 'dir', mode: 1 },
  { op: 'getflags', path: 'dir/a' },
  { op: 'umask', mode: 0o077 },
  { op: 'mkdir', path: 'private', mode: 0o777 },
  { op: 'create', path: 'private/f', mode: 0o666 },
  { op: 'mknod', path: 'private/p', kind: 'fifo', mode: 0o666 },
  { op: 'unlink', path: 'dir/a' },
  { op: 'create', path: 'dir/a', mode: 0o666 },
  { op: 'rmdir', path: 'empty' },
  { op: 'mkdir', path: 'empty', mode: 0o777 },
]

const paths = fc.constantFrom(
  'file', 'file0', 'dir', 'dir/a', 'dir/b0', 'dir/sub', 'dir/sub/c', 'only0', 'only0/deep',
  'only0/deep/x', 'empty', 'link', 'hard1', 'hard2', 'n1', 'n2', 'dir/n1', 'n1/n2', 'dir/sub/n1', 'empty/n1',
) // prettier-ignore
const modes = fc.constantFrom(0o644, 0o755, 0o600)
const flags = fc.constantFrom<readonly ('noreplace' | 'exchange')[]>(
  [],
  [],
  [],
  ['noreplace'],
  ['exchange'],
)

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    op: fc.constant('create' as const),
    path: paths,
    mode: modes,
    data: fc.constant('data'),
  }),
  fc.record({ op: fc.constant('append' as const), path: paths, data: fc.constant('+') }),
  fc.record({
    op: fc.constant('truncate' as const),
    path: paths,
    size: fc.constantFrom(0, 3, 9000),
  }),
  fc.record({ op: fc.constant('unlink' as const), path: paths }),
  fc.record({ op: fc.constant('rmdir' as const), path: paths }),
  fc.record({ op: fc.constant('mkdir' as const), path: paths, mode: modes }),
  fc.record({ op: fc.constant('symlink' as const), path: paths, target: fc.constant('t') }),
  fc.record({ op: fc.constant('link' as const), from: paths, to: paths }),
  fc.record({ op: fc.constant('rename' as const), from: paths, to: paths, flags }),
  fc.record({ op: fc.constant('rename' as const), from: paths, to: paths, flags }),
  fc.record({ op: fc.constant('chmod' as const), path: paths, mode: modes }),
  fc.record({
    op: fc.constant('setxattr' as const),
    path: paths,
    name: fc.constant('user.k'),
    value: fc.constant('v'),
  }),
  fc.record({
    op: fc.constantFrom('list' as const, 'stat' as const, 'read' as const),
    path: paths,
  }),
)

/** Scripts of 20 to 60 operations on a few names, so that they often meet. */
export const randomScript = fc.array(operation, { minLength: 20, maxLength: 60 })
