/** The tree that crews of processes work on, and the names they fight over. */
import type { Operation } from './operation.js'
import { dir, file, whiteout } from './standard-layers.js'

/** Directories of the tree: lower only, merged of two layers, made in upper. */
export const directories = ['lower', 'merged', 'upper'] as const

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`)

const everywhere = (names: readonly string[]): string[] =>
  directories.flatMap((directory) => names.map((name) => `${directory}/${name}`))

/** Names that come and go. */
export const churned = everywhere(numbered('x', 8))
/** Names that are there before a task starts. */
export const present = everywhere(numbered('p', 6))
/** Names that nobody touches. */
export const stable = everywhere(numbered('stable', 60))
/** Files that everybody appends to: small ones, a program, and one of passthrough size. */
export const logs = [...numbered('log', 20), 'program', 'large']

/** A program's first bytes; what counts is that these tell it. */
const ELF = '\x7fELF'
const LARGE_BLOCK = '0123456789abcde\n'

/** Lower layers, top-most first. */
export const lowers: readonly (readonly Operation[])[] = [
  [dir('merged'), ...inDirectory('merged', 'top'), whiteout('merged/x7'), whiteout('merged/x6')],
  [
    dir('lower'),
    dir('merged'),
    ...inDirectory('lower', 'bottom'),
    ...inDirectory('merged', 'bottom'),
    file('merged/x7'),
    file('merged/x6'),
    ...numbered('log', 20).map((name) => file(name, `first line of ${name}\n`)),
    file('program', `${ELF} and so on\n`, 0o755),
    file('large', ''),
    { op: 'write', path: 'large', data: LARGE_BLOCK, repeat: 80_000 },
  ],
]

function inDirectory(directory: string, layer: 'top' | 'bottom' | 'both'): Operation[] {
  return [...present, ...stable]
    .filter((path) => path.startsWith(`${directory}/`))
    .filter((_, index) => layer === 'both' || directory === 'lower' || splits(index, layer))
    .map((path) => file(path, `token ${path}`))
}

/** Of a merged directory each layer has its share of the names, and some are in both. */
function splits(index: number, layer: 'top' | 'bottom'): boolean {
  return index % 3 === 0 || (index % 2 === 0) === (layer === 'top')
}

/** Done on the mount before a task starts. */
export const setup: readonly Operation[] = [dir('upper'), ...inDirectory('upper', 'both')]
