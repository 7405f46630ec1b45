/** Making names, above all over whiteouts, and removing them. */
import type { Operation } from '../../operation.js'
import { dir, file, sampleAcl, whiteout } from '../../standard-layers.js'
import type { FaultCase } from '../case.js'

const plain: readonly Operation[] = [file('f', 'content of f'), file('g', 'content of g')]
const tree: readonly Operation[] = [
  ...plain,
  dir('d', 0o711),
  { op: 'setxattr', path: 'd', name: 'user.note', value: 'of a directory' },
  file('d/x'),
  file('d/y'),
]
/** Has its names whited out one by one. */
const emptied: readonly Operation[] = [
  { op: 'unlink', path: 'd/x' },
  { op: 'unlink', path: 'd/y' },
]
const gone: readonly Operation[] = [...emptied, { op: 'rmdir', path: 'd' }]
const linked: readonly Operation[] = [file('a', 'linked'), { op: 'link', from: 'a', to: 'b' }]
/** What passes something on to what is made in it. */
const heritable: readonly Operation[] = [
  dir('d'),
  file('d/x'),
  { op: 'chown', path: 'd', uid: 1000, gid: 1001 },
  { op: 'chmod', path: 'd', mode: 0o2775 },
  { op: 'setxattr', path: 'd', name: 'system.posix_acl_default', value: sampleAcl },
]

function make(path: string): Operation {
  return { op: 'open', as: 'h', path, flags: ['write', 'create', 'exclusive'] }
}

const separated = [
  {
    why: 'the copy of a lower hard link is a file of its own',
    script: [{ op: 'open', as: 'h', path: 'a', flags: ['read-write'] }],
  },
] as const

const creations: readonly FaultCase[] = [
  {
    title: 'create over a whiteout',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }],
    call: make('f'),
  },
  {
    title: 'create over a whiteout as a user',
    lowers: [[dir('d'), file('d/x'), { op: 'chmod', path: 'd', mode: 0o777 }]],
    setup: [{ op: 'unlink', path: 'd/x' }],
    call: { ...make('d/x'), by: { uid: 1000, gid: 1001 } },
  },
  {
    title: 'mknod over a whiteout: a file',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }],
    call: { op: 'mknod', path: 'f', kind: 'file', mode: 0o600 },
  },
  {
    title: 'mknod over a whiteout: a device',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }],
    call: { op: 'mknod', path: 'f', kind: 'char', mode: 0o600, major: 1, minor: 3 },
  },
  {
    title: 'mknod over a whiteout: a fifo',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }],
    call: { op: 'mknod', path: 'f', kind: 'fifo', mode: 0o600 },
  },
  {
    title: 'symlink over a whiteout',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }],
    call: { op: 'symlink', path: 'f', target: 'g' },
  },
  {
    title: 'mkdir over a whiteout',
    lowers: [tree],
    setup: gone,
    call: { op: 'mkdir', path: 'd', mode: 0o755 },
  },
  {
    title: 'mkdir over a whiteout, userxattr',
    options: 'userxattr',
    lowers: [tree],
    setup: gone,
    call: { op: 'mkdir', path: 'd', mode: 0o755 },
  },
  {
    title: 'mkdir over a whiteout of a lower layer',
    lowers: [[whiteout('d')], tree],
    call: { op: 'mkdir', path: 'd', mode: 0o755 },
  },
  {
    title: 'create over a whiteout where much is inherited',
    lowers: [heritable],
    setup: [{ op: 'unlink', path: 'd/x' }],
    call: make('d/x'),
  },
  {
    title: 'mkdir over a whiteout where much is inherited',
    lowers: [heritable],
    setup: [{ op: 'unlink', path: 'd/x' }],
    call: { op: 'mkdir', path: 'd/x', mode: 0o755 },
  },
  {
    title: 'link of a lower file over a whiteout',
    lowers: [tree],
    setup: [{ op: 'unlink', path: 'd/x' }],
    call: { op: 'link', from: 'f', to: 'd/x' },
  },
  {
    title: 'link of an upper file over a whiteout',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }, file('u', 'of upper')],
    call: { op: 'link', from: 'u', to: 'f' },
  },
  {
    title: 'link of a lower hard link',
    lowers: [linked],
    call: { op: 'link', from: 'a', to: 'c' },
    between: separated,
  },
  {
    title: 'link of a lower file into a lower directory',
    lowers: [tree],
    call: { op: 'link', from: 'f', to: 'd/n' },
  },
  { title: 'create in a lower directory', lowers: [tree], call: make('d/n') },
  {
    title: 'mkdir in a lower directory',
    lowers: [tree],
    call: { op: 'mkdir', path: 'd/n', mode: 0o755 },
  },
  {
    title: 'symlink in a lower directory',
    lowers: [tree],
    call: { op: 'symlink', path: 'd/n', target: 'x' },
  },
  {
    title: 'mkdir with redirect_dir=on',
    options: 'redirect_dir=on',
    lowers: [plain],
    call: { op: 'mkdir', path: 'n', mode: 0o755 },
  },
  {
    title: 'link of a nameless file over a whiteout',
    lowers: [tree],
    setup: [{ op: 'unlink', path: 'd/x' }],
    open: [{ op: 'open', as: 'h', path: 'd', flags: ['read-write', 'tmpfile'] }],
    call: { op: 'link-handle', handle: 'h', to: 'd/x' },
    keeps: 'with its only name gone, the file could not be linked again',
  },
]

const inUse: readonly Operation[] = [
  { op: 'fstat', handle: 'h' },
  { op: 'fread', handle: 'h', offset: 0, size: 100 },
  { op: 'fwrite', handle: 'h', offset: 0, data: 'more' },
]

const removals: readonly FaultCase[] = [
  { title: 'unlink of a lower file', lowers: [plain], call: { op: 'unlink', path: 'f' } },
  {
    title: 'unlink of a file in a lower directory',
    lowers: [tree],
    call: { op: 'unlink', path: 'd/x' },
  },
  {
    title: 'unlink of a copied-up file',
    lowers: [plain],
    setup: [{ op: 'append', path: 'f', data: ', and more' }],
    call: { op: 'unlink', path: 'f' },
  },
  {
    title: 'unlink of a file that replaced a lower one',
    lowers: [plain],
    setup: [{ op: 'unlink', path: 'f' }, file('f', 'of upper')],
    call: { op: 'unlink', path: 'f' },
  },
  {
    title: 'unlink of an upper file',
    lowers: [tree],
    setup: [file('d/u')],
    call: { op: 'unlink', path: 'd/u' },
  },
  {
    title: 'unlink of a lower hard link',
    lowers: [linked],
    call: { op: 'unlink', path: 'a' },
  },
  {
    title: 'unlink of a lower symlink',
    lowers: [[{ op: 'symlink', path: 's', target: 'nowhere' }]],
    call: { op: 'unlink', path: 's' },
  },
  ...(['', 'passthrough=off'] as const).map((ours) => ({
    title: `unlink of a file in use ${ours}`,
    ours,
    lowers: [plain],
    setup: [{ op: 'append', path: 'f', data: ', and more' } as const],
    open: [{ op: 'open', as: 'h', path: 'f', flags: ['read-write'] } as const],
    call: { op: 'unlink', path: 'f' } as const,
    after: inUse,
  })),
  {
    title: 'unlink of a lower file in use',
    lowers: [plain],
    open: [{ op: 'open', as: 'h', path: 'f', flags: ['read'] }],
    call: { op: 'unlink', path: 'f' },
    after: [
      { op: 'fstat', handle: 'h' },
      { op: 'fread', handle: 'h', offset: 0, size: 100 },
    ],
  },
  {
    title: 'rmdir of a lower directory',
    lowers: [[dir('e', 0o700)]],
    call: { op: 'rmdir', path: 'e' },
  },
  {
    title: 'rmdir of a copied-up directory',
    lowers: [[dir('e', 0o700)]],
    setup: [{ op: 'chmod', path: 'e', mode: 0o755 }],
    call: { op: 'rmdir', path: 'e' },
  },
  {
    title: 'rmdir of a directory that holds only whiteouts',
    lowers: [tree, [dir('d'), file('d/z')]],
    setup: [...emptied, { op: 'unlink', path: 'd/z' }],
    call: { op: 'rmdir', path: 'd' },
  },
  {
    title: 'rmdir of a directory that replaced a lower one',
    lowers: [tree],
    setup: [...gone, dir('d')],
    call: { op: 'rmdir', path: 'd' },
  },
  {
    title: 'rmdir of an upper directory',
    lowers: [plain],
    setup: [dir('u')],
    call: { op: 'rmdir', path: 'u' },
  },
  {
    title: 'rmdir of a moved directory that holds only whiteouts',
    options: 'redirect_dir=on',
    lowers: [tree],
    setup: [
      { op: 'rename', from: 'd', to: 'n' },
      { op: 'unlink', path: 'n/x' },
      { op: 'unlink', path: 'n/y' },
    ],
    call: { op: 'rmdir', path: 'n' },
  },
]

export const nameCases: readonly FaultCase[] = [...creations, ...removals]
