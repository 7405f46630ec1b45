/**
 * podman of an ordinary user. The user exists in a mount namespace of its own only: /etc/passwd,
 * /etc/subuid, /etc/subgid and the permissions of /dev/fuse are shown there as a desktop has them,
 * and the machine's own stay as they are. Its process namespace ends every process with it.
 */
import { chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { imageTree } from './steps.js'
import type { Engine } from './engine.js'
import type { EnginePlace, Outcome } from './place.js'
import { until } from './processes.js'
import { podmanEngine } from './podman.js'
import { makePodmanStore } from './podman-store.js'

const USER = 'tsovtest'
const UID = 61_234
const SUB_IDS = `${USER}:3000000:65536\n`
const READY_MS = 10_000

/** podman refuses to clean up after containers where this is longer than 39 bytes. */
const RUNTIME_DIRECTORY = '/media/run'

/**
 * Show the machine to the namespace as one that has the user; then wait to be killed. Ignoring
 * SIGCHLD, the first process leaves no zombies of orphans, which podman would wait for.
 */
const NAMESPACE = `
for name in passwd group subuid subgid; do
  [ -e /etc/$name ] || : >/etc/$name
  mount --bind "$0/etc/$name" /etc/$name
done
mount -t tmpfs -o mode=755 none /media
mknod -m 666 /media/fuse c 10 229
mount --bind /media/fuse /dev/fuse
mkdir -m 700 ${RUNTIME_DIRECTORY}
chown ${UID}:${UID} ${RUNTIME_DIRECTORY}
: >"$0/ready"
exec env --ignore-signal=CHLD sleep infinity
`

/** A user of a namespace, and how to be that user. */
interface User {
  readonly home: string
  readonly attempt: (
    env: Readonly<Record<string, string>>,
    program: string,
    ...words: string[]
  ) => Promise<Outcome>
  readonly end: () => Promise<void>
}

function writeAccounts(place: EnginePlace, home: string): void {
  const etc = place.directory('etc')
  const read = (name: string): string => (existsSync(name) ? readFileSync(name, 'latin1') : '')
  const account = `${USER}:x:${UID}:${UID}::${home}:/bin/sh\n`
  writeFileSync(`${etc}/passwd`, read('/etc/passwd') + account)
  writeFileSync(`${etc}/group`, `${read('/etc/group')}${USER}:x:${UID}:\n`)
  for (const name of ['subuid', 'subgid']) writeFileSync(`${etc}/${name}`, SUB_IDS)
}

function childOf(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
}

async function makeUser(place: EnginePlace): Promise<User> {
  const home = place.directory('user')
  for (const name of ['', '/tmp']) {
    mkdirSync(home + name, { recursive: true, mode: 0o700 })
    chownSync(home + name, UID, UID)
  }
  writeAccounts(place, home)
  const flags = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  const words = [...flags, 'sh', '-euc', NAMESPACE, place.path]
  const holder = place.start('unshare', words, { log: 'namespace.log' })
  if (!(await until(() => existsSync(`${place.path}/ready`), READY_MS))) {
    throw new Error(`no namespace\n${readFileSync(`${place.path}/namespace.log`, 'latin1')}`)
  }
  const enter = ['-t', childOf(holder.pid), '--mount', '--pid', 'setpriv', `--reuid=${UID}`]
  enter.push(`--regid=${UID}`, '--clear-groups')
  return {
    home,
    attempt(env, program, ...rest) {
      const own = { HOME: home, USER, XDG_RUNTIME_DIR: RUNTIME_DIRECTORY, TMPDIR: `${home}/tmp` }
      const all = { ...own, ...env }
      return place.attempt('nsenter', [...enter, program, ...rest], { cwd: home, env: all })
    },
    end: () => holder.end(),
  }
}

/** Start podman as an ordinary user, on a store served by `program`. */
export async function startRootless(place: EnginePlace, program: string): Promise<Engine> {
  const user = await makeUser(place)
  const store = makePodmanStore(place, 'user/podman', program)
  for (const path of ['', '/storage.conf', '/containers.conf']) {
    chownSync(`${user.home}/podman${path}`, UID, UID)
  }
  let trees = 0
  return podmanEngine({
    name: 'podman rootless',
    place,
    showsLinkCounts: false,
    attempt: (...words) => user.attempt(store.env, 'podman', ...words),
    async tree(image, options) {
      // Nobody outside the user's namespace may look into the mount.
      const archive = `${user.home}/tree.tar`
      const script = `p=$(podman image mount "$0") && tar --xattrs '--xattrs-include=*' \\
        --numeric-owner --format=posix -C "$p" -cf "$1" . ; podman image unmount "$0"`
      const words = ['unshare', 'sh', '-euc', script, image, archive]
      const { code, stderr } = await user.attempt(store.env, 'podman', ...words)
      if (code !== 0) throw new Error(`podman unshare: exit ${String(code)}\n${stderr}`)
      const directory = place.directory(`rootless-tree-${++trees}`)
      const extract = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-p']
      await place.run('tar', [...extract, '-C', directory, '-xf', archive])
      return imageTree(directory, options)
    },
    release: () => user.end(),
  })
}
