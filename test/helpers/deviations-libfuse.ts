/**
 * What the transport through libfuse 2 does not carry, as data; docs/transports.md says why. What
 * libfuse refuses, or does without telling the file system, is left out of the scripts that are
 * compared, so that all the rest must be equal. What differs all the same is listed as deviations.
 */
import type { Operation } from './operation.js'
import type { Scenario } from './scenario.js'
import type { Deviation } from './deviations.js'

/** A kind of operation that is not carried. */
export interface NotCarried {
  readonly title: string
  readonly is: (operation: Operation) => boolean
}

const KEEP_ID = 0xffffffff

/** All of them, in the order of docs/transports.md. */
export const notCarried: readonly NotCarried[] = [
  {
    title: 'other users than the one who mounts',
    is: ({ by }) => by !== undefined && (by.uid !== 0 || by.gid !== 0),
  },
  {
    title: 'flags of rename',
    is: (operation) => operation.op === 'rename' && (operation.flags ?? []).length > 0,
  },
  {
    title: 'files without a name',
    is: (operation) =>
      (operation.op === 'open' || operation.op === 'reopen') && operation.flags.includes('tmpfile'),
  },
  {
    title: 'one time without the other',
    is: (operation) =>
      (operation.op === 'utimens' || operation.op === 'futimens') &&
      (operation.atime === 'omit') !== (operation.mtime === 'omit'),
  },
  {
    title: 'chown to nobody',
    is: (operation) =>
      (operation.op === 'chown' || operation.op === 'fchown') &&
      operation.uid === KEEP_ID &&
      operation.gid === KEEP_ID,
  },
  {
    title: 'allocation, holes and ranges',
    is: ({ op }) =>
      ['fallocate', 'fallocate-handle', 'seek', 'holes', 'copy-range', 'clone'].includes(op),
  },
  { title: 'inode flags', is: ({ op }) => ['getflags', 'setflags', 'ioctl'].includes(op) },
]

/** Whether an operation is carried. */
export function isCarried(operation: Operation): boolean {
  return !notCarried.some(({ is }) => is(operation))
}

/** A scenario without what is not carried; the scenario itself where all is. */
export function carriedPart(scenario: Scenario): Scenario {
  if (scenario.rounds.every(({ script }) => script.every(isCarried))) return scenario
  const rounds = scenario.rounds.map((round) => ({
    ...round,
    script: round.script.filter(isCarried),
  }))
  return { ...scenario, rounds }
}

/** Times without their last six digits. */
function inMilliseconds(text: string): string {
  return text.replace(/(\.\d{3})\d{6}/g, '$1000000')
}

function hasDefaultAcl({ lowers, upper, rounds }: Scenario): boolean {
  const scripts = [...lowers, upper, ...rounds.map(({ script }) => script)]
  return scripts.some((script) =>
    script.some(
      (operation) =>
        (operation.op === 'setxattr' || operation.op === 'fsetxattr') &&
        operation.name === 'system.posix_acl_default',
    ),
  )
}

const ON_HANDLE: ReadonlySet<string> = new Set([
  'fstat',
  'flist',
  'fsync',
  'fchmod',
  'fchown',
  'futimens',
  'fsetxattr',
  'fgetxattr',
])

function withoutBirth(text: string): string {
  return text.replace(/ birth \S+/, '')
}

/** What differs in what is carried. The letters are those of docs/transports.md. */
export const libfuseDeviations: readonly Deviation[] = [
  {
    letter: 'a',
    title: 'times are set in milliseconds',
    covers: ({ field, place, expected, actual }) =>
      (field.endsWith('time') || place === 'result') &&
      inMilliseconds(expected) === inMilliseconds(actual),
  },
  {
    letter: 'b',
    title: 'a removed directory that is open has no path',
    covers: ({ place, field, actual }) =>
      place === 'result' && ON_HANDLE.has(field) && actual === 'ENOENT',
  },
  {
    letter: 'c',
    title: 'the umask counts beside a default ACL',
    covers: ({ place, field }, scenario) =>
      hasDefaultAcl(scenario) &&
      (field === 'mode' ||
        field === 'xattr system.posix_acl_access' ||
        (place === 'result' && ['stat', 'fstat', 'getxattr'].includes(field))),
  },
  {
    letter: 'd',
    title: 'no time of birth',
    covers: ({ place, field, expected, actual }) =>
      place === 'result' && field === 'times' && withoutBirth(expected) === withoutBirth(actual),
  },
  {
    letter: 'e',
    title: '"now" arrives as a time, and who sets a time may not touch what is append-only',
    covers: ({ place, field, subject, expected, actual }) =>
      place === 'result' &&
      (field === 'utimens' || field === 'futimens') &&
      subject.includes('"mtime":"now"') &&
      expected === 'OK' &&
      actual === 'EPERM',
  },
  {
    letter: 'f',
    title: 'a watch on one name of a file says nothing of the others',
    covers: ({ place, field, expected, actual }) =>
      place === 'result' && field === 'events' && expected === 'OK 4' && actual === 'OK none',
  },
  {
    letter: 'f',
    title: 'nor does a page cache',
    covers: ({ place, field }, { options, lowers }) =>
      place === 'result' &&
      field === 'fread' &&
      options.includes('index=on') &&
      lowers.some((script) => script.some(({ op }) => op === 'link')),
  },
  {
    letter: 'g',
    title: 'file handles can be had',
    covers: ({ place, field, expected, actual }) =>
      place === 'result' &&
      field === 'file-handle' &&
      expected === 'EOPNOTSUPP' &&
      actual === 'OK a handle',
  },
]
