/** Byte strings (latin1, one char a byte) and text, for interfaces that take UTF-8 only. */

/** The text whose UTF-8 form is `bytes`; null when they are not UTF-8. */
export function textOf(bytes: string): string | null {
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return Buffer.from(text, 'utf8').toString('latin1') === bytes ? text : null
}

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
