/** FUSE requests for opening, reading, writing and closing. */
import t, { type Test } from 'tap'
import { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_WRONLY } from '../../src/sys/constants.js'
import { errnoName } from '../../src/sys/errno.js'
import { fsync, pread, pwrite } from '../../src/sys/io.js'
import { NativeMemory } from '../../src/sys/memory.js'
import { close, openAt } from '../../src/sys/open.js'
import { type RequestBudget, type TracedMount, overBudget } from '../helpers/request-trace.js'
import { mountTraced, requestsPerWrite } from '../helpers/traced-layers.js'

const buffer = new NativeMemory(4096)
const WRITES = 100
const perWrite = requestsPerWrite()

function succeed(result: number): number {
  if (result < 0) throw new Error(errnoName(result))
  return result
}

function readFile(root: number, name: string): void {
  const fd = succeed(openAt(root, name, O_RDONLY))
  if (succeed(pread(fd, buffer.address, 4096, 0)) === 0) throw new Error(`${name} is empty`)
  close(fd)
}

function writeFile(root: number, name: string, flags: number, count = 1): void {
  const fd = succeed(openAt(root, name, O_WRONLY | flags, 0o644))
  for (let n = 0; n < count; n++) succeed(pwrite(fd, buffer.address, 100, n * 100))
  close(fd)
}

interface Case {
  readonly name: string
  readonly work: (root: number) => void
  readonly budget: RequestBudget
}

/** In this order, on one mount. No FLUSH, no GETXATTR for each write, no READ of what is cached. */
const cases: readonly Case[] = [
  {
    name: 'open, read and close of a small lower file',
    work: (root) => readFile(root, 'file1'),
    budget: { LOOKUP: 1, OPEN: 1, READ: 1, RELEASE: 1 },
  },
  {
    name: 'open, read and close again',
    work: (root) => readFile(root, 'file1'),
    budget: { OPEN: 1, RELEASE: 1 },
  },
  {
    name: 'create, write and close',
    work: (root) => writeFile(root, 'created', O_CREAT | O_EXCL),
    budget: { LOOKUP: 1, CREATE: 1, GETXATTR: 1, WRITE: perWrite, RELEASE: 1, GETATTR: 1 },
  },
  {
    name: 'open, write and close of an upper file',
    work: (root) => writeFile(root, 'created', 0),
    budget: { OPEN: 1, GETXATTR: 1, WRITE: perWrite, RELEASE: 1, GETATTR: 1 },
  },
  {
    name: 'append to a lower file, with its copy-up',
    work: (root) => writeFile(root, 'file3', O_APPEND),
    budget: { LOOKUP: 1, OPEN: 1, GETXATTR: 1, WRITE: perWrite, RELEASE: 1, GETATTR: 2 },
  },
  {
    name: 'read of the file copied up',
    work: (root) => readFile(root, 'file3'),
    budget: { OPEN: 1, GETATTR: 1, READ: perWrite, RELEASE: 1 },
  },
  {
    name: `${WRITES} writes to one open file`,
    work: (root) => writeFile(root, 'created', 0, WRITES),
    budget: { OPEN: 1, GETXATTR: 1, WRITE: WRITES * perWrite, RELEASE: 1, GETATTR: 1 },
  },
  {
    name: 'open, write, fsync and close',
    work: (root) => {
      const fd = succeed(openAt(root, 'created', O_WRONLY))
      succeed(pwrite(fd, buffer.address, 100, 0))
      succeed(fsync(fd))
      close(fd)
    },
    budget: { OPEN: 1, GETXATTR: 1, WRITE: perWrite, FSYNC: 1, RELEASE: 1, GETATTR: 1 },
  },
]

async function check(t: Test, mount: TracedMount, { name, work, budget }: Case): Promise<void> {
  const counts = await mount.count(() => work(mount.root))
  t.comment(`${name}: ${JSON.stringify(counts)}`)
  t.strictSame(overBudget(counts, budget), [], name)
}

void t.test('requests for data', async (t) => {
  const mount = await mountTraced(t)
  if (mount === null) return
  for (const one of cases) await check(t, mount, one)
  await mount.close()
})
