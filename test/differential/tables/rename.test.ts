/** SEMANTICS.md 3.8: every source onto every target, with every flag, with and without redirects. */
import {
  absentKinds,
  dirKinds,
  fileKinds,
  objectKinds,
  place,
  type ObjectKind,
} from '../../helpers/object-kinds.js'
import type { Operation, RenameFlag } from '../../helpers/operation.js'
import { dir, file, whiteout } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const flagSets: readonly (readonly RenameFlag[])[] = [[], ['noreplace'], ['exchange']]
const redirects = ['', 'redirect_dir=on']

/** A source onto every target in the same directory, one directory a pair. */
function within(source: ObjectKind, flags: readonly RenameFlag[]): Row {
  const pairs = objectKinds.map((target) => ({ target, at: target.name }))
  const objects = pairs.flatMap(({ target, at }) => [
    [source, `${at}/from`] as const,
    [target, `${at}/to`] as const,
  ])
  const script = pairs.flatMap(({ at }): Operation[] => [
    { op: 'rename', from: `${at}/from`, to: `${at}/to`, flags },
    { op: 'list', path: at },
    { op: 'stat', path: `${at}/to` },
  ])
  return {
    title: `${source.name} in its directory, ${flags.join() || 'no flag'}`,
    ...place(objects),
    script,
    layers: [3],
    options: redirects,
  }
}

/** A source onto every target of another directory: merged, pure upper, opaque. */
function across(source: ObjectKind, flags: readonly RenameFlag[]): Row {
  const objects = objectKinds.flatMap((target) => [
    [source, `${target.name}/from`] as const,
    [target, `other/${target.name}`] as const,
  ])
  const script = objectKinds.map((target): Operation => ({
    op: 'rename',
    from: `${target.name}/from`,
    to: `other/${target.name}`,
    flags,
  }))
  return {
    title: `${source.name} into another directory, ${flags.join() || 'no flag'}`,
    ...place(objects),
    script,
    layers: [1],
    options: redirects,
  }
}

/** Into and out of directories that nothing below merges with. */
function intoUpper(source: ObjectKind): Row {
  const { lower, setup } = place([
    [source, 'd/one'],
    [source, 'd/two'],
  ])
  return {
    title: `${source.name} into a pure upper directory and back`,
    lower,
    setup: [...setup, dir('pure'), dir('pure/sub')],
    script: [
      { op: 'rename', from: 'd/one', to: 'pure/sub/moved' },
      { op: 'rename', from: 'd/two', to: 'pure/moved' },
      { op: 'rename', from: 'pure/moved', to: 'd/back' },
      { op: 'rename', from: 'pure/sub/moved', to: 'd/two' },
      { op: 'rename', from: 'd/two', to: 'd/one' },
      { op: 'list', path: 'd' },
      { op: 'list', path: 'pure' },
    ],
    options: redirects,
  }
}

const sources = [...fileKinds, ...dirKinds]

/** What is refused before anything else is looked at. */
const refusals: Row[] = [
  {
    title: 'RENAME_WHITEOUT and impossible flags',
    refused: true,
    script: [
      { op: 'rename', from: 'f', to: 'new', flags: ['whiteout'] },
      { op: 'rename', from: 'u', to: 'new', flags: ['whiteout'] },
      { op: 'rename', from: 'u', to: 'f', flags: ['whiteout', 'exchange'] },
      { op: 'rename', from: 'u', to: 'f', flags: ['noreplace', 'exchange'] },
      { op: 'rename', from: 'absent', to: 'new', flags: ['whiteout'] },
    ],
  },
  {
    title: 'into its own subtree, onto its parent, the root',
    refused: true,
    options: redirects,
    script: [
      { op: 'rename', from: 'ud', to: 'ud/sub/in' },
      { op: 'rename', from: 'ld', to: 'ld/sub/in' },
      { op: 'rename', from: 'ud/sub', to: 'ud' },
      { op: 'rename', from: 'm/ud', to: 'm' },
      { op: 'rename', from: 'f', to: '.' },
      { op: 'rename', from: 'f', to: 'ld/..' },
      { op: 'rename', from: 'ud', to: 'ud/sub', flags: ['exchange'] },
    ],
  },
  {
    title: 'types that do not fit',
    refused: true,
    options: redirects,
    script: [
      { op: 'rename', from: 'f', to: 'ld' },
      { op: 'rename', from: 'f', to: 'ue' },
      { op: 'rename', from: 'ue', to: 'f' },
      { op: 'rename', from: 'ld', to: 'f' },
      { op: 'rename', from: 's', to: 'ue' },
      { op: 'rename', from: 'ue', to: 'u/x' },
      { op: 'rename', from: 'f/x', to: 'new' },
      { op: 'rename', from: 'u', to: 'absent/new' },
      { op: 'rename', from: 'u/', to: 'new' },
      { op: 'rename', from: 'u', to: 'new/' },
      { op: 'rename', from: 'u', to: 'x'.repeat(256) },
      { op: 'rename', from: 'wf', to: 'new' },
    ],
  },
]

const links: Row[] = [
  {
    title: 'two names of one inode',
    script: [
      { op: 'rename', from: 'u', to: 'uhl' },
      { op: 'rename', from: 'hl1', to: 'hl2' },
      { op: 'rename', from: 'f', to: 'f' },
      { op: 'rename', from: 'ld', to: 'ld' },
      { op: 'list', path: '.' },
    ],
  },
  {
    title: 'two names of one inode, exchanged',
    script: [
      { op: 'rename', from: 'u', to: 'uhl', flags: ['exchange'] },
      { op: 'rename', from: 'hl1', to: 'hl2', flags: ['exchange'] },
      { op: 'list', path: '.' },
    ],
  },
]

const chains: Row[] = [
  {
    title: 'a directory on and on: relative redirects become absolute, absolute ones stay',
    options: ['redirect_dir=on', 'redirect_dir=on,xino=on'],
    script: [
      { op: 'rename', from: 'ld', to: 'ld1' },
      { op: 'rename', from: 'ld1', to: 'ld2' },
      { op: 'rename', from: 'ld2/sub', to: 'ld2/sub1' },
      { op: 'rename', from: 'ld2', to: 'ud/ld3' },
      { op: 'rename', from: 'ud/ld3/sub1', to: 'sub2' },
      { op: 'rename', from: 'sub2', to: 'm/sub3' },
      { op: 'rename', from: 'm/sub3/deep', to: 'm/sub3/deeper' },
      { op: 'rename', from: 'm', to: 'm1' },
      { op: 'read', path: 'm1/sub3/deeper/z' },
    ],
    then: [
      { op: 'read', path: 'm1/sub3/deeper/z' },
      { op: 'rename', from: 'm1/sub3', to: 'm1/sub4' },
      { op: 'list', path: 'm1' },
      { op: 'rename', from: 'ud/ld3', to: 'ld' },
    ],
  },
  {
    title: 'a directory whose parent was renamed',
    options: ['redirect_dir=on'],
    script: [
      { op: 'rename', from: 'ld', to: 'moved' },
      { op: 'rename', from: 'moved/sub', to: 'top' },
      { op: 'rename', from: 'top/deep', to: 'moved/deep' },
      dir('ld'),
      { op: 'rename', from: 'top', to: 'ld/top' },
      { op: 'list', path: 'ld/top' },
      { op: 'list', path: 'moved/deep' },
    ],
    then: [
      { op: 'list', path: 'ld/top' },
      { op: 'list', path: 'moved/deep' },
    ],
  },
  {
    title: 'redirects that would be longer than 256 bytes',
    layers: [2],
    options: ['redirect_dir=on'],
    lower: () => {
      const long = 'x'.repeat(140)
      return [dir(long), dir(`${long}/${long}`), file(`${long}/${long}/f`), dir('d')]
    },
    script: [
      { op: 'rename', from: `${'x'.repeat(140)}/${'x'.repeat(140)}`, to: 'd/moved' },
      {
        op: 'rename',
        from: `${'x'.repeat(140)}/${'x'.repeat(140)}`,
        to: `${'x'.repeat(140)}/moved`,
      },
      { op: 'list', path: 'd' },
    ],
  },
  {
    title: 'a name of 255 bytes in its directory is never too long',
    layers: [2],
    options: ['redirect_dir=on'],
    lower: () => [dir('y'.repeat(255)), file(`${'y'.repeat(255)}/f`)],
    script: [{ op: 'rename', from: 'y'.repeat(255), to: 'short' }],
  },
  {
    title: 'redirects of other mounts are followed or refused',
    layers: [2],
    options: [
      '',
      'redirect_dir=on',
      'redirect_dir=follow',
      'redirect_dir=nofollow',
      'redirect_dir=off',
    ],
    lower: (index) => [dir('d'), file(`d/of${index}`), dir('e'), file(`e/of${index}`)],
    upper: [
      dir('moved'),
      { op: 'setxattr', path: 'moved', name: 'trusted.overlay.redirect', value: 'd' },
      file('moved/u'),
      // A rename leaves this; without it two directories would lead to one below.
      whiteout('d'),
      dir('plain'),
    ],
    script: [
      { op: 'stat', path: '.' },
      { op: 'stat', path: 'moved' },
      { op: 'list', path: 'moved' },
      { op: 'rename', from: 'moved', to: 'again' },
      { op: 'rename', from: 'e', to: 'e2' },
      { op: 'rename', from: 'plain', to: 'plain2' },
    ],
  },
  {
    title: 'and everything else, in one tree',
    options: ['', 'redirect_dir=on', 'redirect_dir=nofollow', 'xino=on', 'userxattr', 'volatile'],
    script: [
      { op: 'rename', from: 'f', to: 'ld/f' },
      { op: 'rename', from: 'ld/x', to: 'x' },
      { op: 'rename', from: 's', to: 'ud/s' },
      { op: 'rename', from: 'p', to: 'wf' },
      { op: 'rename', from: 'c', to: 'g' },
      { op: 'rename', from: 'ud', to: 'wd' },
      { op: 'rename', from: 'ud2', to: 'mw' },
      { op: 'rename', from: 'uo', to: 'uo2' },
      { op: 'rename', from: 'm/ud', to: 'ld/ud' },
      { op: 'rename', from: 'cu', to: 'm/cu' },
      { op: 'rename', from: 'um', to: 'um2' },
      { op: 'rename', from: 'mw', to: 'mw2' },
      { op: 'rename', from: 'u', to: 'ld', flags: ['exchange'] },
      { op: 'rename', from: 'acl', to: 'defacl/acl' },
      { op: 'rename', from: 'cap', to: 'suid' },
      { op: 'list', path: '.' },
    ],
  },
]

const permissions: Row = {
  title: 'as an ordinary user: sticky directories, other owners’ directories',
  lower: (index, count) =>
    index === count - 1
      ? [
          dir('open', 0o777),
          { op: 'chmod', path: 'open', mode: 0o777 },
          dir('sticky', 0o1777),
          { op: 'chmod', path: 'sticky', mode: 0o1777 },
          ...['open/root', 'sticky/root', 'sticky/mine', 'open/mine'].map((path) => file(path)),
          { op: 'chown', path: 'sticky/mine', uid: 1000, gid: 1000 },
          { op: 'chown', path: 'open/mine', uid: 1000, gid: 1000 },
          dir('open/dir'),
        ]
      : [],
  options: redirects,
  script: (
    [
      ['open/root', 'open/root2'],
      ['sticky/root', 'sticky/root2'],
      ['sticky/mine', 'sticky/mine2'],
      ['sticky/mine2', 'open/mine2'],
      ['open/mine', 'sticky/root'],
      ['open/dir', 'open/dir2'],
      ['open/dir', 'sticky/dir2'],
    ] as const
  ).map(([from, to]): Operation => ({ op: 'rename', from, to, by: { uid: 1000, gid: 1000 } })),
}

await runTable('3.8', [
  ...sources.flatMap((source) => flagSets.map((flags) => within(source, flags))),
  ...sources.flatMap((source) => [across(source, []), across(source, ['exchange'])]),
  ...sources.map(intoUpper),
  ...absentKinds.map((source) => ({
    ...within(source, []),
    refused: true as const,
    script: objectKinds.map(({ name: at }): Operation => ({
      op: 'rename',
      from: `${at}/from`,
      to: `${at}/to`,
    })),
  })),
  ...refusals,
  ...links,
  ...chains,
  permissions,
])
