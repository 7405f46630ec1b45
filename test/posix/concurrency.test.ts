/**
 * Eight processes on shared names of one mount. While they work, no call may fail in a way that no
 * race explains; when they are done, what they counted must be there, the tree must agree with itself
 * and with what a remount and kernel overlayfs show, and nothing may be held that nobody uses.
 * TSOVERLAYFS_CONCURRENCY_SEED and _MS change the seed and the time per task;
 * TSOVERLAYFS_CANDIDATE=kernel tries the suite on kernel overlayfs.
 */
import { lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { O_DIRECTORY, O_PATH } from '../../src/sys/constants.js'
import { close, openPath } from '../../src/sys/open.js'
import { FileStat, statAt } from '../../src/sys/stat.js'
import { type CountedMount, mountCounted, mountKernel } from '../helpers/counted-mount.js'
import { churned, logs, lowers, present, setup } from '../helpers/crew-names.js'
import { RECORDS, recordOf } from '../helpers/crew-tasks.js'
import { type CrewResult, runCrew } from '../helpers/crew.js'
import { compareSnapshots, describeDifference } from '../helpers/difference.js'
import { runScript } from '../helpers/executor.js'
import { labelLowers } from '../helpers/inode-labels.js'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'
import { type Entry, type Snapshot, snapshotTree } from '../helpers/snapshot.js'
import { type MountRequest, candidateName } from '../helpers/subject.js'

const seed = Number(process.env['TSOVERLAYFS_CONCURRENCY_SEED'] ?? 20_261_121)
const limitMs = Number(process.env['TSOVERLAYFS_CONCURRENCY_MS'] ?? 1500)
const MEMBERS = 8
/** What a server may keep open beyond its idle state: descriptors of directories it may use again. */
const SPARE_DESCRIPTORS = 8
const FORGET_MS = 5000

interface Stage {
  readonly request: MountRequest
  readonly mount: () => Promise<CountedMount>
}

function makeStage(t: Test, options: string): Stage {
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const { path } = scratch
  const layers = lowers.map((script, index) => {
    const layer = `${path}/lower${index}`
    mkdirSync(layer)
    const failed = runScript(layer, script).filter((result) => !result.startsWith('OK'))
    t.strictSame(failed, [], 'the layer is made')
    return layer
  })
  for (const name of ['upper', 'work', 'merged']) mkdirSync(`${path}/${name}`)
  const request = {
    lowers: layers,
    upper: `${path}/upper`,
    work: `${path}/work`,
    target: `${path}/merged`,
    options,
  }
  const kernel = candidateName() === 'kernel'
  const mount = (): Promise<CountedMount> =>
    kernel ? mountKernel({ ...request, options: '' }) : mountCounted(request)
  return { request, mount }
}

/** Paths that show something that no tree can have. */
function contradictions(tree: Snapshot): string[] {
  const found = [...tree].filter(([, entry]) => entry['error'] !== undefined)
  return found.map(([path, entry]) => `${path}: ${entry['error'] ?? ''}`)
}

/** Names that lookup and listing do not agree on. */
function disagreements(root: string, tree: Snapshot): string[] {
  const stat = new FileStat()
  const fd = openPath(root, O_PATH | O_DIRECTORY)
  const wrong = [...present, ...churned].filter(
    (path) => (statAt(fd, path, stat) === 0) !== tree.has(`/${path}`),
  )
  close(fd)
  return wrong
}

/** Files whose link count is not the number of names that show their inode. */
function miscounted(tree: Snapshot): string[] {
  const names = new Map<string, string[]>()
  const nlinks = new Map<string, string>()
  for (const [path, entry] of tree) {
    const { type, ino = '', nlink = '' } = entry
    if (type === undefined || type === 'dir') continue
    names.set(ino, [...(names.get(ino) ?? []), path])
    nlinks.set(ino, nlink)
  }
  return [...names]
    .filter(([ino, paths]) => nlinks.get(ino) !== String(paths.length))
    .map(([ino, paths]) => `${paths.join(' ')}: ${nlinks.get(ino) ?? ''} links`)
}

function differences(expected: Snapshot, actual: Snapshot): string[] {
  return compareSnapshots('merged', 0, expected, actual).map(describeDifference).slice(0, 10)
}

/** Let the kernel forget what nobody uses. What was used last outlives the first passes. */
function dropCaches(): void {
  for (let pass = 0; pass < 4; pass++) writeFileSync('/proc/sys/vm/drop_caches', '2')
}

/** Wait until the server has no more descriptors than `idle`; how many it has. */
async function settle(mount: CountedMount, idle: number): Promise<number> {
  const deadline = Date.now() + FORGET_MS
  for (;;) {
    dropCaches()
    const now = mount.descriptors() ?? idle
    if (now <= idle + SPARE_DESCRIPTORS || Date.now() > deadline) return now
    await delay(50)
  }
}

/** All that must be true of a tree once nobody works on it any more. */
async function checkQuiet(t: Test, stage: Stage, mount: CountedMount, idle: number): Promise<void> {
  const { request } = stage
  const options = { labels: labelLowers(request.lowers) }
  const look = (): Snapshot => snapshotTree(request.target, options)
  const tree = look()
  t.strictSame(contradictions(tree), [], 'the tree agrees with itself')
  t.strictSame(disagreements(request.target, tree), [], 'what is listed can be looked up')
  t.strictSame(miscounted(tree), [], 'link counts are the numbers of names')
  const descriptors = await settle(mount, idle)
  t.ok(
    descriptors <= idle + SPARE_DESCRIPTORS,
    `${descriptors} descriptors are open, ${idle} before`,
  )
  t.strictSame(differences(tree, look()), [], 'looked up anew, it is the same')
  await settle(mount, idle)
  const remains = await mount.unmount()
  if (remains !== null) t.strictSame(remains, { end: 'unmounted', nodes: 1 }, 'all is forgotten')
  const work = `${request.work ?? ''}/work`
  // The whiteout that all whiteouts are links of may stay, as the kernel's does.
  const left = readdirSync(work).filter((name) => !lstatSync(`${work}/${name}`).isCharacterDevice())
  t.strictSame(left, [], 'no temporary is left')
  const again = await stage.mount()
  const remounted = look()
  await again.unmount()
  const kernel = await mountKernel({ ...request, options: '' })
  const shown = look()
  await kernel.unmount()
  t.strictSame(differences(shown, remounted), [], 'a remount shows what kernel overlayfs shows')
  t.strictSame(
    differences(withoutInodes(tree), withoutInodes(remounted)),
    [],
    'a remount shows the same tree',
  )
}

/** A number may change where a copy was separated from other links of its lower file. */
function withoutInodes(tree: Snapshot): Snapshot {
  const strip = ({ ino: _ino, ...rest }: Entry): Entry => rest
  return new Map([...tree].map(([path, entry]) => [path, strip(entry)]))
}

type Check = (t: Test, root: string, result: CrewResult) => void

/** One task: its promise is checked on the live mount, what all tasks promise afterwards. */
async function play(t: Test, task: string, options: string, check: Check): Promise<void> {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const stage = makeStage(t, options)
  const mount = await stage.mount()
  const root = stage.request.target
  dropCaches()
  const idle = mount.descriptors() ?? 0
  runScript(root, setup)
  const result = await runCrew(t, { task, root, seed, limitMs })
  t.comment(`${result.operations} operations, seed ${seed}`)
  t.ok(result.operations > MEMBERS * 20, 'the crew worked')
  t.strictSame(result.complaints, [], 'nothing failed that should not')
  check(t, root, result)
  await checkQuiet(t, stage, mount, idle)
}

const nothing: Check = () => undefined

const noRecordIsLost: Check = (t, root) => {
  for (const log of logs) {
    const lines = readFileSync(`${root}/${log}`, 'latin1').split(/(?<=\n)/)
    const records = lines.filter((line) => line.startsWith('record')).sort()
    const expected = Array.from({ length: MEMBERS }, (_, member) =>
      Array.from({ length: RECORDS }, (_, number) => recordOf(member, log, number)),
    ).flat()
    t.strictSame(records, expected.sort(), `every record of ${log} is there once`)
  }
  const lost = logs.filter((log) => readFileSync(`${root}/${log}`, 'latin1').startsWith('record'))
  t.strictSame(lost, [], 'what was in lower comes first')
}

const noTokenIsLost: Check = (t, root, { counts }) => {
  const directories = ['lower', 'merged', 'upper'].map((name) => `${root}/${name}`)
  const tokens = directories.flatMap((directory) =>
    readdirSync(directory)
      .filter((name) => !name.startsWith('stable'))
      .map((name) => readFileSync(`${directory}/${name}`, 'latin1')),
  )
  const expected = present.map((path) => `token ${path}`)
  t.strictSame(tokens.sort(), expected.sort(), 'every file is somewhere')
  t.ok((counts.get('renamed') ?? 0) > 50, 'files were renamed')
}

const everyNameAddsUp: Check = (t, root, { counts }) => {
  const tree = snapshotTree(root)
  const wrong = churned.filter((path) => (counts.get(path) ?? 0) !== (tree.has(`/${path}`) ? 1 : 0))
  t.strictSame(wrong, [], 'what was made and not removed is there')
}

const listingsWereRead: Check = (t, _root, { counts }) => {
  t.ok((counts.get('listings') ?? 0) > 10, 'directories were listed')
}

const optionSets = candidateName() === 'kernel' ? [''] : ['', 'passthrough=off']
for (const options of optionSets) {
  const how = options === '' ? '' : `, ${options}`
  await t.test(`appending to the same lower files${how}`, (t) =>
    play(t, 'append', options, noRecordIsLost),
  )
}
await t.test('renames', (t) => play(t, 'rename', '', noTokenIsLost))
await t.test('making and removing the same names', (t) => play(t, 'exist', '', everyNameAddsUp))
await t.test('listing while names come and go', (t) => play(t, 'listing', '', listingsWereRead))
await t.test('hard links', (t) => play(t, 'links', '', nothing))
for (const options of optionSets) {
  const how = options === '' ? '' : `, ${options}`
  await t.test(`everything at once${how}`, (t) => play(t, 'everything', options, nothing))
}
