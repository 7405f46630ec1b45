/**
 * FUSE requests for each file that a program handles. A program is run over one file and over eleven:
 * the difference is the cost of ten, without that of its start.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { requiresPrograms, runCommand } from '../helpers/program-mount.js'
import {
  type RequestBudget,
  type TracedMount,
  costOfEach,
  overBudget,
} from '../helpers/request-trace.js'
import { ENTRIES, mountTraced, requestsPerWrite } from '../helpers/traced-layers.js'

const MORE = 10
const perWrite = requestsPerWrite()

const numbered = (prefix: string, from: number, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${from + n}`)

interface Case {
  readonly name: string
  /** The program's words for so many files, counting from number `from`. */
  readonly words: (from: number, count: number) => string[]
  readonly budget: RequestBudget
}

/** Lower files `file0` to `file29` are there; new ones are made where a program needs them. */
const cases: readonly Case[] = [
  {
    name: 'cat of a small file',
    words: (from, count) => ['cat', ...numbered('file', from, count)],
    budget: { LOOKUP: 1, OPEN: 1, READ: 1, RELEASE: 1 },
  },
  {
    name: 'touch of a new file',
    words: (from, count) => ['touch', ...numbered('new', from, count)],
    budget: { LOOKUP: 1, CREATE: 1, SETATTR: 1, RELEASE: 1, GETATTR: 1 },
  },
  {
    name: 'mkdir',
    words: (from, count) => ['mkdir', ...numbered('dir', from, count)],
    budget: { LOOKUP: 1, MKDIR: 1, GETATTR: 1 },
  },
  {
    // rm looks at the file first, whose times the kernel does not know after an open.
    name: 'rm of an upper file',
    words: (from, count) => ['rm', '-f', ...numbered('new', from, count)],
    budget: { UNLINK: 1, GETATTR: 2 },
  },
  {
    name: 'rm of a lower file',
    words: (from, count) => ['rm', '-f', ...numbered('file', from, count)],
    budget: { UNLINK: 1, GETATTR: 2 },
  },
]

async function check(t: Test, mount: TracedMount, { name, words, budget }: Case): Promise<void> {
  const run = async (from: number, count: number): Promise<void> => {
    const [program = '', ...rest] = words(from, count)
    await runCommand(program, rest, { cwd: mount.merged })
  }
  await run(0, 1)
  const one = await mount.count(() => run(1, 1))
  const many = await mount.count(() => run(2, 1 + MORE))
  const each = costOfEach(one, many, MORE)
  t.comment(`${name}: ${JSON.stringify(each)}`)
  t.strictSame(overBudget(each, budget), [], name)
}

void t.test('requests for each file of a program', async (t) => {
  if (!requiresPrograms(t, 'cat', 'touch', 'mkdir', 'rm')) return
  const mount = await mountTraced(t)
  if (mount === null) return
  for (const one of cases) await check(t, mount, one)
  await mount.close()
})

void t.test('requests for each file that tar extracts', async (t) => {
  if (!requiresPrograms(t, 'tar')) return
  const place = mkdtempSync(`${tmpdir()}/tsoverlayfs-requests-`)
  t.teardown(() => rmSync(place, { recursive: true, force: true }))
  const mount = await mountTraced(t)
  if (mount === null) return
  mkdirSync(`${place}/files`)
  const archive = async (name: string, from: number, count: number): Promise<void> => {
    const files = numbered('tar', from, count)
    for (const file of files) writeFileSync(`${place}/files/${file}`, `content of ${file}\n`)
    const words = ['-C', `${place}/files`, '-cf', `${place}/${name}`, '--owner=1', '--group=1']
    await runCommand('tar', [...words, ...files])
  }
  const extract = (name: string) => (): Promise<void> =>
    runCommand('tar', ['-C', mount.merged, '-xf', `${place}/${name}`]).then(() => undefined)
  await archive('first.tar', 0, 1)
  await archive('one.tar', 1, 1)
  await archive('many.tar', 2, 1 + MORE)
  await extract('first.tar')()
  const one = await mount.count(extract('one.tar'))
  const many = await mount.count(extract('many.tar'))
  const each = costOfEach(one, many, MORE)
  t.comment(`tar: ${JSON.stringify(each)}`)
  // Times, owner and mode are set one after the other; the write and the change of owner each ask
  // for security.capability.
  const budget = {
    LOOKUP: 1,
    CREATE: 1,
    GETXATTR: 2,
    WRITE: perWrite,
    SETATTR: 3,
    RELEASE: 1,
    GETATTR: 1,
  }
  t.strictSame(overBudget(each, budget), [], 'extraction of one file')
  await mount.close()
})

void t.test('requests for ls -l', async (t) => {
  if (!requiresPrograms(t, 'ls')) return
  const mount = await mountTraced(t)
  if (mount === null) return
  const run = (): Promise<void> =>
    runCommand('ls', ['-l', 'many'], { cwd: mount.merged }).then(() => undefined)
  const first = await mount.count(run)
  const again = await mount.count(run)
  t.comment(`first: ${JSON.stringify(first)}; again: ${JSON.stringify(again)}`)
  // ls asks for a security label of each entry each time, and for an ACL, which the kernel keeps.
  const labels = ENTRIES + 2
  const budget = {
    LOOKUP: 22,
    OPENDIR: 1,
    READDIR: 2,
    READDIRPLUS: 12,
    RELEASEDIR: 1,
    GETATTR: 2,
    LISTXATTR: labels,
    GETXATTR: 2 * labels,
  }
  t.strictSame(overBudget(first, budget), [], 'ls -l of 200 files')
  const cached = { GETXATTR: labels, LISTXATTR: labels, GETATTR: 1 }
  t.strictSame(overBudget(again, cached), [], 'ls -l again')
  await mount.close()
})
