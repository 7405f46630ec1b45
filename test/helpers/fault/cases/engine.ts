/** Operations on layers as container engines have them where kernel overlayfs cannot be used. */
import type { Operation } from '../../operation.js'
import { dir, file } from '../../standard-layers.js'
import type { FaultCase } from '../case.js'

const lower: readonly Operation[] = [
  file('f', 'content of f'),
  file('g', 'content of g'),
  dir('d', 0o711),
  file('d/x'),
  file('d/y'),
  dir('e', 0o700),
]
const emptied: readonly Operation[] = [
  { op: 'unlink', path: 'd/x' },
  { op: 'unlink', path: 'd/y' },
]
const gone: readonly Operation[] = [...emptied, { op: 'rmdir', path: 'd' }]
const pure: readonly Operation[] = [dir('u'), file('u/in')]

const longAgo: Operation = { op: 'utimens', path: 'd', atime: [1, 2], mtime: [3, 4] }

function make(path: string): Operation {
  return { op: 'open', as: 'h', path, flags: ['write', 'create', 'exclusive'] }
}

function move(from: string, to: string): Operation {
  return { op: 'rename', from, to }
}

/** One operation each way that a form of whiteouts has a way of its own. */
const byForm: readonly FaultCase[] = [
  { title: 'unlink of a lower file', lowers: [lower], call: { op: 'unlink', path: 'f' } },
  {
    title: 'unlink of a copied-up file',
    lowers: [lower],
    setup: [{ op: 'append', path: 'f', data: ', and more' }],
    call: { op: 'unlink', path: 'f' },
  },
  {
    title: 'rmdir of a copied-up directory',
    lowers: [lower],
    setup: [{ op: 'chmod', path: 'e', mode: 0o755 }],
    call: { op: 'rmdir', path: 'e' },
  },
  {
    title: 'rmdir of a directory that holds only whiteouts',
    lowers: [lower],
    setup: emptied,
    call: { op: 'rmdir', path: 'd' },
  },
  {
    title: 'create over a whiteout',
    lowers: [lower],
    setup: [{ op: 'unlink', path: 'f' }],
    call: make('f'),
  },
  {
    title: 'mkdir over a whiteout',
    lowers: [lower],
    setup: gone,
    call: { op: 'mkdir', path: 'd', mode: 0o755 },
  },
  {
    title: 'link over a whiteout',
    lowers: [lower],
    setup: [{ op: 'unlink', path: 'f' }],
    call: { op: 'link', from: 'g', to: 'f' },
  },
  { title: 'rename of a lower file, new name', lowers: [lower], call: move('f', 'n') },
  { title: 'rename of a lower file over another', lowers: [lower], call: move('f', 'g') },
  {
    title: 'rename of a lower file over a whiteout',
    lowers: [lower],
    setup: [{ op: 'unlink', path: 'g' }],
    call: move('f', 'g'),
  },
  {
    title: 'rename of an upper directory over a whiteout',
    lowers: [lower],
    setup: [...pure, { op: 'unlink', path: 'g' }],
    call: move('u', 'g'),
  },
  {
    title: 'rename of an upper directory over one that holds only whiteouts',
    lowers: [lower],
    setup: [...pure, ...emptied, longAgo],
    call: move('u', 'd'),
    between: [
      {
        why: 'the target by another inode number: the whiteouts in it are gone, and it is opaque',
        script: [{ op: 'rmdir', path: 'd' }, dir('d', 0o711), longAgo],
      },
    ],
  },
]

const inXattrs: readonly FaultCase[] = [
  {
    title: 'copy-up of a file',
    lowers: [[...lower, { op: 'chown', path: 'f', uid: 1000, gid: 1001 }]],
    call: { op: 'chmod', path: 'f', mode: 0o600 },
  },
  {
    title: 'copy-up of a device',
    lowers: [[{ op: 'mknod', path: 'c', kind: 'char', mode: 0o600, major: 1, minor: 3 }]],
    call: { op: 'chown', path: 'c', uid: 1, gid: 2 },
  },
  { title: 'create', lowers: [lower], call: make('n') },
  { title: 'mkdir', lowers: [lower], call: { op: 'mkdir', path: 'd/n', mode: 0o750 } },
  {
    title: 'mkdir over a whiteout',
    lowers: [lower],
    setup: gone,
    call: { op: 'mkdir', path: 'd', mode: 0o755 },
  },
]

export const engineCases: readonly FaultCase[] = [
  ...byForm.map((each): FaultCase => ({
    ...each,
    title: `.wh. files: ${each.title}`,
    engine: 'wh-file',
  })),
  ...inXattrs.map((each): FaultCase => ({
    ...each,
    title: `modes in xattrs: ${each.title}`,
    engine: 'device',
    options: 'xattr_permissions=2',
  })),
]
