/**
 * Option text to words and back. A comma ends a word; a backslash makes the next byte literal, here
 * and again where a value is a path, so it stays in the value. A value that starts with a double
 * quote runs to the closing one, except where the value is a path: `context="u:o:t:s0:c1,c2"`.
 * @mirrors fs/overlayfs/params.c:ovl_next_opt
 */

/** One option: `key`, `key=` (empty value) or `key=value`. */
export interface OptionWord {
  readonly key: string
  /** Escapes still in it; null when there is no `=`. */
  readonly value: string | null
  /** The value is meant as it stands: no escapes, no separators in it. */
  readonly literal?: boolean
}

/** Options whose value is a path or a list of paths. */
const pathKeys: ReadonlySet<string> = new Set([
  'lowerdir',
  'lowerdir+',
  'datadir+',
  'upperdir',
  'workdir',
  'fsname',
  'subtype',
])

/** Where the word that starts at `start` ends: a comma's position or the end of the text. */
function wordEnd(text: string, start: number): number {
  let at = start
  let sawEquals = false
  while (at < text.length && text[at] !== ',') {
    if (text[at] === '\\') at += 1
    else if (text[at] === '=' && !sawEquals) {
      sawEquals = true
      if (text[at + 1] === '"' && !pathKeys.has(text.slice(start, at))) {
        const closing = text.indexOf('"', at + 2)
        if (closing > 0) at = closing
      }
    }
    at += 1
  }
  return Math.min(at, text.length)
}

function toWord(text: string): OptionWord {
  const equals = text.indexOf('=')
  if (equals < 0) return { key: text, value: null }
  return { key: text.slice(0, equals), value: text.slice(equals + 1) }
}

/** Split the text of one `-o` into words. Empty words are dropped: engines write `a,,b`. */
export function splitOptions(text: string): OptionWord[] {
  const words: OptionWord[] = []
  for (let start = 0; start < text.length;) {
    const end = wordEnd(text, start)
    if (end > start) words.push(toWord(text.slice(start, end)))
    start = end + 1
  }
  return words
}

/** Take the escapes out: a backslash makes the next byte literal; a final one stands for itself. */
export function unescapeValue(value: string): string {
  return value.replace(/\\([^])/g, '$1')
}

/** Write a path so that {@link unescapeValue} gives it back, as the value of `upperdir`. */
export function escapePath(path: string): string {
  return path.replace(/[\\,]/g, '\\$&')
}

/** As {@link escapePath}, for a path in the list that is the value of `lowerdir`. */
export function escapeLayerPath(path: string): string {
  return path.replace(/[\\,:]/g, '\\$&')
}

/** The text of a word, as it was written. */
export function showWord(word: OptionWord): string {
  return word.value === null ? word.key : `${word.key}=${word.value}`
}
