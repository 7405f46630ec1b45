/**
 * Setting a value in a TOML file that belongs to someone else, and taking it back. Every line that is
 * ours says so in a comment, and a line of theirs that gives way stays as a comment: the file itself
 * holds what is needed to restore it byte by byte, also after its owner has edited other lines.
 */
import {
  type Statement,
  TomlError,
  parseStatements,
  stringValue,
  writeString,
} from './toml-statements.js'

/** At the end of each line of ours. */
const OURS = '# by tsoverlayfs install'
/** Before each line that gave way. */
const REPLACED = '# replaced by tsoverlayfs install: '
/** On a line of ours: the text before it did not end in a line end. */
const JOINED = `${OURS}, after a file without a final line end`

function isPrefix(short: readonly string[], long: readonly string[]): boolean {
  return short.length <= long.length && short.every((name, at) => name === long[at])
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && isPrefix(a, b)
}

/** The entry that sets `path`; null when none does. */
export function findEntry(
  statements: readonly Statement[],
  path: readonly string[],
): Statement | null {
  return statements.find((each) => each.kind === 'entry' && isSame(each.path, path)) ?? null
}

/** Refuse where a new entry would define a table twice. */
function checkEditable(
  statements: readonly Statement[],
  path: readonly string[],
  file: string,
): void {
  for (const { kind, path: found, line } of statements) {
    const inline = kind === 'entry' && found.length < path.length && isPrefix(found, path)
    if (inline || (kind === 'table-array' && isPrefix(found, path))) {
      throw new TomlError(
        file,
        line,
        `'${found.join('.')}' is written in one value; write it as a table [${path.slice(0, -1).join('.')}]`,
      )
    }
  }
}

interface Insertion {
  readonly at: number
  readonly text: string
}

/** Where a new entry goes: beside the others of its table, below its header, or in a new table. */
function placeEntry(
  text: string,
  statements: readonly Statement[],
  path: readonly string[],
  value: string,
): Insertion {
  const parent = path.slice(0, -1)
  const key = path.at(-1) ?? ''
  const sibling = statements.findLast(
    (each) => each.kind === 'entry' && isSame(each.path.slice(0, -1), parent),
  )
  if (sibling !== undefined) {
    const names = [...parent.slice(sibling.tableDepth), key]
    return { at: sibling.end, text: `${names.join('.')} = ${value} ${OURS}\n` }
  }
  const header = statements.find((each) => each.kind === 'table' && isSame(each.path, parent))
  if (header !== undefined) return { at: header.end, text: `${key} = ${value} ${OURS}\n` }
  return { at: text.length, text: `[${parent.join('.')}] ${OURS}\n${key} = ${value} ${OURS}\n` }
}

function insert(text: string, { at, text: added }: Insertion): string {
  const before = text.slice(0, at)
  const isOpen = before !== '' && !before.endsWith('\n')
  return before + (isOpen ? `\n${JOINED}\n` : '') + added + text.slice(at)
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.split(/(?<=\n)/)
}

function comment(text: string): string {
  return linesOf(text)
    .map((line) => REPLACED + line)
    .join('')
}

/** A setting: a table of at least one name, a key, and the string to be there. */
export interface Setting {
  readonly path: readonly string[]
  readonly value: string
}

/**
 * Set a string, keeping everything else. A value that is there already is left as it is written.
 * @param file name of the text, for messages
 * @precondition `text` has no lines of ours for this path: {@link restoreText} comes first
 * @throws TomlError when the text cannot be read, or sets the table in a form that hides the key
 */
export function setString(text: string, { path, value: wanted }: Setting, file: string): string {
  const statements = parseStatements(text, file)
  const value = writeString(wanted)
  const entry = findEntry(statements, path)
  if (entry === null) {
    checkEditable(statements, path, file)
    return insert(text, placeEntry(text, statements, path, value))
  }
  if (stringValue(entry.value) === wanted) return text
  const names = path.slice(entry.tableDepth).join('.')
  const old = text.slice(0, entry.start) + comment(text.slice(entry.start, entry.end))
  const ours = { at: old.length, text: `${names} = ${value} ${OURS}\n` }
  return insert(old + text.slice(entry.end), ours)
}

/** Take back every {@link setString}. */
export function restoreText(text: string): string {
  let restored = ''
  let joined = false
  for (const line of linesOf(text)) {
    const content = line.replace(/\r?\n$/, '')
    if (content === JOINED) {
      restored = restored.replace(/\n$/, '')
      joined = true
    } else if (line.startsWith(REPLACED)) {
      restored += line.slice(REPLACED.length)
    } else if (!content.endsWith(OURS)) {
      // Something was written below ours since: it cannot continue the line above.
      restored += joined && !restored.endsWith('\n') ? `\n${line}` : line
    }
  }
  return restored
}

/** Whether a text has lines of ours. */
export function isEdited(text: string): boolean {
  return text.split(/\r?\n/).some((line) => line.endsWith(OURS) || line === JOINED)
}

/** Whether a line is kept only to be restored. */
export function isKeptLine(line: string): boolean {
  return line.startsWith(REPLACED) || line === JOINED
}
