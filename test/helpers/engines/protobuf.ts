/** The little of protocol buffers that a gRPC service of small messages needs. */

/** Field number to its values, in the order they came: numbers, or bytes. */
export type Message = ReadonlyMap<number, readonly (number | Buffer)[]>

function readVarint(bytes: Buffer, start: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  for (let next = start; ; scale *= 128) {
    const byte = bytes[next++]
    if (byte === undefined) throw new Error('a protobuf message ends within a number')
    value += (byte & 0x7f) * scale
    if (byte < 0x80) return { value, next }
  }
}

/** Decode a message of numbers, texts and messages. */
export function decodeMessage(bytes: Buffer): Message {
  const fields = new Map<number, (number | Buffer)[]>()
  for (let at = 0; at < bytes.length;) {
    const key = readVarint(bytes, at)
    const { value, next } = readVarint(bytes, key.next)
    const isBytes = (key.value & 7) === 2
    if (!isBytes && (key.value & 7) !== 0) throw new Error(`wire type ${key.value & 7}`)
    const field = fields.get(key.value >>> 3) ?? []
    field.push(isBytes ? bytes.subarray(next, next + value) : value)
    fields.set(key.value >>> 3, field)
    at = isBytes ? next + value : next
  }
  return fields
}

/** The first value of a text field; empty if there is none. */
export function textOf(message: Message, field: number): string {
  const value = message.get(field)?.[0]
  return Buffer.isBuffer(value) ? value.toString('utf8') : ''
}

/** The values of a repeated message field. */
export function messagesOf(message: Message, field: number): Message[] {
  return (message.get(field) ?? []).filter(Buffer.isBuffer).map(decodeMessage)
}

/** The entries of a `map<string, string>`. */
export function mapOf(message: Message, field: number): Map<string, string> {
  return new Map(messagesOf(message, field).map((entry) => [textOf(entry, 1), textOf(entry, 2)]))
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return Buffer.from([...bytes, left])
    bytes.push((left % 128) | 0x80)
  }
}

/** Encode a number field. */
export function numberField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)])
}

/** Encode a text, or an encoded message, as a field. */
export function bytesField(field: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([varint((field << 3) | 2), varint(bytes.length), bytes])
}

/** Encode a `map<string, string>` field. */
export function mapField(field: number, entries: ReadonlyMap<string, string>): Buffer {
  const encoded = [...entries].map(([key, value]) =>
    bytesField(field, Buffer.concat([bytesField(1, key), bytesField(2, value)])),
  )
  return Buffer.concat(encoded)
}
