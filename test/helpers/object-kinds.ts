/**
 * Every state an object of an overlay can be in, each made below a path of its own: what the lower
 * layers hold, and what is done through the overlay before the script.
 */
import type { Operation } from './operation.js'
import { dir, file, opaque, whiteout } from './standard-layers.js'

/** One state. */
export interface ObjectKind {
  readonly name: string
  readonly isDir?: true
  /** Steps of lower layer `index` (0 = top-most) of `count`. */
  readonly lower?: (path: string, index: number, count: number) => readonly Operation[]
  /** Steps through the overlay. */
  readonly setup?: (path: string) => readonly Operation[]
}

/** In the bottom layer alone. */
function bottom(make: (path: string) => readonly Operation[]): NonNullable<ObjectKind['lower']> {
  return (path, index, count) => (index === count - 1 ? make(path) : [])
}

const lowerFile = bottom((path) => [file(path, `lower ${path}`, 0o640)])
const lowerFull = bottom((path) => [dir(path, 0o750), file(`${path}/x`)])

/** States of what is not a directory. */
export const fileKinds: readonly ObjectKind[] = [
  { name: 'lower-file', lower: lowerFile },
  {
    name: 'copied-file',
    lower: lowerFile,
    setup: (path) => [{ op: 'append', path, data: ', more' }],
  },
  { name: 'upper-file', setup: (path) => [file(path, 'of upper')] },
  {
    name: 'file-over-whiteout',
    lower: lowerFile,
    setup: (path) => [{ op: 'unlink', path }, file(path, 'anew')],
  },
  {
    name: 'file-over-lower-dir',
    lower: (path, index, count) =>
      index === count - 1
        ? [dir(path), file(`${path}/hidden`)]
        : index === 0
          ? [file(path, 'above a directory')]
          : [],
  },
  {
    name: 'lower-link',
    lower: bottom((path) => [file(path, 'linked'), { op: 'link', from: path, to: `${path}.too` }]),
  },
  { name: 'lower-symlink', lower: bottom((path) => [{ op: 'symlink', path, target: 'nowhere' }]) },
  {
    name: 'lower-fifo',
    lower: bottom((path) => [{ op: 'mknod', path, kind: 'fifo', mode: 0o600 }]),
  },
]

/** States of nothing. */
export const absentKinds: readonly ObjectKind[] = [
  { name: 'absent' },
  { name: 'whiteout', lower: lowerFile, setup: (path) => [{ op: 'unlink', path }] },
  {
    name: 'whiteout-of-dir',
    lower: lowerFull,
    setup: (path) => [
      { op: 'unlink', path: `${path}/x` },
      { op: 'rmdir', path },
    ],
  },
  {
    name: 'lower-whiteout',
    lower: (path, index, count) =>
      count === 1 ? [] : index === 0 ? [whiteout(path)] : index === 1 ? [file(path, 'gone')] : [],
  },
]

const directories: readonly ObjectKind[] = [
  { name: 'lower-empty', lower: bottom((path) => [dir(path, 0o700)]) },
  { name: 'lower-full', lower: lowerFull },
  {
    name: 'merged-lower',
    lower: (path, index) => [dir(path, 0o711), file(`${path}/of${index}`), file(`${path}/same`)],
  },
  {
    name: 'merged',
    lower: lowerFull,
    setup: (path) => [file(`${path}/u`), { op: 'chmod', path, mode: 0o705 }],
  },
  {
    name: 'merged-whiteouts',
    lower: lowerFull,
    setup: (path) => [{ op: 'unlink', path: `${path}/x` }],
  },
  {
    name: 'lower-hidden',
    lower: (path, index, count) => {
      if (index === count - 1) return [dir(path), ...(count === 1 ? [] : [file(`${path}/x`)])]
      return index === 0 ? [dir(path), whiteout(`${path}/x`)] : []
    },
  },
  {
    name: 'lower-opaque',
    lower: (path, index, count) => {
      if (index === count - 1 && count > 1) return [dir(path), file(`${path}/hidden`)]
      return index === 0 ? [dir(path), opaque(path), file(`${path}/x`)] : []
    },
  },
  { name: 'upper-empty', setup: (path) => [dir(path, 0o700)] },
  { name: 'upper-full', setup: (path) => [dir(path), file(`${path}/x`), dir(`${path}/d`)] },
  {
    name: 'opaque-empty',
    lower: lowerFull,
    setup: (path) => [{ op: 'unlink', path: `${path}/x` }, { op: 'rmdir', path }, dir(path, 0o755)],
  },
  {
    name: 'opaque-full',
    lower: lowerFile,
    setup: (path) => [{ op: 'unlink', path }, dir(path), file(`${path}/y`)],
  },
]

/** States of directories. */
export const dirKinds: readonly ObjectKind[] = directories.map((kind) => ({ ...kind, isDir: true }))

/** All states. */
export const objectKinds: readonly ObjectKind[] = [...absentKinds, ...fileKinds, ...dirKinds]

/** An object of a scenario: a state, and where. */
export type Placed = readonly [kind: ObjectKind, path: string]

/** Lower layers and setup that bring objects about, each with the directories above it. */
export function place(objects: readonly Placed[]): {
  lower: (index: number, count: number) => Operation[]
  setup: Operation[]
} {
  const parents = [...new Set(objects.flatMap(([, path]) => parentsOf(path)))].sort()
  return {
    lower: (index, count) => [
      ...parents.map((path) => dir(path)),
      ...objects.flatMap(([{ lower }, path]) => lower?.(path, index, count) ?? []),
    ],
    setup: objects.flatMap(([{ setup }, path]) => setup?.(path) ?? []),
  }
}

function parentsOf(path: string): string[] {
  const parts = path.split('/').slice(0, -1)
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}
