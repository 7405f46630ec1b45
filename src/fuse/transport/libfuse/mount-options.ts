/** What libfuse 2 and fuse-native are told when mounting, and what they cannot be told. Pure. */
import { EINVAL, ENAMETOOLONG } from '../../../sys/errno.js'
import { showBytes } from '../../../util/debug.js'
import { textOf } from '../../../util/byte-text.js'

/** What to mount where; texts are byte strings (latin1). */
export interface LibfuseMountRequest {
  readonly mountpoint: string
  readonly source: string
  readonly subtype: string
  readonly allowOther: boolean
  readonly allowRoot: boolean
  readonly readOnly: boolean
  readonly suid: boolean
  readonly dev: boolean
  readonly exec: boolean
  readonly atime: 'default' | 'noatime' | 'relatime' | 'strictatime'
  readonly diratime: boolean
  readonly sync: boolean
  readonly dirsync: boolean
  readonly readAheadBytes: number | null
  /** Lifetime of entries in the kernel's caches, seconds; Infinity = for ever. */
  readonly timeoutSec: number
}

/** What the addon is called with. */
export interface LibfuseMountArguments {
  readonly mountpoint: string
  /** Starts with `-o`. */
  readonly options: string
}

/** Something was asked for that this transport cannot do. */
export class LibfuseRefusal extends Error {
  override readonly name = 'LibfuseRefusal'
  /** Positive errno. */
  readonly errno: number

  constructor(message: string, errno = EINVAL) {
    super(`transport=libfuse: ${message}`)
    this.errno = errno
  }
}

/** Room that the addon has for each of its texts, the final NUL included. */
const TEXT_BYTES = 1024
/** Seconds that count as for ever. */
const FOR_EVER_SEC = 4294967295

function refuseWhatCannotBe(request: LibfuseMountRequest): void {
  if (request.allowOther || request.allowRoot) {
    const option = request.allowOther ? 'allow_other' : 'allow_root'
    throw new LibfuseRefusal(
      `${option} is not possible: fuse-native does not tell who calls, and what others make would belong to the user who mounts; leave it out, or use transport=kernel`,
    )
  }
  if (request.atime === 'strictatime' || !request.diratime) {
    const option = request.diratime ? 'strictatime' : 'nodiratime'
    throw new LibfuseRefusal(
      `libfuse 2 does not know ${option}; leave it out, or use transport=kernel`,
    )
  }
}

/** A value of the option list: what would end it, and bytes that are no ASCII, escaped. */
function escapeValue(value: string): string {
  return value.replace(
    /[\\,]|[^\x20-\x7e]/g,
    (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
}

function optionWords(request: LibfuseMountRequest): string[] {
  const lifetime = String(Math.min(request.timeoutSec, FOR_EVER_SEC))
  // Two names of one file are two inodes to the kernel here, and nothing tells it that what it
  // keeps of the one has changed through the other: so it keeps no attributes unless told to.
  const attributeLifetime = request.timeoutSec === Infinity ? '0' : lifetime
  return [
    'use_ino',
    'default_permissions',
    'big_writes',
    'nonempty',
    `entry_timeout=${lifetime}`,
    `attr_timeout=${attributeLifetime}`,
    'negative_timeout=0',
    request.readOnly ? 'ro' : 'rw',
    request.suid ? 'suid' : 'nosuid',
    request.dev ? 'dev' : 'nodev',
    request.exec ? 'exec' : 'noexec',
    ...(request.atime === 'noatime' ? ['noatime'] : []),
    ...(request.sync ? ['sync'] : []),
    ...(request.dirsync ? ['dirsync'] : []),
    ...(request.readAheadBytes === null ? [] : [`max_readahead=${String(request.readAheadBytes)}`]),
    `fsname=${escapeValue(request.source)}`,
    `subtype=${escapeValue(request.subtype)}`,
  ]
}

/**
 * The arguments of a mount.
 * @throws LibfuseRefusal EINVAL or ENAMETOOLONG for what this transport cannot do
 */
export function mountArguments(request: LibfuseMountRequest): LibfuseMountArguments {
  refuseWhatCannotBe(request)
  const shown = showBytes(request.mountpoint)
  const mountpoint = textOf(request.mountpoint)
  if (mountpoint === null) throw new LibfuseRefusal(`${shown}: a mount point must be UTF-8`)
  if (request.mountpoint.length >= TEXT_BYTES) {
    throw new LibfuseRefusal(
      `${shown}: a mount point may have ${String(TEXT_BYTES - 1)} bytes`,
      ENAMETOOLONG,
    )
  }
  const options = `-o${optionWords(request).join(',')}`
  if (options.length >= TEXT_BYTES) {
    throw new LibfuseRefusal(
      `fuse-native has room for ${String(TEXT_BYTES - 1)} bytes of options, these are ${String(options.length)}; shorten fsname and subtype`,
    )
  }
  return { mountpoint, options }
}
