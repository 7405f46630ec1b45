/** The upper directory (and the index) on disk, in a form that two implementations must agree on. */
import { existsSync } from 'node:fs'
import type { LowerLabels } from './inode-labels.js'
import { type Entry, type Snapshot, snapshotTree } from './snapshot.js'

const PRIVATE = /^(?:trusted|user)\.overlay\.(?!overlay\.)/
/** Magic, version, length, flags, type: what precedes the uuid in an origin. */
const ORIGIN_UUID_OFFSET = 5
const UUID_BYTES = 16

/** Say which lower object an origin (hexadecimal) names, with the flags and the type it has. */
export function originText(hex: string, labels: LowerLabels): string {
  if (hex === '') return 'unknown'
  const head = hex.slice(0, ORIGIN_UUID_OFFSET * 2)
  const uuid = hex.slice(ORIGIN_UUID_OFFSET * 2, (ORIGIN_UUID_OFFSET + UUID_BYTES) * 2)
  const handle = hex.slice((ORIGIN_UUID_OFFSET + UUID_BYTES) * 2)
  return `${labels.byHandle.get(handle) ?? 'an object of no lower layer'} ${head} uuid ${uuid}`
}

function canonicalXattr(
  labels: LowerLabels,
): (name: string, value: string) => readonly [string, string] {
  return (name, value) => {
    if (!PRIVATE.test(name)) return [name, value]
    const short = name.replace(PRIVATE, '')
    // The namespace is compared, the handle by what it leads to, a random uuid by its length.
    const key = `${name.startsWith('user.') ? 'user:' : ''}${short}`
    if (short === 'origin') return [key, originText(value, labels)]
    if (short === 'uuid') return [key, `${value.length / 2} bytes`]
    if (short === 'upper') return [key, value === '' ? 'empty' : 'a handle']
    return [key, Buffer.from(value, 'hex').toString('latin1')]
  }
}

function isWhiteout(entry: Readonly<Record<string, string>>): boolean {
  return entry['type'] === 'char' && entry['rdev'] === '0:0'
}

/** A whiteout is one whatever its mode, owner, times and link count. */
function finish(_path: string, entry: Record<string, string>): Entry {
  if (isWhiteout(entry)) return { type: 'whiteout' }
  // Numbers of upper's own inodes say which names are hard links of each other.
  return entry
}

/** Show an upper directory; origins are named after the lower layers' objects. */
export function snapshotUpper(upper: string, labels: LowerLabels): Snapshot {
  return snapshotTree(upper, { xattr: canonicalXattr(labels), finish })
}

/** Show `work/index` of a work directory: names are handles of lower objects; empty if there is none. */
export function snapshotIndex(work: string, labels: LowerLabels): Snapshot {
  const index = `${work}/index`
  if (!existsSync(index)) return new Map()
  const raw = snapshotTree(index, { xattr: canonicalXattr(labels), finish, inodes: false })
  const named = new Map<string, Entry>()
  for (const [path, entry] of raw) {
    // With an index, temporaries live here, too; the shared whiteout stays until the next mount.
    if (path.startsWith('/#')) continue
    named.set(path === '/' ? '/' : `/${originText(path.slice(1), labels)}`, sizeless(path, entry))
  }
  return named
}

/** The directory's size says how many temporaries are in it, too. */
function sizeless(path: string, entry: Entry): Entry {
  if (path !== '/') return entry
  return Object.fromEntries(Object.entries(entry).filter(([field]) => field !== 'size'))
}

/** Show a work directory as it is after unmounting; temporaries and the shared whiteout go unseen. */
export function snapshotWork(work: string): Snapshot {
  const isSeen = (path: string): boolean => !/^\/index(?:\/|$)|\/#[0-9a-f.]+(?:\/|$)/.test(path)
  return snapshotTree(work, {
    inodes: false,
    finish: (path, entry) => (isSeen(path) ? pick(entry) : null),
  })
}

/** Link counts, sizes and times are the file system's affair. */
function pick({ type = '', mode = '', owner = '' }: Record<string, string>): Entry {
  return { type, mode, owner }
}
