/**
 * The transport through libfuse 2 on a real mount: what it carries, what it refuses and how
 * (docs/transports.md), and that its two processes end with the mount, whatever ends it.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { mountCounted } from '../helpers/counted-mount.js'
import { runScript } from '../helpers/executor.js'
import { checkout } from '../helpers/harness.js'
import type { Operation } from '../helpers/operation.js'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'

const PROGRAM = `${checkout}/bin/tsoverlayfs`
const END_MS = 5000
const USER = { uid: 65534, gid: 65534 }

interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(words: readonly string[], program = PROGRAM): Outcome {
  const { status, stdout, stderr } = spawnSync(program, words, {
    encoding: 'latin1',
    timeout: 30_000,
  })
  return { code: status, stdout, stderr }
}

function makePlace(t: Test): string {
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const { path } = scratch
  for (const name of ['lower', 'lower/dir', 'upper', 'work', 'merged']) mkdirSync(`${path}/${name}`)
  for (const name of ['file', 'dir/a', 'dir/b']) writeFileSync(`${path}/lower/${name}`, 'text\n')
  chmodSync(path, 0o755)
  return path
}

const layers = (path: string): string =>
  `lowerdir=${path}/lower,upperdir=${path}/upper,workdir=${path}/work`

function mountAt(path: string, more = ''): Outcome {
  return run(['mount', '--transport', 'libfuse', '-o', layers(path) + more, `${path}/merged`])
}

const isMounted = (path: string): boolean =>
  readFileSync('/proc/self/mountinfo', 'latin1').includes(` ${path}/merged `)

/** Processes that belong to a place: the one that mounts, and after it its child that serves. */
function processesOf(path: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(path)
      } catch {
        return false // ended meanwhile
      }
    })
    .map(Number)
    .sort((a, b) => Number(isServing(a)) - Number(isServing(b)))
}

function isServing(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('\0serve\0')
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s*Z/m.test(readStatus(pid))
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return 'State: Z' // ended meanwhile
  }
}

async function untilGone(pids: readonly number[]): Promise<number[]> {
  for (let waited = 0; waited < END_MS && pids.some(isAlive); waited += 20) await delay(20)
  return pids.filter(isAlive)
}

/** Run a shell command in the mount. */
function shell(path: string, script: string): string {
  const { stdout, stderr, status } = spawnSync('sh', ['-euc', script], {
    cwd: `${path}/merged`,
    encoding: 'latin1',
    timeout: 20_000,
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
  })
  return status === 0 ? stdout.trim() : `${stdout}exit ${String(status)}: ${stderr}`
}

const STORY = `
  cat file; echo more >>file; cat file
  stat -c '%a %h %s %F' file dir
  mkdir -m 750 d; echo x >d/x; mv d e; cat e/x
  ln file e/link; stat -c '%h' file; rm file; stat -c '%h' e/link
  ln -s e/link s; readlink s; cat s | head -1
  rm -r dir; mkdir dir; ls -A dir
  name=$(printf 'n\\377x'); echo bytes >"$name"; mv "$name" "$name.2"; ls -b | grep '^n'
  touch -d '2001-02-03 04:05:06.123' e/x; stat -c '%x %y' e/x
  chmod 4711 e/x; chown 5:6 e/x; stat -c '%a %u:%g' e/x
  truncate -s 3000000000 big; stat -c %s big; printf end | dd of=big bs=1 seek=2999999997 conv=notrunc 2>/dev/null
  tail -c 3 big; echo; rm big
  dd if=/dev/zero bs=1M count=4 of=zeroes 2>/dev/null; cmp -n 4194304 zeroes /dev/zero && echo same
  mkfifo p; mknod c c 1 3; stat -c '%F %t:%T' p c
  exec 5<>e/link; rm e/link; echo unlinked >&5; stat -L -c '%h' /proc/self/fd/5; ls -A e; head -1 /proc/self/fd/5
  df --output=source . | tail -1
`
const SHOWN = [
  'text',
  'text',
  'more',
  '644 1 10 regular file',
  '755 2 8 directory',
  'x',
  '2',
  '1',
  'e/link',
  'text',
  'n\\377x.2',
  '2001-02-03 04:05:06.123000000 +0000 2001-02-03 04:05:06.123000000 +0000',
  '711 5:6',
  '3000000000',
  'end',
  'same',
  'fifo 0:0',
  'character special file 1:3',
  '0',
  'x',
  'unlinked',
  'tsoverlayfs',
]

await t.test('a day in the life of a mount', async (t) => {
  if (!requires(t, 'root', 'fuse', 'libfuse')) return
  const path = makePlace(t)
  const mounted = mountAt(path)
  t.strictSame(mounted, { code: 0, stdout: '', stderr: '' })
  t.match(run(['options', `${path}/merged`]).stdout, ',transport=libfuse,')
  const pids = processesOf(path)
  t.equal(pids.length, 2, 'one process mounts, the other serves')
  const shown = shell(path, STORY).split('\n')
  shown[4] = (shown[4] ?? '').replace(/ \d+ directory$/, ' 8 directory')
  t.strictSame(shown, SHOWN)
  t.equal(run(['umount', `${path}/merged`]).code, 0)
  t.strictSame(await untilGone(pids), [], 'both end with the mount')
  t.strictSame(readdirSync(`${path}/upper`).sort(), [
    'c',
    'dir',
    'e',
    'file',
    Buffer.from('n\xffx.2', 'latin1').toString(),
    'p',
    's',
    'zeroes',
  ])
  t.equal(readFileSync(`${path}/lower/file`, 'utf8'), 'text\n')
})

/** What the transport does not carry, with the error that tells. */
const REFUSED: readonly (readonly [operation: Operation, result: string])[] = [
  [{ op: 'rename', from: 'file', to: 'new', flags: ['noreplace'] }, 'EINVAL'],
  [{ op: 'rename', from: 'file', to: 'dir/a', flags: ['exchange'] }, 'EINVAL'],
  [{ op: 'rename', from: 'file', to: 'new', flags: ['whiteout'] }, 'EINVAL'],
  [{ op: 'open', path: '.', as: 'h', flags: ['write', 'tmpfile'] }, 'EOPNOTSUPP'],
  [{ op: 'fallocate', path: 'file', mode: 'allocate', offset: 0, size: 10 }, 'EOPNOTSUPP'],
  [{ op: 'getflags', path: 'file' }, 'ENOTTY'],
  [{ op: 'setflags', path: 'file', flags: 0x20 }, 'ENOTTY'],
  [{ op: 'stat', path: 'file', by: USER }, 'EACCES'],
  [{ op: 'create', path: 'new', mode: 0o644, by: USER }, 'EACCES'],
]

const HALF_TIMES = `
  before=$(stat -c '%X %Y' file)
  touch -m -d '2001-02-03' file
  if [ "$(stat -c '%X %Y' file)" = "$before" ]; then echo as it was; else echo changed; fi
`

await t.test('what is not carried fails with an error that says so', async (t) => {
  if (!requires(t, 'root', 'fuse', 'libfuse')) return
  const path = makePlace(t)
  t.equal(mountAt(path).code, 0)
  const results = runScript(
    `${path}/merged`,
    REFUSED.map(([operation]) => operation),
  )
  t.strictSame(
    results,
    REFUSED.map(([, result]) => result),
  )
  t.strictSame(readdirSync(`${path}/upper`), ['file'], 'opened for writing, and nothing else')
  const { stdout } = spawnSync('sh', ['-euc', HALF_TIMES], {
    cwd: `${path}/merged`,
    encoding: 'utf8',
    timeout: 10_000,
    env: { ...process.env, TZ: 'UTC' },
  })
  t.equal(stdout, 'as it was\n', 'but one time alone is not set, which libfuse does not tell')
  t.equal(run(['umount', `${path}/merged`]).code, 0)
})

await t.test('what cannot be mounted is refused, and leaves nothing behind', async (t) => {
  if (!requires(t, 'root', 'fuse', 'libfuse')) return
  const path = makePlace(t)
  for (const [option, message] of [
    ['allow_other', /^tsoverlayfs: transport=libfuse: allow_other .*use transport=kernel$/],
    ['allow_root', /transport=libfuse: allow_root /],
    ['passthrough=all', /transport=libfuse: passthrough=all .* or transport=kernel$/],
    ['strictatime', /transport=libfuse: .*strictatime/],
    ['nodiratime', /transport=libfuse: .*nodiratime/],
    [`fsname=${'n'.repeat(1000)}`, /room for 1023 bytes of options/],
    [`lowerdir=${path}/none`, /none.*ENOENT/],
  ] as const) {
    const { code, stderr } = mountAt(path, `,${option}`)
    t.equal(code, 1, option.slice(0, 30))
    t.match(stderr.trim(), message)
    t.equal(stderr.trim().split('\n').length, 1, 'one line')
  }
  t.match(
    run(['mount', '-o', `${layers(path)},transport=libfuse`, `${path}/nowhere`]).stderr,
    /nowhere: no such directory/,
  )
  t.notOk(isMounted(path))
  t.strictSame(await untilGone(processesOf(path)), [])
})

await t.test('the mount ends when it is told to, and when its processes are killed', async (t) => {
  if (!requires(t, 'root', 'fuse', 'libfuse')) return
  const path = makePlace(t)
  for (const [title, end] of [
    ['SIGTERM', (parent: number) => process.kill(parent, 'SIGTERM')],
    ['the one that mounts is killed', (parent: number) => process.kill(parent, 'SIGKILL')],
    ['umount --lazy', () => run(['umount', '--lazy', `${path}/merged`])],
  ] as const) {
    t.equal(mountAt(path).code, 0)
    const pids = processesOf(path)
    t.equal(pids.length, 2)
    end(pids[0] ?? 0)
    t.strictSame(await untilGone(pids), [], title)
    t.notOk(isMounted(path), title)
  }
  t.equal(mountAt(path).code, 0)
  const [parent = 0, child = 0] = processesOf(path)
  process.kill(child, 'SIGKILL')
  t.strictSame(await untilGone([parent, child]), [], 'the one that serves is killed')
  run(['umount', '--lazy', `${path}/merged`])
  t.notOk(isMounted(path))
})

await t.test('a mount that is in use is served until it is not', async (t) => {
  if (!requires(t, 'root', 'fuse', 'libfuse')) return
  const path = makePlace(t)
  t.equal(mountAt(path).code, 0)
  const pids = processesOf(path)
  const reader = spawn('sh', ['-c', 'read line; cat dir/a'], {
    cwd: `${path}/merged`,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => reader.kill('SIGKILL'))
  t.equal(run(['umount', `${path}/merged`]).code, 1, 'busy')
  t.equal(run(['umount', '--lazy', `${path}/merged`]).code, 0)
  t.notOk(isMounted(path))
  t.strictSame(pids.filter(isAlive), pids)
  reader.stdin.end('go\n')
  const [data] = (await once(reader.stdout, 'data')) as [Buffer]
  t.equal(data.toString(), 'text\n')
  t.strictSame(await untilGone(pids), [])
})

await t.test('through the library, every lookup is given back', async (t) => {
  if (!requires(t, 'root', 'fuse', 'libfuse')) return
  const path = makePlace(t)
  const mounted = await mountCounted({
    lowers: [`${path}/lower`],
    upper: `${path}/upper`,
    work: `${path}/work`,
    target: `${path}/merged`,
    options: 'transport=libfuse',
  })
  shell(
    path,
    'ls -lR . >/dev/null; cat dir/a file >>new; rm dir/b; mv dir d2; mkdir dir; rmdir dir',
  )
  t.strictSame(await mounted.unmount(), { end: 'unmounted', nodes: 1 })
})

await t.test('without fuse-native everything else works', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const path = makePlace(t)
  for (const name of ['install', 'install/bin', 'install/dist', 'install/node_modules']) {
    mkdirSync(`${path}/${name}`)
  }
  const program = `${path}/install/bin/tsoverlayfs`
  copyFileSync(PROGRAM, program)
  for (const name of readdirSync(`${checkout}/dist`)) {
    const from = `${checkout}/dist/${name}`
    if (statSync(from).isFile()) copyFileSync(from, `${path}/install/dist/${name}`)
  }
  symlinkSync(`${checkout}/node_modules/koffi`, `${path}/install/node_modules/koffi`)
  const words = ['mount', '-o', layers(path), `${path}/merged`]
  t.strictSame(run(words, program), { code: 0, stdout: '', stderr: '' })
  t.equal(readFileSync(`${path}/merged/file`, 'utf8'), 'text\n')
  t.equal(run(['umount', `${path}/merged`], program).code, 0)
  const refused = run([...words, '--transport', 'libfuse'], program)
  t.equal(refused.code, 1)
  t.match(refused.stderr, /npm package fuse-native is not installed.*libfuse2/)
  t.equal(refused.stderr.trim().split('\n').length, 1)
  t.strictSame(await untilGone(processesOf(`${path}/merged`)), [])
})
