/** The command line as a user and an engine meet it: exit codes, messages, and a well-behaved daemon. */
import { spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'

const PROGRAM = fileURLToPath(new URL('../../bin/tsoverlayfs', import.meta.url))
const END_MS = 5000

function run(
  words: readonly string[],
  cwd: string,
): { code: number | null; stderr: string; stdout: string } {
  const { status, stderr, stdout } = spawnSync(PROGRAM, words, {
    cwd,
    encoding: 'utf8',
    timeout: 30_000,
  })
  return { code: status, stderr, stdout }
}

function place(t: Test): string {
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(`${scratch.path}/${name}`)
  writeFileSync(`${scratch.path}/lower/file`, 'text')
  return scratch.path
}

/** Processes whose command line mentions a directory. */
function processesOf(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(path)
      } catch {
        return false // ended meanwhile
      }
    })
}

async function waitGone(path: string): Promise<number[]> {
  for (let waited = 0; waited < END_MS; waited += 50) {
    if (processesOf(path).length === 0) return []
    await delay(50)
  }
  return processesOf(path)
}

const isMounted = (path: string): boolean =>
  readFileSync('/proc/self/mountinfo', 'latin1').includes(` ${path}/merged `)

const layers = (path: string): string =>
  `lowerdir=${path}/lower,upperdir=${path}/upper,workdir=${path}/work`

await t.test('forms of the command line', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  for (const [title, words] of [
    ['our own', ['mount', '-o', layers(path), `${path}/merged`]],
    [
      'friendly flags',
      [
        'mount',
        '--lower',
        `${path}/lower`,
        '--upper',
        `${path}/upper`,
        '--work',
        `${path}/work`,
        `${path}/merged`,
      ],
    ],
    [
      'glued and repeated -o',
      [
        'mount',
        `-olowerdir=${path}/lower`,
        '-o',
        `upperdir=${path}/upper`,
        '-o',
        `workdir=${path}/work`,
        `${path}/merged`,
      ],
    ],
    ["fuse-overlayfs's", ['-o', layers(path), `${path}/merged`]],
    ["mount.fuse3's", ['overlay', `${path}/merged`, '-o', `${layers(path)},dev,suid`]],
  ] as const) {
    const { code, stderr } = run(words, path)
    t.equal(code, 0, `${title}: ${stderr}`)
    t.equal(readFileSync(`${path}/merged/file`, 'utf8'), 'text')
    t.equal(run(['umount', `${path}/merged`], path).code, 0)
    t.strictSame(await waitGone(path), [], 'the daemon ends with the mount')
  }
  t.equal(run(['--version'], path).stdout.split(' ')[0], 'tsoverlayfs')
  t.match(run(['mount', '--help'], path).stdout, /Examples/)
  t.match(run(['--help'], path).stdout, /Exit status/)
})

await t.test('failures say what is wrong and leave nothing behind', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  mkdirSync(`${path}/upper/inside`)
  mkdirSync(`${path}/lower/nested`)
  mkdirSync(`${path}/work/deep`)
  for (const [words, message] of [
    [`lowerdir=${path}/none,upperdir=${path}/upper,workdir=${path}/work`, /none.*ENOENT/],
    [`lowerdir=${path}/lower/file,upperdir=${path}/upper,workdir=${path}/work`, /not a directory/],
    [`lowerdir=${path}/lower,upperdir=${path}/upper`, /workdir/],
    [`lowerdir=${path}/lower,upperdir=${path}/upper,workdir=${path}/upper`, /separate/],
    [`lowerdir=${path}/lower,upperdir=${path}/work,workdir=${path}/work/deep`, /separate/],
    [`lowerdir=${path}/lower,upperdir=${path}/upper,workdir=/dev/shm`, /same mount/],
    [`lowerdir=${path}/lower:${path}/lower,upperdir=${path}/upper,workdir=${path}/work`, /once/],
    [
      `lowerdir=${path}/lower:${path}/lower/nested,upperdir=${path}/upper,workdir=${path}/work`,
      /inside/,
    ],
    [`lowerdir=${path}/lower,upperdir=${path}/upper,workdir=${path}/work,nonsense=1`, /nonsense/],
  ] as const) {
    const { code, stderr } = run(['mount', '-o', words, `${path}/merged`], path)
    t.equal(code, 1, words.replaceAll(path, ''))
    t.match(stderr, message)
    t.equal(stderr.trim().split('\n').length, 1, 'one line')
  }
  t.match(run(['mount', '-o', layers(path), `${path}/nowhere`], path).stderr, /nowhere.*ENOENT/)
  t.match(
    run(['mount', '-o', layers(path), `${path}/upper/inside`], path).stderr,
    /inside upperdir/,
  )
  t.equal(run(['mount', '-o', layers(path)], path).code, 2, 'no mountpoint: a wrong command line')
  t.equal(run(['umount', `${path}/merged`], path).code, 1, 'not mounted')
  t.notOk(isMounted(path))
  t.strictSame(await waitGone(path), [])
})

await t.test('the daemon keeps nothing of its caller', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  const command = `exec 9>${path}/nine; ${PROGRAM} -o ${layers(path)} ${path}/merged`
  const shell = spawn('bash', ['-c', `exec 251>${path}/far; ${command}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  shell.stdout.resume()
  shell.stderr.resume()
  const code = await Promise.race([
    new Promise((resolve) => shell.on('close', resolve)),
    delay(20_000, 'the pipes stay open', { ref: false }),
  ])
  t.equal(code, 0, 'stdout and stderr end when the command does')
  const [pid] = processesOf(path)
  t.ok(pid)
  const open = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const link = `/proc/${pid}/fd/${fd}`
    return existsSync(link) ? [readlinkSync(link)] : []
  })
  t.notMatch(open.join('\n'), /\/(nine|far)$/m, 'descriptors 9 and 251 are closed')
  t.equal(readlinkSync(`/proc/${pid}/cwd`), '/')
  const [, , , , , session] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(' ')
  t.equal(Number(session), pid, 'a session of its own')
  t.match(run(['options', `${path}/merged`], path).stdout, /lowerdir=/)
  t.equal(run(['umount', `${path}/merged`], path).code, 0)
  t.strictSame(await waitGone(path), [])
})

await t.test('signals and ways of unmounting', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    t.equal(run(['-o', layers(path), `${path}/merged`], path).code, 0)
    const [pid] = processesOf(path)
    process.kill(pid ?? 0, signal)
    t.strictSame(await waitGone(path), [], `${signal} ends it`)
    t.notOk(isMounted(path), 'and unmounts')
  }
  for (const [program, words] of [
    ['umount', [`${path}/merged`]],
    ['umount', ['-l', `${path}/merged`]],
    ['fusermount3', ['-u', `${path}/merged`]],
    [PROGRAM, ['umount', '--lazy', `${path}/merged`]],
  ] as const) {
    t.equal(run(['-o', layers(path), `${path}/merged`], path).code, 0)
    t.equal(spawnSync(program, words).status, 0, `${program.split('/').pop() ?? ''} ${words[0]}`)
    t.strictSame(await waitGone(path), [])
  }
})

await t.test('ten quick cycles, and two mounts over one upper', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = place(t)
  for (let i = 0; i < 10; i += 1) {
    t.equal(run(['-o', layers(path), `${path}/merged`], path).code, 0)
    t.equal(spawnSync('umount', [`${path}/merged`]).status, 0)
  }
  mkdirSync(`${path}/second`)
  t.equal(run(['-o', layers(path), `${path}/merged`], path).code, 0)
  writeFileSync(`${path}/merged/file`, 'changed')
  t.equal(run(['-o', layers(path), `${path}/second`], path).code, 0, 'no lock that fails')
  t.equal(readFileSync(`${path}/second/file`, 'utf8'), 'changed')
  writeFileSync(`${path}/merged/more`, 'x')
  t.equal(spawnSync('umount', [`${path}/second`]).status, 0)
  writeFileSync(`${path}/merged/more`, 'still works')
  t.equal(spawnSync('umount', [`${path}/merged`]).status, 0)
  t.strictSame(await waitGone(path), [])
})
