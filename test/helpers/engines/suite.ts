/** What every engine must do on the overlay under test. */
import { chmodSync } from 'node:fs'
import type { Test } from 'tap'
import { compareSnapshots, describeDifference } from '../difference.js'
import { requires } from '../requires.js'
import { mountsBelow } from '../scratch.js'
import type { Snapshot } from '../snapshot.js'
import type { Engine } from './engine.js'
import { EnginePlace } from './place.js'
import { loadOnKernelOverlay } from './podman.js'
import { until } from './processes.js'
import { makeRootfs } from './rootfs.js'
import { kernelReference, stepScript, steps, withoutEngineRounding } from './steps.js'

/** Assert that two trees agree, showing only where they do not. */
export function sameTree(t: Test, actual: Snapshot, expected: Snapshot, message: string): void {
  t.ok(expected.size > 50, `${message}: there is a tree`)
  const found = compareSnapshots('merged', 0, expected, actual).map(describeDifference)
  t.strictSame(found.slice(0, 20), [], message)
}

async function checkImport(t: Test, engine: Engine, tarball: string): Promise<void> {
  await engine.importImage(tarball, BASE)
  const seen = await engine.run(
    BASE,
    'cat /srv/data/f2; head -c 0 /srv/large; grep " / " /proc/mounts',
  )
  t.match(seen, /^data\/f2\n.*fuse\S* rw,/s, 'the root of a container is the overlay under test')
}

/** Build, save, load on kernel overlayfs, and compare all three trees. */
async function checkBuild(t: Test, engine: Engine, rootfs: string): Promise<void> {
  const options = { userXattrs: engine.keepsUserXattrs }
  await engine.build(BASE, BUILT, steps.map(stepScript))
  const exact = { ...options, exactTimes: true, links: engine.showsLinkCounts }
  const built = await engine.tree(BUILT, exact)
  const archive = `${engine.place.directory('archives')}/built.tar`
  // The engine may run as another user.
  chmodSync(engine.place.directory('archives'), 0o777)
  await engine.save(BUILT, archive)
  const loaded = await loadOnKernelOverlay(engine.place, archive, exact)
  sameTree(t, built, loaded, 'the built image is the one that kernel overlayfs shows')
  const reference = await kernelReference(engine.place, rootfs, options)
  sameTree(
    t,
    withoutEngineRounding(await engine.tree(BUILT, options)),
    withoutEngineRounding(reference),
    'the built image is the tree that the steps make on kernel overlayfs',
  )
}

/** What is deleted stays deleted: names below a directory that was emptied and made anew. */
async function checkDeleted(t: Test, engine: Engine): Promise<void> {
  const script = `cd /srv/data; rm f1; rm -r d; mkdir d; echo y >d/y; ls d; stat d/x 2>&1 || true`
  const changes = await engine.commit(BASE, script, 'localhost/deleted:1')
  const expected = ['A /srv/data/d/y', 'D /srv/data/f1']
  for (const line of expected) t.ok(changes.includes(line), `${line} among ${changes.join(', ')}`)
  const look = `cd /srv/data; ls d; ls; stat d/x 2>&1; stat d/sub/z 2>&1; stat f1 2>&1; ls d; stat d/x 2>&1; true`
  const seen = await engine.run('localhost/deleted:1', look)
  const none = (path: string): string => `stat: can't stat '${path}': No such file or directory`
  t.strictSame(
    seen.trim().split('\n'),
    ['y', 'd', 'f2', 'f3', none('d/x'), none('d/sub/z'), none('f1'), 'y', none('d/x')],
    'deleted files stay deleted in the image',
  )
}

/** Kill the server of a container's root: what was written stays, and the engine starts it again. */
async function checkKill(t: Test, engine: Engine): Promise<void> {
  const container = await engine.startContainer(BASE)
  const write = 'echo kept >/srv/kept; rm -r /srv/data/d; echo more >>/srv/large; sync; echo done'
  t.match((await container.attempt(write)).stdout, /done/, 'the container works')
  const servers = engine.place.servers()
  t.ok(servers.length > 0, 'the container has a server')
  for (const pid of servers) process.kill(pid, 'SIGKILL')
  t.not((await container.attempt('cat /srv/kept')).code, 0, 'without its server nothing is read')
  await container.restart()
  const look =
    'cat /srv/kept; ls /srv/data; tail -c 5 /srv/large; echo again >/srv/again2; cat /srv/again2'
  const { stdout, stderr } = await container.attempt(look)
  const kept = 'kept\nf1\nf2\nf3\nmore\nagain\n'
  t.equal(stdout, kept, `what was written is there, and it works ${stderr}`)
  await container.remove()
  t.ok(await until(() => engine.place.servers().length === 0, 5000), 'its server has left')
}

const BASE = 'localhost/base:1'
const BUILT = 'localhost/built:1'

/** Starts an engine in a place. */
export type EngineStart = (place: EnginePlace) => Engine | Promise<Engine>

/** Run the suite on one engine. */
export async function engineSuite(t: Test, start: EngineStart): Promise<void> {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay', 'engines')) return
  const place = new EnginePlace()
  t.teardown(() => place.close())
  const rootfs = `${place.path}/rootfs`
  const tarball = `${place.path}/rootfs.tar`
  makeRootfs(rootfs, tarball)
  const engine = await start(place)
  await t.test('import and run', (t) => checkImport(t, engine, tarball))
  await t.test('deleted files stay deleted', (t) => checkDeleted(t, engine))
  await t.test('build, save, and load on kernel overlayfs', (t) => checkBuild(t, engine, rootfs))
  await t.test('the server is killed', (t) => checkKill(t, engine))
  await engine.stop()
  t.strictSame(await place.leftovers(), [], 'the engine leaves no mount and no process')
  t.strictSame(
    mountsBelow(place.path).map(({ target }) => target),
    [],
    'nothing is mounted',
  )
}
