/**
 * What crews do. Each task is made for one promise that must hold whatever the others do at the same
 * moment; the suite adds up what the members counted and looks at the tree when all is quiet.
 */
import {
  O_APPEND,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  O_TRUNC,
  O_WRONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
} from '../../src/sys/constants.js'
import { chmodAt, truncateFd } from '../../src/sys/attr.js'
import { errnoName } from '../../src/sys/errno.js'
import {
  linkAt,
  mkdirAt,
  mknodAt,
  renameAt,
  rmdirAt,
  symlinkAt,
  unlinkAt,
} from '../../src/sys/node.js'
import { close, openAt } from '../../src/sys/open.js'
import { FileStat, statAt } from '../../src/sys/stat.js'
import { writeXattr } from '../../src/sys/xattr.js'
import { churned, directories, logs, present, stable } from './crew-names.js'
import type { CrewWork } from './crew-work.js'
import { readSome } from './dirents.js'

/** Returns the step that a member repeats; `done` ends it before its time. */
export type Task = (work: CrewWork) => () => unknown

type Names = readonly [string, ...string[]]

const S_IFIFO = 0o010000
const stat = new FileStat()

/** Records each member appends to each file. */
export const RECORDS = 12

/** The text of one record. */
export function recordOf(member: number, log: string, number: number): string {
  return `record ${member} of ${log}: ${number}\n`
}

/** Everybody appends to the same lower files, opening anew for each record: nothing may be lost. */
const append: Task = (work) => {
  // Half of the crew has the files open for reading all the while.
  const readers = work.member % 2 === 0 ? logs.map((log) => openAt(work.root, log, O_RDONLY)) : []
  let at = 0
  return () => {
    const log = logs[Math.floor(at / RECORDS)]
    if (log === undefined) {
      for (const fd of readers) close(fd)
      return 'done'
    }
    const fd = openAt(work.root, log, O_WRONLY | O_APPEND)
    if (work.expect(`open ${log}`, fd)) {
      const text = recordOf(work.member, log, at % RECORDS)
      if (work.expect(`write ${log}`, work.write(fd, text)) && at % RECORDS === 0) {
        work.count(`opened ${log}`)
      }
      work.expect(`close ${log}`, close(fd))
    }
    at += 1
    return 'more'
  }
}

/** Files change names and places, never over one another: each is somewhere at the end. */
const rename: Task = (work) => {
  const names = [...present, ...churned.slice(0, 12)] as unknown as Names
  return () => {
    const from = work.random.pick(names)
    const to = work.random.pick(names)
    const flags = work.random.below(3) === 0 ? RENAME_EXCHANGE : RENAME_NOREPLACE
    const result = renameAt(work.root, from, work.root, to, flags)
    if (work.expect(`rename ${from} ${to} ${flags}`, result, 'ENOENT', 'EEXIST')) {
      work.count('renamed')
    }
  }
}

/** The same names are made and removed: for each, what was made less what was removed is there. */
const exist: Task = (work) => {
  const names = churned as unknown as Names
  const makers: readonly [string, (path: string) => number][] = [
    ['create', (path) => work.make(path, path)],
    ['mkdir', (path) => mkdirAt(work.root, path, 0o755)],
    ['symlink', (path) => symlinkAt('nowhere', work.root, path)],
    ['mkfifo', (path) => mknodAt(work.root, path, S_IFIFO | 0o600, 0, 0)],
    ['link', (path) => linkAt(work.root, 'upper/stable0', work.root, path)],
    ['link of lower', (path) => linkAt(work.root, 'lower/stable0', work.root, path)],
  ]
  return () => {
    const path = work.random.pick(names)
    if (work.random.below(2) === 0) {
      const [what, make] = work.random.pick(makers as unknown as [(typeof makers)[number]])
      // Letter W of docs/semantics.md: the VFS may take a file with many names to have none.
      const flows = what.startsWith('link')
        ? (['EEXIST', 'ENOENT'] as const)
        : (['EEXIST'] as const)
      if (work.expect(`${what} ${path}`, make(path), ...flows)) work.count(path)
      return
    }
    const removed = unlinkAt(work.root, path)
    if (removed === 0) work.count(path, -1)
    else if (errnoName(removed) === 'EISDIR') {
      const gone = rmdirAt(work.root, path)
      if (work.expect(`rmdir ${path}`, gone, 'ENOENT', 'ENOTDIR')) work.count(path, -1)
    } else work.expect(`unlink ${path}`, removed, 'ENOENT')
  }
}

/** Read a directory in small pieces; complains of names twice and of stable names left out. */
function list(work: CrewWork, directory: string): void {
  const fd = openAt(work.root, directory, O_RDONLY | O_DIRECTORY)
  if (!work.expect(`open ${directory}`, fd)) return
  const seen = new Set<string>()
  for (;;) {
    const some = readSome(fd, 512 + work.random.below(2048))
    if (typeof some === 'number') {
      work.complain(`list ${directory}: ${errnoName(some)}`)
      break
    }
    if (some.length === 0) break
    for (const { name } of some) {
      if (seen.has(name)) work.complain(`${directory} lists ${name} twice`)
      seen.add(name)
    }
  }
  close(fd)
  for (const path of stable) {
    const [parent, name = ''] = path.split('/')
    if (parent === directory && !seen.has(name)) work.complain(`${directory} does not list ${name}`)
  }
  work.count('listings')
}

/** Half of the crew lists while the other half makes and removes names between. */
const listing: Task = (work) => {
  if (work.member % 2 === 0) return () => list(work, work.random.pick(directories))
  const churn = exist(work)
  const move = rename(work)
  return () => (work.random.below(4) === 0 ? move() : churn())
}

/** Names of a few files are linked, moved and removed: link counts are right at the end. */
const links: Task = (work) => {
  const names = [...present, ...churned] as unknown as Names
  const flows = ['ENOENT', 'EEXIST'] as const
  return () => {
    const from = work.random.pick(names)
    const to = work.random.pick(names)
    switch (work.random.below(8)) {
      case 0:
      case 1:
        work.expect(`link ${from} ${to}`, linkAt(work.root, from, work.root, to), ...flows)
        break
      case 2:
        work.expect(`rename ${from} ${to}`, renameAt(work.root, from, work.root, to, 0), ...flows)
        break
      case 3:
        work.expect(`unlink ${from}`, unlinkAt(work.root, from), 'ENOENT')
        break
      case 5:
      case 6:
        work.expect(`create ${from}`, work.make(from, from), 'EEXIST')
        break
      case 4:
        work.expect(
          `chmod ${from}`,
          chmodAt(work.root, from, 0o600 + work.random.below(64)),
          'ENOENT',
        )
        break
      default: {
        const fd = openAt(work.root, from, O_RDWR)
        if (!work.expect(`open ${from}`, fd, 'ENOENT')) break
        work.expect(`unlink ${from}`, unlinkAt(work.root, from), 'ENOENT')
        work.expect(`write ${from}`, work.write(fd, `written by ${work.member}`))
        const back = work.read(fd)
        if (typeof back === 'number') work.complain(`read ${from}: ${errnoName(back)}`)
        if (work.expect(`fstat ${from}`, statAt(fd, '', stat)) && stat.nlink > names.length) {
          work.complain(`${from} has ${stat.nlink} links`)
        }
        close(fd)
      }
    }
  }
}

/** Errors that a race explains, or the type that a name has at the moment. */
const ANY_RACE = [
  'ENOENT',
  'EEXIST',
  'ENOTDIR',
  'EISDIR',
  'ENOTEMPTY',
  'EINVAL',
  'EPERM',
  'ELOOP',
  'EXDEV',
  'ENXIO',
  'EOPNOTSUPP',
] as const

function useFile(work: CrewWork, path: string): void {
  const flags = work.random.pick([O_RDONLY, O_RDWR, O_RDWR | O_TRUNC, O_RDWR | O_APPEND])
  const fd = openAt(work.root, path, flags | 0o4000)
  if (!work.expect(`open ${path}`, fd, ...ANY_RACE)) return
  if (work.expect(`fstat ${path}`, statAt(fd, '', stat)) && (stat.mode & 0o170000) === 0o100000) {
    if (flags !== O_RDONLY) work.expect(`write ${path}`, work.write(fd, `of ${work.member}`))
    const text = work.read(fd)
    if (typeof text === 'number') work.complain(`read ${path}: ${errnoName(text)}`)
    if (flags === O_RDWR) work.expect(`ftruncate ${path}`, truncateFd(fd, work.random.below(9000)))
  }
  close(fd)
}

/** Everything at once, directories and what is in them included. */
const everything: Task = (work) => {
  const top = [...present, ...churned]
  const deep = churned.flatMap((path) => [`${path}/a`, `${path}/a/b`])
  const names = [...top, ...deep] as unknown as Names
  const steps: readonly [string, (path: string, other: string) => number][] = [
    ['create', (path) => work.make(path, path)],
    ['mkdir', (path) => mkdirAt(work.root, path, 0o755)],
    ['mkdir', (path) => mkdirAt(work.root, path, 0o700)],
    ['symlink', (path) => symlinkAt('p0', work.root, path)],
    ['mkfifo', (path) => mknodAt(work.root, path, S_IFIFO | 0o600, 0, 0)],
    ['link', (path, other) => linkAt(work.root, path, work.root, other)],
    ['rename', (path, other) => renameAt(work.root, path, work.root, other, 0)],
    ['rename', (path, other) => renameAt(work.root, path, work.root, other, 0)],
    ['exchange', (path, other) => renameAt(work.root, path, work.root, other, RENAME_EXCHANGE)],
    ['unlink', (path) => unlinkAt(work.root, path)],
    ['rmdir', (path) => rmdirAt(work.root, path)],
    ['chmod', (path) => chmodAt(work.root, path, 0o700 + work.random.below(64))],
    ['setxattr', (path) => writeXattr(work.root, path, 'user.note', `${work.member}`)],
    ['lstat', (path) => statAt(work.root, path, stat)],
  ]
  return () => {
    const path = work.random.pick(names)
    const choice = work.random.below(steps.length + 4)
    const step = steps[choice]
    if (step === undefined) {
      if (choice === steps.length) list(work, work.random.pick(directories))
      else useFile(work, path)
      return
    }
    const other = work.random.pick(names)
    work.expect(`${step[0]} ${path} ${other}`, step[1](path, other), ...ANY_RACE)
  }
}

/** All tasks by name. */
export const tasks: Readonly<Record<string, Task>> = {
  append,
  rename,
  exist,
  listing,
  links,
  everything,
}
