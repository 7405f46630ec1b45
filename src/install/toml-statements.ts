/**
 * A TOML text as statements with their places in it: enough to find a setting and to put another
 * one beside it, without touching anything else. Values are not interpreted, only delimited; what
 * cannot be delimited for certain is an error, so that a file is never edited on a guess.
 * @see https://toml.io/en/v1.0.0
 */

/** A table header or a key with its value. Offsets are those of whole lines. */
export interface Statement {
  readonly kind: 'table' | 'table-array' | 'entry'
  /** Names from the root: of the table itself, or of the table and the key. */
  readonly path: readonly string[]
  /** How many names of `path` belong to the table; for an entry the rest is its (dotted) key. */
  readonly tableDepth: number
  /** Start of its first line. */
  readonly start: number
  /** After the line end of its last line. */
  readonly end: number
  /** Text of the value as written; '' for a table. */
  readonly value: string
  /** Number of its first line, from 1. */
  readonly line: number
}

/** A text that is not TOML, or not in a form this reader is sure of. */
export class TomlError extends Error {
  override readonly name = 'TomlError'

  constructor(file: string, line: number, what: string) {
    super(`${file}, line ${String(line)}: ${what}`)
  }
}

/** A place in the text that moves forward. */
class Cursor {
  readonly text: string
  readonly file: string
  at = 0

  constructor(text: string, file: string) {
    this.text = text
    this.file = file
  }

  get char(): string {
    return this.text.charAt(this.at)
  }

  get line(): number {
    return this.text.slice(0, this.at).split('\n').length
  }

  startsWith(text: string): boolean {
    return this.text.startsWith(text, this.at)
  }

  skip(pattern: RegExp): string {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0] ?? ''
    this.at += found.length
    return found
  }

  fail(what: string): never {
    throw new TomlError(this.file, this.line, what)
  }
}

const BLANK = /[ \t]*/y
const BARE_KEY = /[A-Za-z0-9_-]+/y
const REST_OF_LINE = /[^\n]*/y
const SCALAR = /[^,\]}#\s"'[{=][^,\]}#\n\r"']*/y

/** Pass over a string of any of the four kinds, delimiters included. */
function skipString(cursor: Cursor): void {
  const quote = cursor.char
  const delimiter = cursor.startsWith(quote.repeat(3)) ? quote.repeat(3) : quote
  cursor.at += delimiter.length
  for (;;) {
    const { char } = cursor
    if (char === '') cursor.fail('a string has no end')
    if (char === '\n' && delimiter.length === 1) cursor.fail('a string has no end in its line')
    if (cursor.startsWith(delimiter)) break
    cursor.at += char === '\\' && quote === '"' ? 2 : 1
  }
  cursor.at += delimiter.length
  // Up to two quotes more belong to the content of a string in three quotes.
  for (let more = 0; delimiter.length === 3 && more < 2 && cursor.char === quote; more += 1) {
    cursor.at += 1
  }
}

/** Pass over an array or inline table, with what is nested in it. */
function skipBrackets(cursor: Cursor): void {
  const open: string[] = []
  do {
    const { char } = cursor
    if (char === '') cursor.fail(`'${open.at(-1) ?? ''}' is never closed`)
    if (char === '"' || char === "'") {
      skipString(cursor)
      continue
    }
    if (char === '#') cursor.skip(REST_OF_LINE)
    else if (char === '[' || char === '{') open.push(char)
    else if ((char === ']' || char === '}') && open.pop() !== (char === ']' ? '[' : '{')) {
      cursor.fail(`'${char}' closes nothing`)
    }
    cursor.at += 1
  } while (open.length > 0)
}

function skipValue(cursor: Cursor): void {
  const { char } = cursor
  if (char === '"' || char === "'") skipString(cursor)
  else if (char === '[' || char === '{') skipBrackets(cursor)
  else if (cursor.skip(SCALAR) === '') cursor.fail('a value is missing')
}

/** Read `a.b."c d"`. */
function readKey(cursor: Cursor): string[] {
  const names: string[] = []
  for (;;) {
    cursor.skip(BLANK)
    const start = cursor.at
    if (cursor.char === '"' || cursor.char === "'") {
      skipString(cursor)
      const name = stringValue(cursor.text.slice(start, cursor.at))
      if (name === null) cursor.fail('a key in a form that is not read here')
      names.push(name)
    } else {
      const name = cursor.skip(BARE_KEY)
      if (name === '') cursor.fail('a key is missing')
      names.push(name)
    }
    cursor.skip(BLANK)
    if (cursor.char !== '.') return names
    cursor.at += 1
  }
}

/** Read to the end of the line, where only a comment may be left. */
function finishLine(cursor: Cursor): void {
  cursor.skip(BLANK)
  const rest = cursor.skip(REST_OF_LINE).replace(/\r$/, '')
  if (rest !== '' && !rest.startsWith('#')) cursor.fail(`'${rest}' is one thing too many`)
  if (cursor.char === '\n') cursor.at += 1
}

function readHeader(cursor: Cursor): { kind: Statement['kind']; path: string[] } {
  const kind = cursor.startsWith('[[') ? 'table-array' : 'table'
  const brackets = kind === 'table' ? 1 : 2
  cursor.at += brackets
  const path = readKey(cursor)
  if (!cursor.startsWith(']'.repeat(brackets))) cursor.fail('a table name is not closed')
  cursor.at += brackets
  return { kind, path }
}

/**
 * Split a text into its statements, in their order.
 * @param file its name, for messages
 * @throws TomlError
 */
export function parseStatements(text: string, file: string): Statement[] {
  const cursor = new Cursor(text, file)
  const statements: Statement[] = []
  let table: readonly string[] = []
  while (cursor.char !== '') {
    const start = cursor.at
    const { line } = cursor
    cursor.skip(BLANK)
    if (/^[#\r\n]?$/.test(cursor.char)) {
      finishLine(cursor)
      continue
    }
    if (cursor.char === '[') {
      const { kind, path } = readHeader(cursor)
      table = path
      finishLine(cursor)
      statements.push({
        kind,
        path,
        tableDepth: path.length,
        start,
        end: cursor.at,
        value: '',
        line,
      })
      continue
    }
    const path = [...table, ...readKey(cursor)]
    if (cursor.char !== '=') cursor.fail("a key without '='")
    cursor.at += 1
    cursor.skip(BLANK)
    const from = cursor.at
    skipValue(cursor)
    const value = text.slice(from, cursor.at).trimEnd()
    finishLine(cursor)
    const tableDepth = table.length
    statements.push({ kind: 'entry', path, tableDepth, start, end: cursor.at, value, line })
  }
  return statements
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r' }
const BASIC_STRING = /^"(?:[^"\\\n]|\\[btnfr"\\]|\\u[0-9a-fA-F]{4}|\\U[0-9a-fA-F]{8})*"$/

/**
 * The text that a string on one line stands for; null for any other value.
 * @param value as written, a byte string (latin1)
 */
export function stringValue(value: string): string | null {
  if (/^'[^'\n]*'$/.test(value)) return value.slice(1, -1)
  if (!BASIC_STRING.test(value)) return null
  return value.slice(1, -1).replace(/\\([uU][0-9a-fA-F]+|.)/g, (_, escape: string) => {
    if (escape.length > 1) return codePoint(parseInt(escape.slice(1), 16))
    return ESCAPES[escape] ?? escape
  })
}

function codePoint(code: number): string {
  return code > 0x10ffff ? '' : Buffer.from(String.fromCodePoint(code)).toString('latin1')
}

/** Write a text as a basic string on one line. */
export function writeString(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/[\x00-\x1f\x7f]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `"${escaped}"`
}
