/**
 * Two instances over one upper and work: containerd 1.6 mounts the upper of a running container a
 * second time to make a diff of it, and starts the program anew when it loses its exit code.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { compareSnapshots, describeDifference } from '../helpers/difference.js'
import {
  type Layers,
  leaves,
  makeLayers,
  mountAt,
  treeOf,
  treeOnKernel,
} from '../helpers/engines/mounts.js'
import { EnginePlace } from '../helpers/engines/place.js'
import { requires } from '../helpers/requires.js'
import { mountsBelow } from '../helpers/scratch.js'
import type { Snapshot } from '../helpers/snapshot.js'

const END_MS = 5000

/** Run a test on layers of its own. */
async function over(
  title: string,
  body: (t: Test, place: EnginePlace, layers: Layers) => Promise<void>,
): Promise<void> {
  await t.test(title, { timeout: 60_000 }, async (t) => {
    if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
    const place = new EnginePlace()
    t.teardown(() => place.close())
    await body(t, place, makeLayers(place, 'l'))
    t.strictSame(mountsBelow(place.path), [], 'nothing is mounted')
    t.strictSame(await place.leftovers(), [], 'nothing runs')
  })
}

function same(t: Test, actual: Snapshot, expected: Snapshot, message: string): void {
  t.ok(expected.size > 40, `${message}: there is a tree`)
  const found = compareSnapshots('merged', 0, expected, actual).map(describeDifference)
  t.strictSame(found.slice(0, 20), [], message)
}

/** Work files that hold something: all but the shared whiteouts. */
const temporaries = ({ base }: Layers): string[] =>
  readdirSync(`${base}/work/work`, { withFileTypes: true })
    .filter((entry) => !entry.isCharacterDevice())
    .map(({ name }) => name)

const CHANGES = `echo more >>f; rm g; rm -r d; mkdir d; echo new >d/new; mv many/n1 many/moved
  chmod 600 many/n2; ln many/n3 many/link; echo tail >>large`
const MORE_CHANGES = `echo again >>f; rm d/new; rmdir d; mkdir -p d/sub; echo s >d/sub/s; echo x >>many/n5
  rm many/moved; mv many/n6 many/n1; rm -r many/n7; echo g >g`

await over('a second instance comes and goes', async (t, place, layers) => {
  const first = await mountAt(place, `${layers.base}/first`, layers.options)
  await first.run(CHANGES)
  const second = await mountAt(place, `${layers.base}/second`, layers.options)
  same(t, treeOf(second.target), treeOf(first.target), 'the second shows what the first made')
  await second.run('echo of the second >second; rm many/n20; echo more >>many/n21')
  await place.run('umount', [second.target])
  t.ok(await leaves(second, END_MS), 'the second has left')
  await first.run(MORE_CHANGES)
  t.equal(await first.run('cat f d/sub/s; ls d'), 'f\nmore\nagain\ns\nsub\n', 'the first goes on')
  await place.run('umount', [first.target])
  t.ok(await leaves(first, END_MS), 'the first has left')
  const merged = await treeOnKernel(place, layers)
  t.match(merged.get('/second'), { content: '"of the second\\n"' })
  t.notOk(merged.has('/many/n20'))
  t.match(merged.get('/many/n21'), { content: '"21\\nmore\\n"' })
  for (const gone of ['/d/x', '/d/y', '/d/new', '/many/n7', '/many/moved']) {
    t.notOk(merged.has(gone), `${gone} stays deleted`)
  }
  const again = await mountAt(place, `${layers.base}/first`, layers.options)
  same(t, treeOf(again.target), merged, 'kernel overlayfs shows what we show')
  t.strictSame(temporaries(layers), [], 'nothing half-done is left')
  await place.run('umount', [again.target])
})

/** Copy-up, rename, whiteout, directory replacement, again and again; `$0` keeps names apart. */
const STORM = `i=$0; while [ $i -lt 40 ]; do
  echo $i >>many/n$i; mv many/n$i many/t$0; mv many/t$0 many/m$i; rm many/m$i; echo back >many/n$i
  mkdir dir$0; echo y >dir$0/y; rm -r dir$0; mkdir dir$0; echo $i >dir$0/z; mv dir$0 old$0; rm -r old$0
  i=$((i + 2)); done`

await over('both instances write at once', async (t, place, layers) => {
  const mounts = await Promise.all(
    ['first', 'second'].map((name) => mountAt(place, `${layers.base}/${name}`, layers.options)),
  )
  const storms = mounts.map(({ target }, n) =>
    place.attempt('sh', ['-ec', STORM, String(n)], { cwd: target }),
  )
  for (const { code, stderr } of await Promise.all(storms)) t.equal(code, 0, stderr)
  t.strictSame(temporaries(layers), [], 'nothing half-done is left')
  for (const mount of mounts) {
    await place.run('umount', [mount.target])
    t.ok(await leaves(mount, END_MS), 'it has left')
  }
  const merged = await treeOnKernel(place, layers)
  const names = Array.from({ length: 40 }, (_, n) => `/many/n${n}`)
  const shown = names.filter((name) => merged.get(name)?.['content'] === '"back\\n"')
  t.strictSame(shown, names, 'every file is the last one that was written')
  t.strictSame(
    [...merged.keys()].filter((name) => /^\/(many\/[mt]|dir|old)/.test(name)),
    [],
  )
})

await over('an instance leaves alone what another builds in work', async (t, place, layers) => {
  const first = await mountAt(place, `${layers.base}/first`, layers.options)
  const building = `${layers.base}/work/work/#building`
  writeFileSync(building, 'half')
  const second = await mountAt(place, `${layers.base}/second`, layers.options)
  t.ok(existsSync(building), 'a start beside a live instance removes nothing')
  await place.run('umount', [second.target])
  t.ok(await leaves(second, END_MS))
  t.ok(existsSync(building), 'nor does an end')
  process.kill(first.server, 'SIGKILL')
  t.ok(await leaves(first, END_MS))
  await place.run('umount', [first.target])
  const third = await mountAt(place, `${layers.base}/third`, layers.options)
  t.notOk(existsSync(building), 'an instance that is alone cleans up')
  await place.run('umount', [third.target])
})

await over('an instance lives with what another has changed', async (t, place, layers) => {
  const first = await mountAt(place, `${layers.base}/first`, layers.options)
  await first.run('cat f g d/x d/y many/*; ls -R; echo up >>many/n1; mkdir own; echo o >own/o')
  const second = await mountAt(place, `${layers.base}/second`, layers.options)
  await second.run('rm f many/n1; rm -r d own; mkdir d; echo second >d/second; echo new >g')
  // What it shows of these names is its own affair; it must answer, and hurt nothing.
  const stale = [
    'cat f',
    'cat many/n1',
    'cat d/x',
    'ls -R',
    'echo 1 >>f',
    'rm many/n1',
    'rm -r own',
  ]
  stale.push('echo 1 >d/first', 'mv g h', 'mkdir own', 'chmod 600 d', 'rm -r d')
  for (const script of stale) {
    const { stderr } = await first.attempt(script)
    t.notMatch(stderr, /Input\/output error|not connected/, script)
  }
  t.equal(await first.run('echo fine >fine; cat fine'), 'fine\n')
  for (const mount of [first, second]) {
    await place.run('umount', [mount.target])
    t.ok(await leaves(mount, END_MS))
  }
  const merged = await treeOnKernel(place, layers)
  const again = await mountAt(place, `${layers.base}/first`, layers.options)
  same(t, treeOf(again.target), merged, 'kernel overlayfs shows what we show')
  t.strictSame(temporaries(layers), [], 'nothing half-done is left')
  await place.run('umount', [again.target])
})

await over('a read-only instance beside a live one', async (t, place, layers) => {
  const first = await mountAt(place, `${layers.base}/first`, layers.options)
  await first.run(CHANGES)
  const view = await mountAt(place, `${layers.base}/view`, `${layers.options},ro`)
  same(t, treeOf(view.target), treeOf(first.target), 'it shows the upper')
  for (const script of ['echo >new', 'rm f', 'chmod 600 f', 'mkdir dir', 'echo >>f', 'mv f h']) {
    const { code, stderr } = await view.attempt(script)
    t.not(code, 0, script)
    t.match(stderr, /Read-only file system/, script)
  }
  await first.run(MORE_CHANGES)
  await place.run('umount', [view.target])
  t.ok(await leaves(view, END_MS))
  t.equal(await first.run('cat f'), 'f\nmore\nagain\n')
  await place.run('umount', [first.target])
})
