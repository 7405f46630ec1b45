/**
 * Every option with a meaning for the overlay, one entry each: how its value is read into the draft.
 * The flags of the mount are in mount-words.ts, what contradicts what in conflicts.ts.
 * @mirrors fs/overlayfs/params.c:ovl_parse_param
 */
import { showBytes } from '../util/debug.js'
import { type Draft, refuse, refuseOrWarn } from './draft.js'
import { parseId, parseIdMap } from './id-map.js'
import { splitLowerDirs } from './lower-dirs.js'
import { type OptionWord, unescapeValue } from './option-words.js'

type Read = (draft: Draft, word: OptionWord) => void

/** An option that takes no value. */
function flag(apply: (draft: Draft) => void): Read {
  return (draft, { key, value }) => {
    if (value !== null) refuse(key, `: it takes no value; leave out '=${showBytes(value)}'`)
    apply(draft)
  }
}

/** The value of an option that needs one. */
function required({ key, value }: OptionWord, example: string): string {
  if (value === null || value === '') refuse(key, `: its value is missing; write ${key}=${example}`)
  return value
}

/** An option with a value of any text; escapes are kept. */
function text(example: string, apply: (draft: Draft, value: string, key: string) => void): Read {
  return (draft, word) => apply(draft, required(word, example), word.key)
}

/** An option with a path as value. */
function path(apply: (draft: Draft, value: string) => void): Read {
  return (draft, word) => {
    const value = required(word, 'DIRECTORY')
    apply(draft, word.literal === true ? value : unescapeValue(value))
  }
}

/** An option with one of a few words as value. */
function choice<T>(
  values: Readonly<Record<string, T>>,
  apply: (draft: Draft, value: T) => void,
): Read {
  const names = Object.keys(values)
  return (draft, word) => {
    const given = required(word, names.join('|'))
    const value = Object.hasOwn(values, given) ? values[given] : undefined
    if (value === undefined) {
      refuse(word.key, `=${showBytes(given)}: not a value it knows; use ${names.join(', ')}`)
    }
    apply(draft, value)
  }
}

/** `on` and `off`. */
function onOff(apply: (draft: Draft, value: boolean) => void): Read {
  return choice({ on: true, off: false }, apply)
}

/** fuse-overlayfs's switches: `0`, `1`, or nothing for 1. */
function zeroOne(apply: (draft: Draft, value: boolean) => void): Read {
  const withValue = choice({ '0': false, '1': true }, apply)
  return (draft, word) => {
    if (word.value === null) apply(draft, true)
    else withValue(draft, word)
  }
}

/** A switch whose state makes no difference to us. */
const ignoredSwitch: Read = zeroOne(() => undefined)

/** An option that others act on. */
const ignored: Read = () => undefined

function readLowerDir(draft: Draft, word: OptionWord): void {
  const { lowers, data } = splitLowerDirs(word.value ?? '')
  draft.lowers = [...lowers]
  draft.data = [...data]
  draft.lowersFromList = lowers.length > 0
}

function readAddedLayer(draft: Draft, word: OptionWord): void {
  const { key } = word
  const value = required(word, 'DIRECTORY')
  if (draft.lowersFromList) {
    refuse(key, ": it cannot follow 'lowerdir='; name all layers one way or the other")
  }
  if (key === 'datadir+') {
    draft.data.push(value)
    return
  }
  if (draft.data.length > 0) {
    refuse(key, ": a regular layer cannot follow 'datadir+'; put data-only layers last")
  }
  draft.lowers.push(value)
}

function readCount(option: string, value: string, unit: string): number {
  if (!/^\d{1,15}$/.test(value)) refuse(option, `=${showBytes(value)}: not a number of ${unit}`)
  return Number(value)
}

function readTimeout(draft: Draft, value: string): void {
  if (!/^(\d+(\.\d*)?|\.\d+)(e\d+)?$/i.test(value)) {
    refuse('timeout', `=${showBytes(value)}: not a number of seconds; 0 means no caching`)
  }
  const seconds = Number(value)
  draft.timeoutSec = seconds >= 1e9 ? Infinity : seconds
}

const contexts = ['context', 'fscontext', 'defcontext', 'rootcontext']

const table: ReadonlyMap<string, Read> = new Map<string, Read>([
  // Layers.
  ['lowerdir', readLowerDir],
  ['lowerdir+', readAddedLayer],
  ['datadir+', readAddedLayer],
  ['upperdir', path((draft, value) => (draft.upperDir = value))],
  ['workdir', path((draft, value) => (draft.workDir = value))],

  // Kernel overlayfs.
  [
    'redirect_dir',
    choice(
      { on: 'on', follow: 'follow', nofollow: 'nofollow', off: 'off' } as const,
      (draft, v) => {
        draft.redirectDir = v
      },
    ),
  ],
  ['index', onOff((draft, value) => (draft.index = value))],
  ['metacopy', onOff((draft, value) => (draft.metacopy = value))],
  ['nfs_export', onOff((draft, value) => (draft.nfsExport = value))],
  ['xino', choice({ off: 'off', auto: 'auto', on: 'on' } as const, (draft, v) => (draft.xino = v))],
  [
    'uuid',
    choice({ auto: 'auto', on: 'on', null: 'null', off: 'off' } as const, (draft, value) => {
      draft.uuid = value
    }),
  ],
  [
    'verity',
    choice({ off: 'off', on: 'on', require: 'require' } as const, (_draft, value) => {
      if (value !== 'off') {
        refuse('verity', `=${value}: digests of lower files are not checked here; use verity=off`)
      }
    }),
  ],
  ['userxattr', flag((draft) => (draft.userxattr = true))],
  ['volatile', flag((draft) => (draft.fsync = 'volatile'))],
  [
    'fsync',
    choice(
      {
        auto: 'auto',
        strict: 'strict',
        volatile: 'volatile',
        '0': 'volatile',
        '1': 'auto',
      } as const,
      (draft, value) => (draft.fsync = value),
    ),
  ],

  // Ours.
  [
    'passthrough',
    choice({ auto: 'auto', all: 'all', upper: 'upper', off: 'off' } as const, (draft, value) => {
      draft.passthrough = value
    }),
  ],

  [
    'transport',
    choice({ auto: 'auto', kernel: 'kernel', libfuse: 'libfuse' } as const, (draft, value) => {
      draft.transport = value
    }),
  ],

  // fuse-overlayfs.
  ['timeout', text('SECONDS', readTimeout)],
  ['uidmapping', text('0:1000:1', (draft, v, key) => (draft.uidMap = parseIdMap(key, v)))],
  ['gidmapping', text('0:1000:1', (draft, v, key) => (draft.gidMap = parseIdMap(key, v)))],
  ['squash_to_root', flag((draft) => (draft.squashToRoot = true))],
  ['squash_to_uid', text('UID', (draft, v, key) => (draft.squashUid = parseId(key, v)))],
  ['squash_to_gid', text('GID', (draft, v, key) => (draft.squashGid = parseId(key, v)))],
  ['static_nlink', flag((draft) => (draft.staticNlink = true))],
  ['acl', flag((draft) => (draft.acl = true))],
  ['noacl', flag((draft) => (draft.acl = false))],
  ['noxattrs', zeroOne((draft, value) => (draft.xattrs = !value))],
  [
    'xattr_permissions',
    choice({ '0': 'off', '1': 'privileged', '2': 'containers' } as const, (draft, value) => {
      draft.xattrPermissions = value
    }),
  ],
  ['ino32_t', flag((draft) => (draft.ino32 = true))],
  ['writeback', ignoredSwitch],
  ['threaded', ignoredSwitch],
  ['fast_ino', ignoredSwitch],
  ['fast_ino_check', ignoredSwitch],
  [
    'plugins',
    (draft, { key }) =>
      refuseOrWarn(draft, key, ': plug-in layers are not supported; leave it out'),
  ],

  // FUSE.
  ['fsname', path((draft, value) => (draft.fsname = value))],
  ['subtype', path((draft, value) => (draft.subtype = value))],
  ['allow_other', flag((draft) => (draft.allowOther = true))],
  ['allow_root', flag((draft) => (draft.allowRoot = true))],
  [
    'max_readahead',
    text('BYTES', (draft, v, key) => (draft.readAheadBytes = readCount(key, v, 'bytes'))),
  ],
  ['max_write', text('BYTES', (_draft, v, key) => void readCount(key, v, 'bytes'))],
  ['max_read', text('BYTES', (_draft, v, key) => void readCount(key, v, 'bytes'))],
  ['debug', flag((draft) => (draft.debug = true))],

  // SELinux labels are the engine's business: it sets them on the layers.
  ...contexts.map((key): [string, Read] => [key, ignored]),
])

/** Read a word into the draft. Returns false when there is no such option. */
export function readOption(draft: Draft, word: OptionWord): boolean {
  const read = table.get(word.key)
  if (read === undefined) return false
  read(draft, word)
  return true
}
