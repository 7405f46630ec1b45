/**
 * SEMANTICS.md 3.1: what a name means, for every combination of what three lower layers and upper
 * have under it; opaque marks, redirects, whiteout forms and origins, well-formed and not.
 */
import type { Operation } from '../../helpers/operation.js'
import { dir, file, opaque, whiteout } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

/** What a layer may have under a name. */
const states: Readonly<Record<string, (path: string, layer: string) => readonly Operation[]>> = {
  n: () => [],
  f: (path, layer) => [file(path, `of ${layer}`)],
  w: (path) => [whiteout(path)],
  x: (path) => xattr(file(path, ''), 'whiteout', 'y'),
  d: (path, layer) => [dir(path), file(`${path}/of-${layer}`), file(`${path}/same`, layer)],
  o: (path, layer) => [dir(path), opaque(path), file(`${path}/of-${layer}`)],
}
const letters = Object.keys(states)
const names = letters.flatMap((a) => letters.flatMap((b) => letters.map((c) => `${a}${b}${c}`)))

/** An operation that makes an object, and one that gives it a private attribute. */
function xattr(made: Operation, name: string, value: string): readonly Operation[] {
  if (!('path' in made)) throw new Error(`${made.op} makes nothing`)
  return [made, { op: 'setxattr', path: made.path, name: `trusted.overlay.${name}`, value }]
}

/** Every name has, in lower layer i, the state that its letter i says. */
function combined(index: number, parent = ''): Operation[] {
  return names.flatMap((name) => states[name[index] ?? '']?.(parent + name, `L${index}`) ?? [])
}

function combinations(letter: string): Row {
  return {
    title: `three lower layers, every combination, below ${letter} in upper`,
    lowers: [combined(0), combined(1), combined(2)],
    upper: names.flatMap((name) => states[letter]?.(name, 'upper') ?? []),
    script: [...names, '.'].map((path) => ({ op: 'stat', path })),
  }
}

/** In a directory that not all layers merge into. */
function inParent(title: string, marks: readonly (readonly Operation[])[]): Row {
  return {
    title: `three lower layers, every combination, in a directory ${title}`,
    lowers: [0, 1, 2].map((index) => [...(marks[index] ?? []), ...combined(index, 'in/')]),
    script: names.map((name) => ({ op: 'stat', path: `in/${name}` })),
  }
}

const parents: Row[] = [
  inParent('that is opaque in the middle', [
    [dir('in')],
    [dir('in'), opaque('in')],
    [dir('in'), file('in/hidden')],
  ]),
  inParent('that a file covers in the middle', [[dir('in')], [file('in', 'covers')], [dir('in')]]),
  inParent('that a whiteout hides at the bottom', [[dir('in')], [whiteout('in')], [dir('in')]]),
  inParent('that only the middle has', [[], [dir('in')], []]),
]

/** Values of an opaque mark; only `y` counts, `x` says that there are whiteouts in xattr form. */
const opaqueValues = ['y', 'x', 'n', 'yes', '', 'Y', 'y\0']

const opaqueMarks: Row = {
  title: 'values of the opaque mark, in upper and in lower layers',
  lowers: [0, 1, 2].map((index) => [
    ...opaqueValues.flatMap((value, at): Operation[] => [
      dir(`low${at}`),
      file(`low${at}/of${index}`),
      ...(index === 1 ? [opaque(`low${at}`, value)] : []),
      ...(index === 1 && value === 'x' ? xattr(file(`low${at}/of2`, ''), 'whiteout', '') : []),
      dir(`up${at}`),
      file(`up${at}/of${index}`),
      // In the lowest layer the mark has nothing to hide.
      dir(`last${at}`),
      file(`last${at}/of${index}`),
      ...(index === 2 ? [opaque(`last${at}`, value)] : []),
    ]),
  ]),
  upper: opaqueValues.flatMap((value, at) => [dir(`up${at}`), opaque(`up${at}`, value)]),
  script: opaqueValues.flatMap((_, at): Operation[] => [
    { op: 'list', path: `low${at}` },
    { op: 'list', path: `up${at}` },
    { op: 'rmdir', path: `up${at}` },
  ]),
}

/** Marks on what they do not belong on, or of the other namespace. */
const strayMarks: Row = {
  title: 'marks that do not count: on files, of the other namespace, unknown',
  lowers: [
    [
      ...xattr(file('f'), 'opaque', 'y'),
      ...xattr(file('redirected'), 'redirect', '/other'),
      ...xattr(dir('unknown'), 'no-such-mark', 'y'),
      dir('user'),
      { op: 'setxattr', path: 'user', name: 'user.overlay.opaque', value: 'y' },
      dir('user-redirect'),
      { op: 'setxattr', path: 'user-redirect', name: 'user.overlay.redirect', value: '/other' },
      file('user-whiteout', ''),
      { op: 'setxattr', path: 'user-whiteout', name: 'user.overlay.whiteout', value: 'y' },
      ...xattr(file('not-empty', 'content'), 'whiteout', 'y'),
      ...xattr(dir('dir-whiteout'), 'whiteout', 'y'),
    ],
    ['unknown', 'user', 'user-redirect', 'dir-whiteout', 'other'].flatMap((path) => [
      dir(path),
      file(`${path}/below`),
    ]),
  ],
  options: ['', 'userxattr'],
  script: [
    { op: 'listxattr', path: 'user' },
    { op: 'listxattr', path: 'unknown' },
    { op: 'append', path: 'redirected', data: ', more' },
    { op: 'chmod', path: 'user', mode: 0o700 },
    { op: 'rename', from: 'not-empty', to: 'renamed' },
  ],
}

const whiteoutForms: Row = {
  title: 'whiteouts of any mode, owner, attributes and link count, in upper and lower layers',
  lowers: [
    [
      whiteout('w1'),
      { op: 'chmod', path: 'w1', mode: 0o777 },
      { op: 'link', from: 'w1', to: 'w2' },
      whiteout('w3'),
      { op: 'chown', path: 'w3', uid: 1000, gid: 1000 },
      { op: 'setxattr', path: 'w3', name: 'trusted.note', value: 'v' },
      { op: 'mknod', path: 'block', kind: 'block', mode: 0o600, major: 0, minor: 0 },
      { op: 'mknod', path: 'char1', kind: 'char', mode: 0o600, major: 0, minor: 1 },
    ],
    ['w1', 'w2', 'w3', 'u1', 'u2', 'u3', 'block', 'char1'].map((path) => file(path)),
  ],
  upper: [
    whiteout('u1'),
    { op: 'chmod', path: 'u1', mode: 0o777 },
    { op: 'link', from: 'u1', to: 'u2' },
    ...xattr(file('u3', ''), 'whiteout', ''),
    whiteout('nothing-below'),
  ],
  script: [
    { op: 'stat', path: 'u3' },
    ...['w1', 'w2', 'u1', 'u2', 'u3', 'nothing-below'].map((path) => file(path, 'anew')),
    { op: 'unlink', path: 'w1' },
    { op: 'unlink', path: 'u1' },
    { op: 'unlink', path: 'u3' },
  ],
}

/** Redirects, each with targets of its own: T stands for a number. */
const redirects: readonly string[] = [
  'Ttarget',
  '/Ttarget',
  '/Ttarget/sub',
  '/Ttarget/sub/deep',
  '/missing',
  'missing',
  '/missing/sub',
  '/Tfile',
  'Tfile',
  '/Tfile/sub',
  '/Twhited',
  '/Twhited/sub',
  '/Tsymlink',
  '/Tsymlink/sub',
  '/Topaque',
  '/Topaque/sub',
  '/Tlast',
  // What follows a NUL does not count.
  'Ttarget\0',
  '/Ttarget\0/sub',
  'T'.repeat(300),
  `/${'y'.repeat(255)}/${'y'.repeat(255)}`,
]

/** Redirects that are none, or lead to what cannot be looked up. */
const malformed: readonly string[] = [
  'Ttarget/sub',
  '//Ttarget',
  '/Ttarget/',
  '/Ttarget//sub',
  '/',
  '',
  '.',
  '..',
  '/..',
  '/./Ttarget',
  '/../Ttarget',
  '\0Ttarget',
]

const targetNames = ['target', 'file', 'whited', 'symlink', 'opaque', 'last']

/** What the redirect with that number may lead to, in lower layer `index` of three. */
function targets(at: number, index: number): Operation[] {
  const withSub = (path: string): Operation[] => [
    dir(path),
    file(`${path}/of${index}`),
    dir(`${path}/sub`),
    file(`${path}/sub/of${index}`),
    dir(`${path}/sub/deep`),
  ]
  return [
    ...withSub(`${at}target`),
    ...(index === 1 ? [file(`${at}file`)] : withSub(`${at}file`)),
    ...(index === 1 ? [whiteout(`${at}whited`)] : withSub(`${at}whited`)),
    { op: 'symlink', path: `${at}symlink`, target: `${at}target` },
    ...withSub(`${at}opaque`),
    ...(index === 1 ? [opaque(`${at}opaque`)] : []),
    ...(index === 2 ? withSub(`${at}last`) : []),
  ]
}

/** Directories with those redirects in a lower layer; -1 is upper. */
function redirectsIn(layer: number, values: readonly string[]): Pick<Row, 'lowers' | 'upper'> {
  const redirected = [
    ...values.flatMap((value, at) => [
      ...xattr(dir(`r${at}`), 'redirect', value.replaceAll('T', String(at))),
      file(`r${at}/own`),
    ]),
    // A directory that showed under two names would be ESTALE under one of them.
    ...values.flatMap((_, at) => targetNames.map((name) => whiteout(`${at}${name}`))),
  ]
  const below = (index: number): Operation[] =>
    values.flatMap((_, at) => [...targets(at, index), dir(`r${at}`), file(`r${at}/of${index}`)])
  return {
    lowers: [0, 1, 2].map((index) =>
      index === layer ? redirected : index > layer ? below(index) : [],
    ),
    upper: layer === -1 ? redirected : [],
  }
}

const places = ['upper', 'the top-most lower layer', 'the middle layer', 'the lowest layer']

const redirectRows: Row[] = places.flatMap((where, at) => [
  {
    title: `redirects in ${where}`,
    ...redirectsIn(at - 1, redirects),
    script: redirects.flatMap((_, at): Operation[] => [
      { op: 'list', path: `r${at}` },
      { op: 'read', path: `r${at}/of2` },
      { op: 'rename', from: `r${at}`, to: `moved${at}` },
    ]),
    options: ['', 'redirect_dir=on'],
  },
  {
    title: `redirects in ${where} that may not be followed`,
    ...redirectsIn(at - 1, redirects),
    script: [
      { op: 'stat', path: '.' },
      ...redirects.map((_, at): Operation => ({ op: 'stat', path: `r${at}` })),
    ],
    options: ['redirect_dir=nofollow'],
  },
  {
    title: `malformed redirects in ${where}`,
    ...redirectsIn(at - 1, malformed),
    script: [
      { op: 'stat', path: '.' },
      ...malformed.flatMap((_, at): Operation[] => [
        { op: 'stat', path: `r${at}` },
        { op: 'create', path: `r${at}/new` },
        { op: 'rename', from: `r${at}`, to: `moved${at}` },
      ]),
    ],
  },
])

/** One redirect after the other, each in the next layer, and back to its own name. */
const redirectChains: Row = {
  title: 'redirects that lead to redirects',
  lowers: [
    [
      ...xattr(dir('a'), 'redirect', 'b'),
      ...xattr(dir('d'), 'redirect', '/e/f'),
      ...['b', 'c', 'e', 'h', 'i'].map(whiteout),
    ],
    [
      ...xattr(dir('b'), 'redirect', 'c'),
      file('b/of1'),
      dir('e'),
      ...xattr(dir('e/f'), 'redirect', 'g'),
      file('e/f/of1'),
      dir('h'),
      ...xattr(dir('h/h'), 'redirect', '/i'),
    ],
    [dir('c'), file('c/of2'), dir('e'), dir('e/g'), file('e/g/of2'), dir('i'), file('i/of2')],
  ],
  upper: [
    ...xattr(dir('u'), 'redirect', '/h/h'),
    dir('parent'),
    ...xattr(dir('parent/child'), 'redirect', '/d'),
    whiteout('d'),
  ],
  script: [
    { op: 'list', path: 'a' },
    { op: 'list', path: 'u' },
    { op: 'list', path: 'parent/child' },
    { op: 'create', path: 'u/new', data: '' },
    { op: 'rename', from: 'a', to: 'moved' },
  ],
  options: ['redirect_dir=on'],
}

/** Origins that upper had before the mount. */
const origins: Row = {
  title: 'origins that are missing, empty, too short or lead nowhere',
  lowers: [
    ['f1', 'f2', 'f3', 'f4'].map((path) => file(path)).concat(dir('d1'), dir('d2'), dir('d3')),
    [dir('d1'), file('d1/x'), dir('parent'), dir('parent/d'), file('parent/f')],
  ],
  upper: [
    file('f1', 'no origin'),
    ...xattr(file('f2'), 'origin', ''),
    ...xattr(file('f3'), 'origin', 'garbage'),
    ...xattr(file('f4'), 'origin', `\0\xfb\x1d\0\x01${'u'.repeat(16)}12345678`),
    dir('d1'),
    ...xattr(dir('d2'), 'origin', ''),
    ...xattr(dir('d3'), 'origin', 'garbage'),
    dir('parent'),
    dir('parent/d'),
    { op: 'setxattr', path: '.', name: 'trusted.overlay.impure', value: 'y' },
  ],
  script: [
    ...['f1', 'f2', 'f3', 'f4', 'd1', 'd2', 'd3'].map((path): Operation => ({ op: 'stat', path })),
    { op: 'list', path: '.' },
    { op: 'append', path: 'f2', data: 'more' },
    { op: 'unlink', path: 'f3' },
    { op: 'rename', from: 'f4', to: 'd1/f4' },
  ],
}

const originsReadOnly: Row = {
  ...origins,
  title: 'origins on a mount for reading only',
  options: ['ro'],
  script: [{ op: 'list', path: '.' }],
}

/** The root is upper's: lower roots count for nothing. */
function root(title: string, upper: readonly Operation[]): Row {
  const marked = (mode: number): Operation[] => [
    { op: 'chmod', path: '.', mode },
    { op: 'chown', path: '.', uid: 1000, gid: 1001 },
    { op: 'setxattr', path: '.', name: 'user.of', value: 'lower' },
    { op: 'utimens', path: '.', atime: [1, 2], mtime: [3, 4] },
  ]
  return {
    title: `attributes of the root, ${title}`,
    lowers: [
      [...marked(0o700), file('f')],
      [...marked(0o750), opaque('.'), file('g')],
    ],
    upper,
    script: [
      { op: 'stat', path: '.' },
      { op: 'listxattr', path: '.' },
      { op: 'dots', path: '.' },
    ],
  }
}

const roots: Row[] = [
  root('upper as it comes', []),
  root('upper with attributes of its own', [
    { op: 'chmod', path: '.', mode: 0o1777 },
    { op: 'chown', path: '.', uid: 7, gid: 8 },
    { op: 'setxattr', path: '.', name: 'user.own', value: 'v' },
    { op: 'utimens', path: '.', atime: [5, 6], mtime: [7, 8] },
  ]),
  root('upper opaque', [opaque('.')]),
  { ...root('no upper', []), more: { withoutUpper: true } },
]

/** Metadata-only files where these are off. */
const metacopies: Row = {
  title: 'metadata-only files without metacopy',
  lowers: [
    [
      ...xattr(file('low', ''), 'metacopy', ''),
      { op: 'truncate', path: 'low', size: 100 },
      ...xattr(file('small', 'has data'), 'metacopy', ''),
      file('plain'),
    ],
    [file('low', 'below'), file('up', 'below')],
  ],
  upper: [...xattr(file('up', ''), 'metacopy', ''), { op: 'truncate', path: 'up', size: 100 }],
  script: [
    { op: 'read', path: 'plain' },
    ...['low', 'up', 'small'].flatMap((path): Operation[] => [
      { op: 'stat', path },
      { op: 'read', path },
      { op: 'append', path, data: 'more' },
    ]),
    { op: 'list', path: '.' },
    { op: 'unlink', path: 'up' },
    { op: 'rename', from: 'low', to: 'plain' },
  ],
}

const symlinks: Row = {
  title: 'symlinks in layers are never followed',
  lowers: [
    [{ op: 'symlink', path: 'a', target: 'real' }, dir('b'), dir('c'), file('c/of0'), dir('real')],
    [dir('a'), file('a/hidden'), { op: 'symlink', path: 'b', target: 'real' }, dir('real')],
    [dir('b'), file('b/hidden'), { op: 'symlink', path: 'c', target: 'real' }, file('real/x')],
  ],
  upper: [dir('d'), { op: 'symlink', path: 'd/real', target: '../real' }],
  script: [
    { op: 'list', path: 'a' },
    { op: 'list', path: 'b' },
    { op: 'list', path: 'c' },
    { op: 'create', path: 'd/real/new' },
  ],
}

const odd: Row = {
  title: 'names of every length and of any bytes',
  layers: [2],
  lower: (index) => [
    ...[1, 127, 128, 254, 255].map((length) => file(`${index}`.repeat(length))),
    file('\x01\x7f\x80\xff'),
    file('#1'),
    file('a,b:c\\d"e'),
    file(' '),
    file('...'),
    dir('work'),
    file('work/work'),
  ],
  script: [
    { op: 'list', path: '.' },
    { op: 'stat', path: 'n'.repeat(255) },
    { op: 'stat', path: 'n'.repeat(256) },
    { op: 'create', path: 'n'.repeat(256), data: '' },
    { op: 'unlink', path: '1'.repeat(255) },
    { op: 'create', path: '1'.repeat(255), data: '' },
    { op: 'unlink', path: 'a,b:c\\d"e' },
    { op: 'rename', from: ' ', to: '\n' },
  ],
}

await runTable('3.1', [
  ...['n', 'f', 'w', 'x', 'd', 'o'].map(combinations),
  ...parents,
  opaqueMarks,
  strayMarks,
  whiteoutForms,
  ...redirectRows,
  redirectChains,
  origins,
  originsReadOnly,
  ...roots,
  metacopies,
  symlinks,
  odd,
])
