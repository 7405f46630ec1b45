/**
 * A mount from start to end under the treatment that engines give it: started and taken down in quick
 * succession, its layers' paths gone, detached while in use, remounted read-only.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import t, { type Test } from 'tap'
import { programUnderTest } from '../helpers/engines/engine.js'
import { type Layers, leaves, makeLayers, mountAt } from '../helpers/engines/mounts.js'
import { EnginePlace } from '../helpers/engines/place.js'
import { isRunning, until } from '../helpers/processes.js'
import { requires } from '../helpers/requires.js'
import { mountsBelow } from '../helpers/scratch.js'
import { unmount } from '../helpers/syscalls.js'

/** How soon after the last unmount a server must have left. */
const LEAVE_MS = 1000
const CYCLES = 10

/** Run a test on layers of its own. */
async function over(
  title: string,
  body: (t: Test, place: EnginePlace, layers: Layers) => Promise<void>,
): Promise<void> {
  await t.test(title, { timeout: 60_000 }, async (t) => {
    if (!requires(t, 'root', 'fuse')) return
    const place = new EnginePlace()
    t.teardown(() => place.close())
    await body(t, place, makeLayers(place, 'l'))
    t.strictSame(mountsBelow(place.path), [], 'nothing is mounted')
    t.strictSame(await place.leftovers(), [], 'nothing runs')
  })
}

/** Every object of a directory with its times of change: what any write to it alters. */
const stateOf = (place: EnginePlace, ...directories: string[]): Promise<string> =>
  place.run('find', [...directories, '-printf', '%p %i %y %s %n %T@ %C@\\n'])

await over('ten mounts, each detached at once', async (t, place, { base, options }) => {
  const servers: number[] = []
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const mount = await mountAt(place, `${base}/merged`, options)
    t.equal(unmount(mount.target, 'lazy'), 0)
    servers.push(mount.server)
  }
  t.ok(await until(() => !servers.some(isRunning), LEAVE_MS), 'all servers have left')
  t.strictSame(readdirSync(`${base}/upper`), [], 'upper is as it was')
})

await over('ten mounts at once', async (t, place) => {
  const names = Array.from({ length: CYCLES }, (_, n) => `m${n}`)
  const mounts = await Promise.all(
    names.map((name) => {
      const { base, options } = makeLayers(place, name)
      return mountAt(place, `${base}/merged`, options)
    }),
  )
  t.equal(new Set(mounts.map(({ server }) => server)).size, CYCLES, 'each has its server')
  await Promise.all(mounts.map(({ run }) => run('echo more >>f; rm -r d; mv g h')))
  for (const { target } of mounts) t.equal(unmount(target), 0)
  t.ok(await until(() => !mounts.some(({ server }) => isRunning(server)), LEAVE_MS), 'all left')
})

await over("the layers' paths vanish after the start", async (t, place, { base }) => {
  // Links to layers, and mounts that go again, as podman has them.
  mkdirSync(`${base}/l`)
  mkdirSync(`${base}/mapped`)
  symlinkSync('../lower1', `${base}/l/ONE`)
  await place.run('mount', ['--bind', `${base}/lower0`, `${base}/mapped`])
  const lowers = `${base}/l/ONE:${base}/mapped`
  const options = `lowerdir=${lowers},upperdir=${base}/upper,workdir=${base}/work`
  const mount = await mountAt(place, `${base}/merged`, options)
  t.equal(unmount(`${base}/mapped`, 'lazy'), 0)
  for (const name of ['l', 'lower0', 'lower1', 'upper', 'work']) {
    renameSync(`${base}/${name}`, `${base}/was-${name}`)
  }
  const script = `cat f d/x d/y; cat many/* | wc -l; echo more >>f; rm g; mv d/sub moved 2>&1 || true
    rm -r d; mkdir d; ls d; ln many/n1 link; chmod 600 large; cat f; wc -c <large`
  t.match(await mount.run(script), /^f\nd\/x\nd\/y\n40\n[^]*f\nmore\n1200000\n$/)
  t.equal(unmount(mount.target), 0)
  t.ok(await leaves(mount, LEAVE_MS), 'it has left')
  t.equal(readFileSync(`${base}/was-upper/f`, 'latin1'), 'f\nmore\n', 'the change is in upper')
  t.equal(readFileSync(`${base}/was-lower0/f`, 'latin1'), 'f\n', 'lower is as it was')
})

await over('remounted read-only, and back', async (t, place, { base, options }) => {
  const mount = await mountAt(place, `${base}/merged`, options)
  await mount.run('echo before >>f')
  const held = openSync(`${mount.target}/f`, 'a')
  // Without mount(8)'s helpers: this is about mount(2).
  const remount = (flags: string): Promise<{ code: number | null }> =>
    place.attempt('mount', ['-i', '-o', `remount,${flags}`, mount.target])
  t.not((await remount('ro')).code, 0, 'not while a file is open for writing')
  closeSync(held)
  t.equal((await remount('ro')).code, 0)
  const before = await stateOf(place, `${base}/upper`, `${base}/work`)
  for (const script of ['echo >>f', 'echo >new', 'rm g', 'mkdir dir', 'touch f', 'mv g h']) {
    const { code, stderr } = await mount.attempt(script)
    t.not(code, 0, script)
    t.match(stderr, /Read-only file system/, script)
  }
  t.equal(await mount.run('cat f d/x; ls d; cat large >/dev/null'), 'f\nbefore\nd/x\nsub\nx\ny\n')
  t.equal(await stateOf(place, `${base}/upper`, `${base}/work`), before, 'upper is as it was')
  t.equal((await remount('rw')).code, 0)
  t.equal(await mount.run('echo after >>f; cat f'), 'f\nbefore\nafter\n')
  t.equal(unmount(mount.target), 0)
  t.ok(await leaves(mount, LEAVE_MS), 'it has left')
})

await over(
  'the last unmount ends it, and upper is left alone',
  async (t, place, { base, options }) => {
    const mount = await mountAt(place, `${base}/merged`, options)
    mkdirSync(`${base}/bound`)
    await place.run('mount', ['--bind', `${mount.target}/d`, `${base}/bound`])
    // Another mount namespace keeps a copy until its last process ends.
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', 'echo in; read -r _']
    const elsewhere = spawn('unshare', words, { stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => elsewhere.kill('SIGKILL'))
    await once(elsewhere.stdout, 'data')
    await mount.run(
      'echo more >>f; rm -r d/sub; mv many/n1 many/m1; echo tail >>large; echo new >d/new',
    )
    t.equal(unmount(mount.target), 0)
    t.ok(isRunning(mount.server), 'it serves the bind mount')
    t.equal(readFileSync(`${base}/bound/new`, 'latin1'), 'new\n')
    writeFileSync(`${base}/bound/late`, 'late\n')
    t.equal(unmount(`${base}/bound`), 0)
    t.ok(isRunning(mount.server), 'it serves the other namespace')
    const before = await stateOf(place, `${base}/upper`, `${base}/work`)
    elsewhere.stdin.end('\n')
    await once(elsewhere, 'exit')
    t.ok(await leaves(mount, LEAVE_MS), 'it has left within a second')
    t.equal(await stateOf(place, `${base}/upper`, `${base}/work`), before, 'upper was not touched')
    t.ok(existsSync(`${base}/upper/d/late`))
  },
)

await over(
  'upper is not touched after an ordinary unmount',
  async (t, place, { base, options }) => {
    for (const extra of ['', ',volatile']) {
      const mount = await mountAt(place, `${base}/merged`, options + extra)
      await mount.run(`echo more >>f; echo tail >>large; rm -rf d; mkdir -p d; echo y >d/y; rm many/n9
      head -c 3000000 /dev/zero >zeros; echo back >many/n9`)
      t.equal(unmount(mount.target), 0)
      const before = await stateOf(place, `${base}/upper`, `${base}/work`)
      t.ok(await leaves(mount, LEAVE_MS), 'it has left within a second')
      t.equal(await stateOf(place, `${base}/upper`, `${base}/work`), before, `untouched ${extra}`)
      await place.run('rm', ['-rf', `${base}/work/work/incompat`])
    }
  },
)

await over('detached while it is in use', async (t, place, { base, options }) => {
  const mount = await mountAt(place, `${base}/merged`, options)
  const file = openSync(`${mount.target}/f`, 'a+')
  const script = 'cd d; echo in; read -r _; cat x; ls; echo late >late; exec cat late'
  const user = spawn('sh', ['-c', script], {
    cwd: mount.target,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => user.kill('SIGKILL'))
  let said = ''
  user.stdout.on('data', (text: Buffer) => (said += text.toString('latin1')))
  t.ok(await until(() => said === 'in\n', LEAVE_MS * 5))
  t.equal(unmount(mount.target, 'lazy'), 0)
  t.strictSame(readdirSync(mount.target), [], 'it is out of the tree')
  writeSync(file, 'more\n')
  user.stdin.end('\n')
  await once(user, 'close')
  t.equal(said, 'in\nd/x\nsub\nx\ny\nlate\n', 'its user goes on')
  t.ok(isRunning(mount.server), 'it serves the open file')
  closeSync(file)
  t.ok(await leaves(mount, LEAVE_MS), 'it has left within a second of the last close')
  t.equal(readFileSync(`${base}/upper/f`, 'latin1'), 'f\nmore\n')
  t.equal(readFileSync(`${base}/upper/d/late`, 'latin1'), 'late\n')
})

await over(
  'the caller gets its pipes back, and may be killed',
  async (t, place, { base, options }) => {
    const program = programUnderTest()
    const merged = `${base}/merged`
    mkdirSync(merged)
    // One pipe for both, read to its end, as containerd does; attempt() waits for the end itself.
    const both = await place.attempt('sh', [
      '-c',
      `"$0" -o "$1" "$2" 2>&1 | cat`,
      program,
      options,
      merged,
    ])
    t.equal(both.code, 0)
    t.equal(both.stdout, '', 'nothing is said')
    t.equal(unmount(merged), 0)
    const failing = await place.attempt(program, ['-o', options.replace('/upper', '/none'), merged])
    t.not(failing.code, 0)
    t.match(failing.stderr, /none/, 'a failure is told on stderr, which ends')
    // The caller's process group dies; the mount does not.
    const caller = spawn(
      'sh',
      ['-c', `"$0" -o "$1" "$2" && echo up && sleep 1000`, program, options, merged],
      {
        detached: true,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [up] = (await once(caller.stdout, 'data')) as [Buffer]
    t.equal(up.toString(), 'up\n')
    process.kill(-(caller.pid ?? 0), 'SIGKILL')
    await once(caller, 'close')
    t.equal(readFileSync(`${merged}/f`, 'latin1'), 'f\n', 'the mount lives on')
    t.equal(unmount(merged), 0)
  },
)
