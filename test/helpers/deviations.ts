/**
 * Where tsoverlayfs differs from kernel overlayfs on purpose, as data. The letters are those of
 * docs/semantics.md; a difference that no entry covers is a failure.
 */
import type { Difference } from './difference.js'
import { libfuseDeviations } from './deviations-libfuse.js'
import type { Operation } from './operation.js'
import type { Scenario } from './scenario.js'
import { candidateName } from './subject.js'

/** One lettered deviation. */
export interface Deviation {
  readonly letter: string
  readonly title: string
  readonly covers: (difference: Difference, scenario: Scenario) => boolean
  /** What follows differs, too: the one succeeded where the other did not. */
  readonly diverges?: true
}

/** What tables call a handle or mapping of a lower file that is copied up while it is open. */
const BEFORE = 'before copy-up'
const FS_IOC_FIEMAP = 0xc020660b
/** An inode number in the result of a stat call. */
const INO = / ino=\S+/
const UUID = / uuid [0-9a-f]{32}$/

/** All of them, in the order of docs/semantics.md. */
export const deviations: readonly Deviation[] = [
  {
    letter: 'A',
    title: 'a descriptor on a big lower file keeps the old content',
    covers: ({ place, field, subject }) =>
      place === 'result' && field === 'fread' && subject.includes(`"handle":"${BEFORE}"`),
  },
  {
    letter: 'B',
    title: 'reopening such a descriptor for writing is ESTALE',
    covers: ({ place, field, subject, actual }) =>
      place === 'result' &&
      field === 'reopen' &&
      actual === 'ESTALE' &&
      subject.includes(`"handle":"${BEFORE}"`),
  },
  {
    letter: 'D',
    title: 'mappings of small lower files are coherent',
    covers: ({ place, field, subject }) =>
      place === 'result' && field === 'map-read' && subject.includes(`"mapping":"${BEFORE}"`),
  },
  {
    letter: 'F',
    title: 'one device number',
    covers: ({ field }, scenario) => field === 'dev' && scenario.upperElsewhere === true,
  },
  {
    letter: 'K',
    title: 'no FICLONE, FIDEDUPERANGE, FIEMAP',
    covers: ({ place, field, subject, actual }) =>
      place === 'result' &&
      actual === 'EOPNOTSUPP' &&
      (['clone', 'dedupe'].includes(field) || subject.includes(`"request":${FS_IOC_FIEMAP}`)),
  },
  {
    letter: 'K',
    title: 'no FALLOC_FL_COLLAPSE_RANGE',
    diverges: true,
    covers: ({ place, subject, actual }) =>
      place === 'result' && actual === 'EOPNOTSUPP' && subject.includes('"mode":"collapse"'),
  },
  {
    letter: 'N',
    title: 'more holes survive',
    covers: ({ place, field }) => place === 'result' && field === 'holes',
  },
  {
    letter: 'O',
    title: 'origins on tmpfs lack the uuid that only the kernel knows',
    covers: ({ field, expected, actual, place }, { scratch, upperElsewhere }) => {
      if (scratch !== 'tmpfs' && upperElsewhere !== true) return false
      if (field === 'origin') return expected.replace(UUID, '') === actual.replace(UUID, '')
      return place.startsWith('merged after') && field.endsWith('ino')
    },
  },
  {
    letter: 'P',
    title: 'a copy-up into the index that fails leaves nothing',
    covers: ({ place, field, expected, actual }, { options }) =>
      place === 'index' &&
      field === 'presence' &&
      actual === '-' &&
      options.includes('userxattr') &&
      expected !== 'file',
  },
  {
    letter: 'P',
    title: 'so nothing is in the way of the next mount',
    covers: ({ place, expected, actual }, { options }) =>
      place === 'mount' &&
      expected === 'refused: ENODATA' &&
      actual.startsWith('mounted') &&
      /userxattr.*index=on|index=on.*userxattr/.test(options),
  },
  {
    letter: 'Q',
    title: 'whiteouts never show',
    covers: ({ field, expected, actual, place, subject }) => {
      if (field === 'presence') {
        return expected === 'listed, but lstat gives ENOENT' && actual === '-'
      }
      return (
        place === 'result' && field === 'list' && subject !== '' && whiteoutsOnly(expected, actual)
      )
    },
  },
  {
    letter: 'Q',
    title: 'nor are they in the way',
    diverges: true,
    covers: ({ field, expected, actual, place }) =>
      place === 'result' &&
      (field === 'rmdir' || field === 'rename') &&
      expected === 'ENOTEMPTY' &&
      actual === 'OK',
  },
  {
    letter: 'R',
    title: 'other reasons come before append-only and immutable',
    covers: ({ place, expected, actual }, scenario) =>
      place === 'result' &&
      expected === 'EPERM' &&
      ['EACCES', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY'].includes(actual) &&
      uses(scenario, 'setflags'),
  },
  {
    letter: 'R',
    title: 'no default ACL to remove from what is no directory',
    covers: ({ place, field, subject, expected, actual }, scenario) =>
      place === 'result' &&
      field === 'removexattr' &&
      subject.includes('posix_acl_default') &&
      expected === 'EPERM' &&
      actual === 'OK' &&
      uses(scenario, 'setflags'),
  },
  {
    letter: 'T',
    title: 'two names of one inode',
    diverges: true,
    covers: ({ place, field, actual }, scenario) =>
      place === 'result' &&
      field === 'rename' &&
      actual === 'OK' &&
      scenario.options.includes('userxattr') &&
      uses(scenario, 'link'),
  },
  {
    letter: 'T',
    title: 'one inode, one number, to stat',
    covers: ({ place, expected, actual }, scenario) =>
      place === 'result' &&
      expected !== actual &&
      expected.replace(INO, '') === actual.replace(INO, '') &&
      scenario.options.includes('userxattr') &&
      uses(scenario, 'link'),
  },
  {
    letter: 'T',
    title: 'one inode, one number',
    covers: ({ field, expected, place }, { options }) =>
      options.includes('userxattr') &&
      ((place.startsWith('merged') && field.endsWith('ino') && expected.startsWith('as ')) ||
        field === 'xattr user:impure'),
  },
  {
    letter: 'U',
    title: 'd_ino is st_ino from the first listing on',
    covers: ({ field, expected, actual }) =>
      field === 'd_ino' && expected === 'not st_ino' && actual === '-',
  },
  {
    letter: 'U',
    title: 'a read-only mount writes nothing',
    covers: ({ place, subject, field, actual }, { options }) => {
      if (!/\bro\b/.test(options) || actual !== '-') return false
      if (field === 'presence' && place === 'work') return subject === '/work'
      if (field === 'presence' && place === 'index') return subject === '/'
      return place === 'upper' && /^xattr (uuid|origin|impure)$/.test(field)
    },
  },
  {
    letter: 'V',
    title: 'twins are found out in another order',
    covers: ({ place }, scenario) => place.startsWith('merged after') && hasTwins(scenario),
  },
  {
    letter: 'X',
    title: 'AUFS whiteouts in lower layers count',
    covers: ({ place, field, subject }, { lowers }) => {
      const hidden = aufsNames(lowers)
      if (hidden.length === 0) return false
      const path = place === 'result' ? pathOf(subject) : subject.replace(/^\//, '')
      const concerns = ({ directory, name }: AufsName): boolean =>
        path === name || path.startsWith(`${name}/`) || (path === directory && isOfNames(field))
      return hidden.some(concerns)
    },
  },
  {
    letter: 'Y',
    title: 'names removed during a listing are not listed',
    covers: ({ place, field, expected, actual }) =>
      place === 'result' && field === 'list-rest' && isFewer(expected, actual),
  },
  {
    letter: 'Z',
    title: 'a write by root takes set-user-id along with a capability',
    covers: ({ expected, actual, field }, scenario) => {
      if (!JSON.stringify([scenario.lowers, scenario.rounds]).includes('security.capability')) {
        return false
      }
      if (field === 'mode') return /^[67]/.test(expected) && actual === `0${expected.slice(1)}`
      return field === 'stat' && actual === expected.replace(/^(OK file )[67]/, '$10')
    },
  },
  {
    letter: 'AA',
    title: 'positions of data in directories',
    covers: ({ place, subject }) =>
      place === 'result' && /"op":"lseek".*"whence":[34]/.test(subject),
  },
  {
    letter: 'AA',
    title: 'FIBMAP, FIGETBSZ',
    covers: ({ place, subject, expected, actual }) =>
      place === 'result' &&
      /"request":[12]}/.test(subject) &&
      expected === 'EINVAL' &&
      actual === 'OK',
  },
  {
    letter: 'AB',
    title: 'a change that fails leaves nothing',
    covers: ({ place, field, expected, actual }, scenario) =>
      place === 'upper' &&
      field === 'xattr impure' &&
      expected === 'y' &&
      actual === '-' &&
      ((uses(scenario, 'unlink') && uses(scenario, 'fchmod')) ||
        (uses(scenario, 'rmdir') && JSON.stringify(scenario.rounds).includes('"tmpfile"'))),
  },
  {
    letter: 'AC',
    title: 'files end at 8 PiB',
    diverges: true,
    covers: ({ place, field, subject, expected, actual }) =>
      place === 'result' &&
      field === 'truncate' &&
      Number(/"size":(\d+)/.exec(subject)?.[1] ?? 0) >= 2 ** 53 &&
      expected === 'OK' &&
      actual === 'EFBIG',
  },
]

/** A name of the AUFS form, or what it hides, and the directory that lists it. */
interface AufsName {
  readonly directory: string
  readonly name: string
}

/** Names of lower layers that the kernel takes for ordinary ones, and the names they hide. */
function aufsNames(lowers: Scenario['lowers']): AufsName[] {
  const created = lowers.flatMap((script) =>
    script.flatMap((operation) => (operation.op === 'create' ? [operation.path] : [])),
  )
  return created.flatMap((path): AufsName[] => {
    const [, directory = '.', rest] = /^(?:(.*)\/)?\.wh\.([^/]*)$/.exec(path) ?? []
    if (rest === undefined) return []
    const prefix = directory === '.' ? '' : `${directory}/`
    if (rest !== '.wh..opq') return [path, prefix + rest].map((name) => ({ directory, name }))
    const below = created.filter((other) => other.startsWith(prefix))
    return below.map((name) => ({ directory, name }))
  })
}

/** The path that an operation is about. */
function pathOf(subject: string): string {
  return /"path":"([^"]*)"/.exec(subject)?.[1] ?? ''
}

/** Whether a difference of a directory follows from the names in it. */
function isOfNames(field: string): boolean {
  return field === 'list' || field === 'nlink'
}

/** Whether a listing has nothing but some of the other's names. */
function isFewer(expected: string, actual: string): boolean {
  const had = new Set(expected.split(' '))
  return actual.length < expected.length && actual.split(' ').every((name) => had.has(name))
}

/** Whether upper has a directory that shows a lower one under another name. */
function hasTwins({ upper }: Scenario): boolean {
  return upper.some(
    (operation) => operation.op === 'setxattr' && operation.name.endsWith('.redirect'),
  )
}

/** Whether a scenario has an operation of that kind, in a layer or in a script. */
function uses({ lowers, upper, rounds }: Scenario, op: Operation['op']): boolean {
  const scripts = [...lowers, upper, ...rounds.map(({ script }) => script)]
  return scripts.some((script) => script.some((operation) => operation.op === op))
}

/** Whether a listing has, beyond the other's names, character devices only. */
function whiteoutsOnly(expected: string, actual: string): boolean {
  const had = new Set(actual.split(' '))
  const more = expected.split(' ').filter((entry) => !had.has(entry))
  return more.length > 0 && more.every((entry) => entry.endsWith('/2'))
}

/** What passing lower files through brings about: with `passthrough=upper` or `off` it is not so. */
const ofLowerPassthrough: ReadonlySet<string> = new Set(['A', 'B'])

/** The deviations that hold for what is compared. */
function knownDeviations(): readonly Deviation[] {
  const candidate = candidateName()
  if (candidate === 'libfuse') return [...deviations, ...libfuseDeviations]
  if (!/^ours:.*passthrough=(?:upper|off)/.test(candidate)) return deviations
  return deviations.filter(({ letter }) => !ofLowerPassthrough.has(letter))
}

/** What no deviation covers. */
export function unexplained(
  differences: readonly Difference[],
  scenario: Scenario,
): readonly Difference[] {
  const known = knownDeviations()
  const explains = (difference: Difference, all = known): boolean =>
    all.some(({ covers }) => covers(difference, scenario))
  const diverging = known.filter(({ diverges }) => diverges === true)
  if (differences.some((difference) => explains(difference, diverging))) return []
  return differences.filter((difference) => !explains(difference))
}
