// @ts-check
// Directory trees as lines of text, side by side, with what changed marked: + new, - gone, ~ changed.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { xattr } from '../xattr.mjs'

/**
 * One line of a tree.
 * @typedef {object} Line
 * @property {string} path relative to the root of the tree
 * @property {string} text as shown, indented
 * @property {string} state equal states mean an unchanged object
 */

const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
const paint = { '+': '32', '-': '31', '~': '33', ' ': '0' }

/** @param {string} text @param {string} code */
export function coloured(text, code) {
  return colour ? `\x1b[${code}m${text}\x1b[0m` : text
}

/** Whether the directory hides everything below it, and under which attribute. @param {string} path */
export function opaqueMark(path) {
  const names = ['trusted.overlay.opaque', 'user.overlay.opaque', 'user.fuseoverlayfs.opaque']
  return names.find((name) => xattr().get(path, name) === 'y') ?? null
}

/** Whether `path` is a character device 0:0, the kernel's whiteout. @param {string} path */
export function isWhiteout(path) {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  return stat !== undefined && stat.isCharacterDevice() && stat.rdev === 0
}

/** @param {string} path @param {string} name @returns {[shown: string, state: string]} */
function describe(path, name) {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return [`${name}  (listed, but not there)`, 'missing']
  if (stat.isDirectory()) {
    const mark = opaqueMark(path) === null ? '' : '  opaque=y'
    return [`${name}/${mark}`, `dir${mark}`]
  }
  if (stat.isSymbolicLink()) return [`${name} -> ${readlinkSync(path)}`, readlinkSync(path)]
  if (isWhiteout(path)) return [`${name}  c 0,0`, 'whiteout']
  if (!stat.isFile()) return [`${name}  (special)`, 'special']
  return [name, `file ${stat.mode} ${readFileSync(path, 'latin1')}`]
}

/** All objects under `root`, sorted, depth first. @param {string} root @returns {Line[]} */
export function treeOf(root) {
  /** @type {Line[]} */
  const lines = []
  /** @param {string} directory @param {string} prefix @param {number} depth */
  const walk = (directory, prefix, depth) => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name)
      const [shown, state] = describe(path, name)
      lines.push({ path: prefix + name, text: '  '.repeat(depth) + shown, state })
      if (state.startsWith('dir')) walk(path, `${prefix}${name}/`, depth + 1)
    }
  }
  walk(root, '', 0)
  return lines
}

/** Just the names, for claims about what is visible. @param {string} root */
export function namesIn(root) {
  return treeOf(root).map((line) => line.path)
}

/** @typedef {{ mark: '+' | '-' | '~' | ' ', text: string }} MarkedLine */

/** @param {Line[]} lines @param {Line[] | undefined} before @returns {MarkedLine[]} */
function marked(lines, before) {
  if (before === undefined) return lines.map(({ text }) => ({ mark: ' ', text }))
  const old = new Map(before.map((line) => [line.path, line.state]))
  const seen = new Set(lines.map((line) => line.path))
  const gone = before
    .filter((line) => !seen.has(line.path))
    .map((line) => ({ ...line, gone: true }))
  const all = [...lines.map((line) => ({ ...line, gone: false })), ...gone]
  all.sort((a, b) => (key(a.path) < key(b.path) ? -1 : 1))
  return all.map(({ path, text, state, gone: isGone }) => {
    if (isGone) return { mark: '-', text }
    if (!old.has(path)) return { mark: '+', text }
    return { mark: old.get(path) === state ? ' ' : '~', text }
  })
}

/** Sort key that keeps a directory before what it holds. @param {string} path */
function key(path) {
  return path.replaceAll('/', '\0')
}

/**
 * Trees in columns.
 * @param {ReadonlyMap<string, Line[]>} trees by column title
 * @param {ReadonlyMap<string, Line[]>} [before] the same columns earlier; changes are marked
 */
export function columns(trees, before) {
  const cells = [...trees].map(([title, lines]) => {
    const rows = marked(lines, before?.get(title))
    const width = Math.max(title.length, 7, ...rows.map((row) => row.text.length)) + 2
    return { title, rows, width }
  })
  const height = Math.max(1, ...cells.map((cell) => cell.rows.length))
  const head = cells.map(({ title, width }) => coloured(`  ${title}`.padEnd(width + 2), '1'))
  const rule = cells.map(({ width }) => `  ${'-'.repeat(width - 2)}`.padEnd(width + 2))
  const body = Array.from({ length: height }, (_, index) =>
    cells.map(({ rows, width }) => {
      const row = rows[index] ?? { mark: ' ', text: index === 0 ? '(empty)' : '' }
      return coloured(`${row.mark} ${row.text}`.padEnd(width + 2), paint[row.mark])
    }),
  )
  return [head, rule, ...body].map((line) => `    ${line.join('').trimEnd()}`).join('\n')
}
