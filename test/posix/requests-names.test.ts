/** FUSE requests for operations on names: counts, which unlike times are the same on every machine. */
import t, { type Test } from 'tap'
import { O_DIRECTORY, O_RDONLY } from '../../src/sys/constants.js'
import { chmodAt } from '../../src/sys/attr.js'
import { NativeMemory, cstring } from '../../src/sys/memory.js'
import { native, orErrno } from '../../src/sys/native.js'
import { mkdirAt, readlinkAt, renameAt, unlinkAt } from '../../src/sys/node.js'
import { close, openAt } from '../../src/sys/open.js'
import { errnoName } from '../../src/sys/errno.js'
import { readAll } from '../helpers/dirents.js'
import {
  type RequestBudget,
  type TracedMount,
  overBudget,
  parseTraceLine,
} from '../helpers/request-trace.js'
import { ENTRIES, mountTraced } from '../helpers/traced-layers.js'

const STATX_BASIC_STATS = 0x7ff
const STATX_BTIME = 0x800
const attributes = new NativeMemory(256)
const target = new NativeMemory(4096)

function succeed(result: number): void {
  if (result < 0) throw new Error(errnoName(result))
}

/** What stat(2) asks for; Node and the stat program ask for the time of birth as well. */
function stat(root: number, name: string, mask = STATX_BASIC_STATS): number {
  return orErrno(native.statx(root, cstring(name), 0, mask, attributes.bytes))
}

function list(root: number, name: string): void {
  const fd = openAt(root, name, O_RDONLY | O_DIRECTORY)
  succeed(fd)
  const listed = readAll(fd)
  close(fd)
  if (typeof listed === 'number' || listed.length !== ENTRIES + 2) {
    throw new Error(`listed ${typeof listed === 'number' ? errnoName(listed) : listed.length}`)
  }
}

interface Case {
  readonly name: string
  readonly work: (root: number) => void
  readonly budget: RequestBudget
}

/**
 * In this order, on one mount. GETATTR is that of the directory, due once after each change in it.
 * @mirrors docs/protocol.md, the table of request sequences
 */
const cases: readonly Case[] = [
  {
    name: 'stat of a name not seen before',
    work: (root) => succeed(stat(root, 'file1')),
    budget: { LOOKUP: 1 },
  },
  {
    name: 'stat again',
    work: (root) => succeed(stat(root, 'file1')),
    budget: {},
  },
  {
    name: 'stat of a missing name',
    work: (root) => void stat(root, 'missing'),
    budget: { LOOKUP: 1 },
  },
  {
    name: 'stat of the missing name again',
    work: (root) => void stat(root, 'missing'),
    budget: {},
  },
  {
    name: 'stat with the time of birth',
    work: (root) => succeed(stat(root, 'file1', STATX_BASIC_STATS | STATX_BTIME)),
    budget: { STATX: 1 },
  },
  {
    name: 'stat with the time of birth again',
    work: (root) => succeed(stat(root, 'file1', STATX_BASIC_STATS | STATX_BTIME)),
    budget: {},
  },
  {
    name: 'a walk of four names',
    work: (root) => succeed(stat(root, 'a/b/c/deep')),
    budget: { LOOKUP: 4 },
  },
  {
    name: 'the walk again',
    work: (root) => succeed(stat(root, 'a/b/c/deep')),
    budget: {},
  },
  {
    name: 'readlink',
    work: (root) => succeed(readlinkAt(root, 'symlink', target, 0, 4096)),
    budget: { LOOKUP: 1, READLINK: 1 },
  },
  {
    name: 'readlink again',
    work: (root) => succeed(readlinkAt(root, 'symlink', target, 0, 4096)),
    budget: {},
  },
  {
    name: 'listing of 200 names',
    work: (root) => list(root, 'many'),
    // Some 20 entries of READDIRPLUS fit a page; OPENDIR once, answered ENOSYS for ever.
    budget: { LOOKUP: 1, OPENDIR: 1, READDIR: 2, READDIRPLUS: 12, RELEASEDIR: 1, GETATTR: 1 },
  },
  {
    name: 'the listing again',
    work: (root) => list(root, 'many'),
    budget: {},
  },
  {
    name: 'stat of every name listed',
    work: (root) => {
      for (let n = 0; n < ENTRIES; n++) succeed(stat(root, `many/entry${n}`))
    },
    budget: { LOOKUP: 20 },
  },
  {
    name: 'mkdir',
    work: (root) => succeed(mkdirAt(root, 'made', 0o755)),
    budget: { LOOKUP: 1, MKDIR: 1, GETATTR: 1 },
  },
  {
    name: 'chmod of an upper directory',
    work: (root) => succeed(chmodAt(root, 'made', 0o700)),
    budget: { SETATTR: 1, GETATTR: 1 },
  },
  {
    name: 'unlink of a lower file',
    work: (root) => succeed(unlinkAt(root, 'file1')),
    budget: { UNLINK: 1, GETATTR: 1 },
  },
  {
    name: 'stat of the unlinked name',
    work: (root) => void stat(root, 'file1'),
    budget: { LOOKUP: 1 },
  },
  {
    name: 'rename of a lower file',
    work: (root) => succeed(renameAt(root, 'file2', root, 'renamed', 0)),
    budget: { LOOKUP: 2, RENAME: 1, RENAME2: 1, GETATTR: 1 },
  },
  {
    name: 'stat of the new name',
    work: (root) => succeed(stat(root, 'renamed')),
    budget: { GETATTR: 1 },
  },
]

async function check(t: Test, mount: TracedMount, { name, work, budget }: Case): Promise<void> {
  const counts = await mount.count(() => work(mount.root))
  t.comment(`${name}: ${JSON.stringify(counts)}`)
  t.strictSame(overBudget(counts, budget), [], name)
}

void t.test('requests for names', async (t) => {
  const mount = await mountTraced(t)
  if (mount === null) return
  for (const one of cases) await check(t, mount, one)
  await mount.close()
})

void t.test('the log is read as it is written', async (t) => {
  const own =
    '2024-01-01T00:00:00.000Z tsoverlayfs:fuse:in 12 LOOKUP node 1 "name", uid 0 gid 0 pid 42'
  t.equal(parseTraceLine(own)?.name, 'LOOKUP')
  t.equal(parseTraceLine('12 (resent) RENAME2 node 3 "a" "b"')?.name, 'RENAME2')
  t.equal(parseTraceLine('unique: 2, opcode: INIT (26), nodeid: 0')?.name, 'INIT')
  t.equal(parseTraceLine('12 LOOKUP: OK node 3, 8 µs'), null, 'a reply is no request')
  t.equal(parseTraceLine('something else'), null)
})
