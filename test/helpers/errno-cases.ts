/**
 * Paths that go wrong, for every call that takes one: objects of every type in lower, merged and
 * upper directories, each with the endings that change what a path means.
 */
import type { Caller, Operation } from './operation.js'
import { dir, file } from './standard-layers.js'

/** Lower objects; `base` is empty or ends in a slash. */
export function lowerObjects(base = ''): Operation[] {
  return [
    file(`${base}lf`, 'lower'),
    { op: 'create', path: `${base}lp`, mode: 0o600, data: 'private' },
    dir(`${base}ld`),
    file(`${base}ld/x`),
    dir(`${base}le`),
    dir(`${base}md`),
    file(`${base}md/l`),
    dir(`${base}locked`, 0o700),
    file(`${base}locked/x`),
    { op: 'mkdir', path: `${base}sticky`, mode: 0o1777 },
    { op: 'chmod', path: `${base}sticky`, mode: 0o1777 },
    file(`${base}sticky/x`),
    { op: 'symlink', path: `${base}sf`, target: 'lf' },
    { op: 'symlink', path: `${base}sd`, target: 'ld' },
    { op: 'symlink', path: `${base}dangling`, target: 'nowhere' },
    { op: 'symlink', path: `${base}loop`, target: 'loop' },
    { op: 'mknod', path: `${base}fifo`, kind: 'fifo', mode: 0o644 },
    file(`${base}gone`),
  ]
}

/** Brings upper objects about, through the overlay. */
export function makeUpperObjects(base = ''): Operation[] {
  return [
    file(`${base}uf`, 'upper'),
    dir(`${base}ud`),
    file(`${base}ud/x`),
    dir(`${base}ue`),
    file(`${base}md/u`),
    { op: 'symlink', path: `${base}us`, target: 'uf' },
    { op: 'unlink', path: `${base}gone` },
  ]
}

/** Names of the objects above, and of nothing. */
export const objectNames: readonly string[] = [
  'lf',
  'lp',
  'uf',
  'ld',
  'le',
  'ud',
  'ue',
  'md',
  'locked',
  'locked/x',
  'sticky',
  'sticky/x',
  'sf',
  'us',
  'sd',
  'dangling',
  'loop',
  'fifo',
  'gone',
  'missing',
]

/** What may follow a name; the bare name, which often succeeds, comes last. */
const endings: readonly string[] = ['/new', '/.', '/..', '/./', '//', '/', '']

const LONGEST = 'n'.repeat(255)
const segment = `${'s'.repeat(99)}/`
/** Paths that are wrong by their form alone. */
const oddPaths: readonly string[] = [
  '',
  '.',
  './',
  'ld/../lf',
  'lf/../lf',
  'missing/../lf',
  'sd/../lf',
  'sd/x/y',
  `${LONGEST}n`,
  `ld/${LONGEST}n`,
  `lf/${LONGEST}n`,
  `missing/${LONGEST}n`,
  `${LONGEST}n/x`,
  `${LONGEST}/x`,
  `${'./'.repeat(2040)}ld/x`,
  `${'./'.repeat(2046)}lf`,
  `${'./'.repeat(2047)}lf`,
  segment.repeat(42),
  `${'ld/../'.repeat(600)}lf`,
]

/** One operation on every path. */
export function onEveryPath(
  make: (path: string, index: number) => Operation,
  by?: Caller,
): Operation[] {
  const paths = [...oddPaths, ...objectNames.flatMap((name) => endings.map((end) => name + end))]
  return paths.map((path, index) => as(make(path, index), by))
}

/** An operation by a caller; undefined is root. */
export function as(operation: Operation, by: Caller | undefined): Operation {
  return by === undefined ? operation : { ...operation, by }
}

/** Sources and targets of the calls that take two paths. */
export const pairNames: readonly string[] = [
  'lf',
  'uf',
  'ld',
  'le',
  'ud',
  'ue',
  'md',
  'locked/x',
  'sticky/x',
  'sd',
  'dangling',
  'loop',
  'fifo',
  'gone',
  'lf/',
  'le/',
  'ue/',
  'missing/',
  'ue/.',
  'ud/..',
  'ud/x/in',
  'ud/inside',
  'lf/x',
  'missing/x',
  '.',
]
