/**
 * The session on a real /dev/fuse: a small file system in memory is mounted by a process of its own,
 * used from others, and unmounted in every way there is. Nothing here touches the mount itself: a
 * program that hangs on it is killed, not waited for.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { bundle } from '../helpers/bundle.js'
import { requires } from '../helpers/requires.js'
import { demolish } from '../helpers/scratch.js'

const run = promisify(execFile)
const NOBODY = 65534
const TIMEOUT_MS = 20_000

/** A daemon and what it says. */
interface Daemon {
  readonly mountpoint: string
  readonly process: ChildProcess
  /** Its next line. */
  readonly says: () => Promise<Record<string, unknown>>
}

/** Run a shell command with `$M` for the mount point; returns its output. */
async function shell(daemon: { readonly mountpoint: string }, script: string): Promise<string> {
  const env = { ...process.env, M: daemon.mountpoint, LC_ALL: 'C' }
  const { stdout } = await run('sh', ['-euc', script], { env, timeout: TIMEOUT_MS })
  return stdout.trim()
}

function makeMountpoint(t: Test): string {
  const directory = mkdtempSync(`${tmpdir()}/tsoverlayfs-session-`)
  t.teardown(() => {
    demolish(directory)
  })
  chmodSync(directory, 0o755)
  const mountpoint = `${directory}/mnt`
  mkdirSync(mountpoint)
  return mountpoint
}

/** Start a daemon; it is killed at the end of the test if it is still there. */
function start(
  t: Test,
  mountpoint: string,
  options: { args?: string[]; via?: string[] } = {},
): Daemon {
  const program = bundle(process.cwd(), 'test/helpers/fuse/memory-daemon.ts')
  const command = [...(options.via ?? []), process.execPath, program, mountpoint]
  const child = spawn(command[0] ?? '', [...command.slice(1), ...(options.args ?? ['main'])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const says = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next()
    if (line.done === true) throw new Error('the daemon ended without a word')
    return JSON.parse(line.value) as Record<string, unknown>
  }
  return { mountpoint, process: child, says }
}

async function ended(daemon: Daemon): Promise<number | null> {
  if (daemon.process.exitCode !== null) return daemon.process.exitCode
  const [code] = (await once(daemon.process, 'exit')) as [number | null]
  return code
}

const OBJECTS = `
  cd "$M"
  mkdir -m 750 d
  printf hello > d/f
  printf ' world' >> d/f
  cat d/f; echo
  ln -s d/f s; readlink s
  ln d/f d/g; stat -c '%h %s %F %a' d/g
  touch -m -d '2001-02-03 04:05:06.123456789 UTC' d/f; stat -c '%.9Y' d/f
  mv d/f d/h; ls d | tr '\\n' ' '; echo
  stat -c '%W' d/h
  truncate -s 3 d/h; cat d/h; echo
  name=$(printf 'n\\377x'); : > "$name"; ls -b | grep '^n'
  cat missing 2>&1 || true
  rmdir d 2>&1 || true
  rm d/g d/h && rmdir d && ls | wc -l
`
const OBJECTS_SHOWN = [
  'hello world',
  'd/f',
  '2 11 regular file 640',
  '981173106.123456789',
  'g h ',
  '981173106',
  'hel',
  'n\\377x',
  'cat: missing: No such file or directory',
  "rmdir: failed to remove 'd': Directory not empty",
  '2',
]

for (const thread of ['main', 'worker']) {
  await t.test(`served from the ${thread} thread`, async (t) => {
    if (!requires(t, 'root', 'fuse')) return
    const daemon = start(t, makeMountpoint(t), { args: [thread] })
    t.strictSame(await daemon.says(), { method: 'mount' })
    const shown = await shell(daemon, `umask 027; ${OBJECTS}`)
    t.strictSame(
      shown.split('\n').map((line) => line.trimEnd()),
      OBJECTS_SHOWN.map((line) => line.trimEnd()),
    )
    const line = await shell(daemon, 'grep " $M " /proc/self/mountinfo')
    t.match(
      line,
      /noatime.* - fuse\.tsoverlayfs-test memory,\\040of\\040course .*default_permissions/,
    )
    t.equal(await shell(daemon, 'cat /sys/class/bdi/$(mountpoint -d "$M")/read_ahead_kb'), '1024')
    await shell(daemon, 'umount "$M"')
    t.match(await daemon.says(), { end: 'unmounted', destroyed: 1 })
    t.equal(await ended(daemon), 0)
  })
}

await t.test('data, listings and attributes in bulk', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const daemon = start(t, makeMountpoint(t))
  await daemon.says()
  await shell(daemon, 'head -c 5000000 /dev/urandom > "$M/big"; sync -f "$M/big"')
  const drop = 'dd of="$M/big" oflag=nocache conv=notrunc,fdatasync count=0 status=none'
  const sums = await shell(daemon, `sha1sum < "$M/big"; ${drop}; sha1sum < "$M/big"`)
  const [written, read] = sums.split('\n')
  t.equal(written, read, 'what was written is read')
  await shell(daemon, 'mkdir "$M/many"; cd "$M/many"; seq 1 3000 | xargs touch')
  t.equal(await shell(daemon, 'ls -l "$M/many" | wc -l'), '3001')
  t.equal(await shell(daemon, 'find "$M/many" -type f | sort -u | wc -l'), '3000')
  t.equal(await shell(daemon, 'stat -f -c "%b %f %a %c %l" "$M"'), '1000 600 500 100 255')
  // The free inodes this file system reports are the lookups that were not forgotten.
  const forgets = `
    echo 2 > /proc/sys/vm/drop_caches
    for i in $(seq 200); do left=$(stat -f -c %d "$M"); [ "$left" -gt 0 ] || break; done
    echo "$left"`
  t.equal(await shell(daemon, forgets), '0', 'forgets balance lookups')
  await shell(daemon, 'umount "$M"')
  t.match(await daemon.says(), { end: 'unmounted' })
})

await t.test('ends of a mount', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const ways = {
    umount2: 'umount "$M"',
    lazily: 'umount -l "$M"',
    'fusermount3 -u': 'fusermount3 -u "$M"',
    'fusermount3 -u -z': 'fusermount3 -u -z "$M"',
    'unused, before anything was asked': 'umount -i "$M"',
  }
  for (const [name, script] of Object.entries(ways)) {
    const daemon = start(t, makeMountpoint(t))
    await daemon.says()
    await shell(daemon, script)
    t.match(await daemon.says(), { end: 'unmounted', destroyed: 1 }, name)
    t.equal(await ended(daemon), 0)
  }
})

await t.test('lazily, the last user ends the loop', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const daemon = start(t, makeMountpoint(t))
  await daemon.says()
  const shown = await shell(daemon, 'echo kept > "$M/f"; exec 3< "$M/f"; umount -l "$M"; cat <&3')
  t.equal(shown, 'kept', 'an open file is still served')
  t.match(await daemon.says(), { end: 'unmounted' })
})

await t.test('an aborted connection is told from an unmount', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const daemon = start(t, makeMountpoint(t))
  await daemon.says()
  // fusectl is mounted where nobody else sees it.
  const script = `
    device=$(mountpoint -d "$M")
    unshare -m sh -euc '
      mount -t fusectl fusectl /sys/fs/fuse/connections
      echo 1 > "/sys/fs/fuse/connections/$0/abort"' "\${device#*:}"`
  await shell(daemon, script)
  t.match(await daemon.says(), { end: 'aborted', destroyed: 1 })
})

/**
 * Become an ordinary user who may open /dev/fuse, whatever the machine's own device allows. tap's
 * NODE_OPTIONS goes: it would write where that user may not.
 */
const AS_NOBODY = [
  'unshare',
  '--mount',
  'sh',
  '-euc',
  `mount -t tmpfs -o mode=755 none /mnt
   mknod -m 666 /mnt/fuse c 10 229
   mount --bind /mnt/fuse /dev/fuse
   umount -l /mnt
   exec env -u NODE_OPTIONS setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`,
  'sh',
]

await t.test('an ordinary user mounts through fusermount3', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const mountpoint = makeMountpoint(t)
  chownSync(mountpoint, NOBODY, NOBODY)
  const daemon = start(t, mountpoint, { via: AS_NOBODY })
  t.strictSame(await daemon.says(), { method: 'fusermount3' })
  const inside = (script: string): Promise<string> =>
    shell(
      daemon,
      `nsenter -t ${String(daemon.process.pid)} -m setpriv --reuid 65534 --regid 65534 --clear-groups sh -euc '${script}'`,
    )
  await t.rejects(inside('echo x > "$M/f"'), /Permission denied/, "the root directory is root's")
  t.match(
    await inside('grep " $M " /proc/self/mountinfo'),
    /nosuid,nodev.* - fuse\.tsoverlayfs-test memory,\\040of\\040course/,
  )
  await inside('fusermount3 -u "$M"')
  t.match(await daemon.says(), { end: 'unmounted' })
})

await t.test('in a user namespace mount(2) works', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const daemon = start(t, makeMountpoint(t), {
    via: ['unshare', '-Urm', '--propagation', 'private'],
    args: ['main', 'allow_other'],
  })
  t.strictSame(await daemon.says(), { method: 'mount' })
  const pid = String(daemon.process.pid)
  const inside = `nsenter -t ${pid} -U -m --preserve-credentials sh -euc 'echo inside > "$M/f"; cat "$M/f"; umount "$M"'`
  t.equal(await shell(daemon, inside), 'inside')
  t.match(await daemon.says(), { end: 'unmounted' })
})

await t.test('what cannot be mounted is explained, and leaves nothing', async (t) => {
  if (!requires(t, 'root', 'fuse')) return
  const mountpoint = makeMountpoint(t)
  const told = async (path: string, options: Parameters<typeof start>[2] = {}) => {
    const daemon = start(t, path, options)
    const { error } = await daemon.says()
    t.equal(await ended(daemon), 1)
    return error
  }
  t.match(await told(`${mountpoint}/none`), /none: no such directory; create the mount point/)
  symlinkSync('/dev/null', `${mountpoint}/null`)
  t.match(await told(`${mountpoint}/null`), /not a directory/)
  t.match(await told(mountpoint, { via: AS_NOBODY }), /no write access/)
  const closed = [
    'env',
    '-u',
    'NODE_OPTIONS',
    'setpriv',
    '--reuid',
    '65534',
    '--regid',
    '65534',
    '--clear-groups',
  ]
  chownSync(mountpoint, NOBODY, NOBODY)
  if ((statSync('/dev/fuse').mode & 0o006) !== 0o006) {
    t.match(await told(mountpoint, { via: closed }), /chmod 666 \/dev\/fuse/)
  }
  t.match(
    await told(mountpoint, { via: AS_NOBODY, args: ['main', 'allow_other'] }),
    /user_allow_other put into \/etc\/fuse\.conf/,
  )
  t.equal(await shell({ mountpoint }, 'grep -c " $M " /proc/self/mountinfo || true'), '0')
})
