/** Rename in all its variants. */
import type { Operation, RenameFlag } from '../../operation.js'
import { dir, file } from '../../standard-layers.js'
import type { FaultCase } from '../case.js'

const lower: readonly Operation[] = [
  file('f', 'content of f'),
  file('g', 'content of g'),
  dir('d', 0o711),
  file('d/x'),
  dir('d/sub'),
  file('d/sub/y'),
  dir('e', 0o700),
  { op: 'setxattr', path: 'e', name: 'user.note', value: 'of an empty directory' },
]
const linked: readonly Operation[] = [file('a', 'linked'), { op: 'link', from: 'a', to: 'b' }]
/** A directory of upper's own. */
const pure: readonly Operation[] = [dir('u'), file('u/in'), dir('u/deep')]
const withoutG: readonly Operation[] = [{ op: 'unlink', path: 'g' }]
/** A merged directory that shows nothing. */
const hollow: readonly Operation[] = [dir('w', 0o750), file('w/1'), file('w/2')]
const longAgo: Operation = { op: 'utimens', path: 'w', atime: [1, 2], mtime: [3, 4] }
const hollowed: readonly Operation[] = [
  { op: 'unlink', path: 'w/1' },
  { op: 'unlink', path: 'w/2' },
  longAgo,
]
const cleared = [
  {
    why: 'the target by another inode number: the whiteouts in it are gone, and it is opaque',
    script: [{ op: 'rmdir', path: 'w' }, dir('w', 0o750), longAgo],
  },
] as const
/** A directory of upper in the place of a lower one. */
const replaced: readonly Operation[] = [{ op: 'rmdir', path: 'e' }, dir('e'), file('e/new')]

function move(from: string, to: string, ...flags: readonly RenameFlag[]): Operation {
  return { op: 'rename', from, to, flags }
}

const separated = [
  {
    why: 'the copy of a lower hard link is a file of its own',
    script: [{ op: 'open', as: 'h', path: 'a', flags: ['read-write'] }],
  },
] as const

const files: readonly FaultCase[] = [
  { title: 'a lower file, new name', lowers: [lower], call: move('f', 'n') },
  {
    title: 'a lower file, new name, not replacing',
    lowers: [lower],
    call: move('f', 'n', 'noreplace'),
  },
  { title: 'a lower file, to a lower directory', lowers: [lower], call: move('f', 'd/n') },
  { title: 'a lower file, from a lower directory', lowers: [lower], call: move('d/x', 'n') },
  { title: 'a lower file over a lower file', lowers: [lower], call: move('f', 'g') },
  {
    title: 'a lower file over an upper file',
    lowers: [lower],
    setup: [file('u', 'of upper')],
    call: move('f', 'u'),
  },
  {
    title: 'a lower file over a whiteout',
    lowers: [lower],
    setup: withoutG,
    call: move('f', 'g'),
  },
  {
    title: 'an upper file, new name',
    lowers: [lower],
    setup: [file('u', 'of upper')],
    call: move('u', 'n'),
  },
  {
    title: 'an upper file over a lower file',
    lowers: [lower],
    setup: [file('u', 'of upper')],
    call: move('u', 'd/x'),
  },
  {
    title: 'an upper file over a file in use',
    ours: 'passthrough=off',
    lowers: [lower],
    setup: [file('u', 'of upper'), file('v', 'of upper, too')],
    open: [{ op: 'open', as: 'h', path: 'v', flags: ['read-write'] }],
    call: move('u', 'v'),
    after: [
      { op: 'fstat', handle: 'h' },
      { op: 'fread', handle: 'h', offset: 0, size: 100 },
      { op: 'fwrite', handle: 'h', offset: 0, data: 'more' },
    ],
  },
  {
    title: 'an upper file over a whiteout',
    lowers: [lower],
    setup: [...withoutG, file('u', 'of upper')],
    call: move('u', 'g'),
  },
  {
    title: 'a copied-up file, to another directory',
    lowers: [lower],
    setup: [{ op: 'append', path: 'f', data: ', and more' }],
    call: move('f', 'd/n'),
  },
  {
    title: 'a lower hard link, new name',
    lowers: [linked],
    call: move('a', 'n'),
    between: separated,
  },
  {
    title: 'a lower hard link over another name of it',
    lowers: [linked],
    call: move('a', 'b'),
    between: separated,
  },
  {
    title: 'a lower symlink over a lower file',
    lowers: [[...lower, { op: 'symlink', path: 's', target: 'f' }]],
    call: move('s', 'g'),
  },
]

const directories: readonly FaultCase[] = [
  { title: 'an upper directory, new name', lowers: [lower], setup: pure, call: move('u', 'n') },
  {
    title: 'an upper directory, to a lower directory',
    lowers: [lower],
    setup: pure,
    call: move('u', 'd/n'),
  },
  {
    title: 'an upper directory over a whiteout',
    lowers: [lower],
    setup: [...pure, ...withoutG],
    call: move('u', 'g'),
  },
  {
    title: 'an upper directory over an empty lower one',
    lowers: [lower],
    setup: pure,
    call: move('u', 'e'),
  },
  {
    title: 'an upper directory over an empty upper one',
    lowers: [lower],
    setup: [...pure, dir('v')],
    call: move('u', 'v'),
  },
  {
    title: 'an upper directory over one that holds only whiteouts',
    lowers: [hollow],
    setup: [...pure, ...hollowed],
    call: move('u', 'w'),
    between: cleared,
  },
  {
    title: 'a directory that replaced a lower one, new name',
    lowers: [lower],
    setup: replaced,
    call: move('e', 'n'),
  },
  {
    title: 'a directory that replaced a lower one over a whiteout',
    lowers: [lower],
    setup: [...replaced, ...withoutG],
    call: move('e', 'g'),
  },
  {
    title: 'a directory that replaced a lower one over one that holds only whiteouts',
    lowers: [[...lower, ...hollow]],
    setup: [...replaced, ...hollowed],
    call: move('e', 'w'),
    between: cleared,
  },
]

const options = 'redirect_dir=on'

const redirects: readonly FaultCase[] = [
  { title: 'a lower directory, new name', options, lowers: [lower], call: move('d', 'n') },
  {
    title: 'a lower directory, to another directory',
    options,
    lowers: [lower, [dir('d'), file('d/below')]],
    call: move('d/sub', 'e/n'),
  },
  {
    title: 'a moved directory, moved on',
    options,
    lowers: [lower],
    setup: [move('d', 'n')],
    call: move('n', 'e/n'),
  },
  {
    title: 'a lower directory over a whiteout',
    options,
    lowers: [lower],
    setup: withoutG,
    call: move('d', 'g'),
  },
  {
    title: 'a lower directory over an empty one',
    options,
    lowers: [lower],
    call: move('d', 'e'),
  },
  {
    title: 'a lower directory over one that holds only whiteouts',
    options,
    lowers: [[...lower, ...hollow]],
    setup: hollowed,
    call: move('d', 'w'),
    between: cleared,
  },
  {
    title: 'a merged directory, new name',
    options,
    lowers: [lower],
    setup: [file('d/new'), { op: 'unlink', path: 'd/x' }],
    call: move('d', 'n'),
  },
]

const exchanges: readonly FaultCase[] = [
  { title: 'two lower files', lowers: [lower], call: move('f', 'g', 'exchange') },
  {
    title: 'two lower files of two directories',
    lowers: [lower],
    call: move('f', 'd/x', 'exchange'),
  },
  {
    title: 'a lower file and an upper one',
    lowers: [lower],
    setup: [file('u', 'of upper')],
    call: move('f', 'u', 'exchange'),
  },
  {
    title: 'a lower file and an upper directory',
    lowers: [lower],
    setup: pure,
    call: move('d/x', 'u', 'exchange'),
  },
  { title: 'two lower directories', options, lowers: [lower], call: move('d', 'e', 'exchange') },
  {
    title: 'a lower directory and a file of another directory',
    options,
    lowers: [lower],
    call: move('e', 'd/x', 'exchange'),
  },
]

function titled(prefix: string, cases: readonly FaultCase[]): FaultCase[] {
  return cases.map((faultCase) => ({ ...faultCase, title: `${prefix}: ${faultCase.title}` }))
}

export const renameCases: readonly FaultCase[] = [
  ...titled('rename', files),
  ...titled('rename', directories),
  ...titled('redirect', redirects),
  ...titled('exchange', exchanges),
]
