/** The doctor on machines below temporary directories, and from end to end on this one. */
import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { type Report, examine, showReport } from '../../../src/doctor/doctor.js'
import type { Line } from '../../../src/doctor/finding.js'
import type { Machine, RunResult } from '../../../src/doctor/machine.js'
import { type Tree, fakeHost } from '../../helpers/fake-host.js'

const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))
const LAUNCHER = '/opt/ts/bin/tsoverlayfs'
const ROOT_STATUS = 'Name:\tx\nCapEff:\t000001ffffffffff\n'
const USER_STATUS = 'Name:\tx\nCapEff:\t0000000000000000\n'

/** A machine with everything, as root sees it. */
const WHOLE: Tree = {
  '/proc/sys/kernel/osrelease': '6.12.3-test\n',
  '/proc/self/status': ROOT_STATUS,
  '/proc/self/uid_map': '         0          0 4294967295\n',
  '/dev/fuse': '',
  '/usr/bin/node': 'program',
  '/usr/bin/fusermount3': 'program',
  '/layers': '/',
  [LAUNCHER]: 'program',
}

const HELPERS: Tree = {
  '/sbin/mount.tsoverlayfs': `-> ${LAUNCHER}`,
  '/sbin/mount.fuse.tsoverlayfs': `-> ${LAUNCHER}`,
  '/sbin/mount.fuse3.tsoverlayfs': `-> ${LAUNCHER}`,
}

interface Circumstances {
  readonly tree?: Tree
  /** Paths of WHOLE that are not there. */
  readonly without?: readonly string[]
  readonly uid?: number
  readonly env?: Readonly<Record<string, string>>
  readonly run?: (program: string, words: readonly string[]) => Partial<RunResult>
  readonly directory?: string
}

/** What a mount that works leaves behind. */
function pretendMount(words: readonly string[]): Partial<RunResult> {
  const place = words.at(-1) ?? ''
  writeFileSync(`${place}/upper/file`, 'text\nwritten\n')
  return { stdout: 'text\n' }
}

function visit(t: Test, about: Circumstances = {}): Report {
  const kept = Object.entries(WHOLE).filter(([path]) => about.without?.includes(path) !== true)
  const host = fakeHost(
    t,
    { ...Object.fromEntries(kept), ...about.tree },
    { uid: about.uid ?? 0, home: '/h', env: about.env ?? {} },
  )
  if (about.without?.includes('/usr/bin/fusermount3') !== true) {
    chmodSync(`${host.root}/usr/bin/fusermount3`, 0o4755)
  }
  const machine: Machine = {
    ...host,
    launcher: host.root + LAUNCHER,
    run: (program, words) => {
      const result = { code: 0, stdout: '', stderr: '' }
      const own = about.run?.(program, words)
      if (own !== undefined && Object.keys(own).length > 0) return { ...result, ...own }
      return { ...result, ...(words.includes('-c') ? pretendMount(words) : {}) }
    },
  }
  const report = examine(machine, about.directory ?? '/layers')
  if (about.directory === undefined) {
    t.strictSame(readdirSync(`${host.root}/layers`), [], 'nothing is left in the directory')
  }
  return report
}

function line({ checks }: Report, id: string): Line {
  const found = checks.find((each) => each.id === id)
  if (found === undefined) throw new Error(`no line ${id}`)
  return found
}

await t.test('a machine with everything', (t) => {
  const report = visit(t)
  t.strictSame(
    report.checks.filter(({ status }) => status === 'missing'),
    [],
  )
  t.ok(report.healthy)
  for (const fact of [
    'kernel 6.9',
    'fuse',
    'root',
    'fusermount3',
    'userns',
    'passthrough',
    'mount',
  ]) {
    t.ok(report.facts[fact], fact)
  }
  const shown = showReport(report)
  t.match(shown[0], /^ok {2}kernel +6\.12\.3-test$/)
  t.equal(shown.at(-1), 'tsoverlayfs works here.')
  t.end()
})

await t.test('what is less, what is missing, and what to do', (t) => {
  const noUser = { '/proc/self/status': USER_STATUS }
  const cases: readonly (readonly [
    string,
    Circumstances,
    string,
    Line['status'],
    RegExp,
    RegExp,
  ])[] = [
    [
      'an old kernel',
      { tree: { '/proc/sys/kernel/osrelease': '5.3.0' } },
      'kernel',
      'missing',
      /5\.3/,
      /5\.4/,
    ],
    [
      'no passthrough yet',
      { tree: { '/proc/sys/kernel/osrelease': '6.8.1' } },
      'kernel',
      'limited',
      /no FUSE passthrough/,
      /6\.9/,
    ],
    [
      'a kernel of a new major version',
      { tree: { '/proc/sys/kernel/osrelease': '7.0' } },
      'kernel',
      'ok',
      /7\.0/,
      /^$/,
    ],
    [
      'node where services do not look',
      { without: ['/usr/bin/node'] },
      'node',
      'limited',
      /services do not find/,
      /ln -s/,
    ],
    [
      'no device',
      { without: ['/dev/fuse'] },
      'fuse-device',
      'missing',
      /ENOENT/,
      /modprobe fuse.*--device/,
    ],
    [
      'a user',
      { tree: noUser, uid: 5 },
      'privilege',
      'limited',
      /uid 5 .* without CAP_SYS_ADMIN/,
      /as root/,
    ],
    [
      'root of a namespace',
      { tree: { '/proc/self/uid_map': '0 1000 1\n' } },
      'privilege',
      'limited',
      /in a user namespace, with/,
      /as root/,
    ],
    [
      'no helper',
      { tree: noUser, uid: 5, without: ['/usr/bin/fusermount3'] },
      'fusermount3',
      'limited',
      /not installed/,
      /fuse3/,
    ],
    [
      'no helper for root',
      { without: ['/usr/bin/fusermount3'] },
      'fusermount3',
      'ok',
      /does not need it/,
      /^$/,
    ],
    [
      'no namespaces',
      {
        run: (p) => (p === 'unshare' ? { code: 1, stderr: 'EPERM\n' } : {}),
        tree: { '/proc/sys/user/max_user_namespaces': '0\n' },
      },
      'user-namespaces',
      'limited',
      /\(EPERM\)/,
      /sysctl -w user.max_user_namespaces=10000$/,
    ],
    [
      'no unshare',
      { run: (p) => (p === 'unshare' ? { code: null } : {}) },
      'user-namespaces',
      'limited',
      /cannot be made$/,
      /util-linux/,
    ],
    [
      'one user alone',
      { tree: noUser, uid: 5 },
      'allow-other',
      'limited',
      /only the mounting user/,
      /user_allow_other/,
    ],
    [
      'all users',
      { tree: { ...noUser, '/etc/fuse.conf': '#x\nuser_allow_other\n' }, uid: 5 },
      'allow-other',
      'ok',
      /is set/,
      /^$/,
    ],
    [
      'no directory',
      { directory: '/nowhere' },
      'directory',
      'missing',
      /no such directory/,
      /one that exists/,
    ],
    [
      'passthrough built out',
      { tree: { '/boot/config-6.12.3-test': '# CONFIG_FUSE_PASSTHROUGH is not set\n' } },
      'passthrough',
      'limited',
      /built without/,
      /kernel/,
    ],
    [
      'passthrough built out, packed',
      { tree: { '/proc/config.gz': gzipSync('CONFIG_X=y\n').toString('latin1') } },
      'passthrough',
      'limited',
      /built without/,
      /kernel/,
    ],
    [
      'passthrough built in',
      { tree: { '/proc/config.gz': gzipSync('CONFIG_FUSE_PASSTHROUGH=y\n').toString('latin1') } },
      'passthrough',
      'ok',
      /^yes$/,
      /^$/,
    ],
    [
      'passthrough for users',
      { tree: noUser, uid: 5 },
      'passthrough',
      'limited',
      /CAP_SYS_ADMIN/,
      /run as root/,
    ],
    [
      'a mount that fails',
      { run: (_p, w) => (w.includes('-c') ? { code: 1, stderr: 'a\ntsoverlayfs: no\n' } : {}) },
      'mount',
      'missing',
      /^tsoverlayfs: no$/,
      /DEBUG/,
    ],
    [
      'a mount that never answers',
      { run: (_p, w) => (w.includes('-c') ? { code: null } : {}) },
      'mount',
      'missing',
      /no end within 30 s/,
      /DEBUG/,
    ],
    [
      'a mount that loses data',
      { run: (_p, w) => (w.includes('-c') ? { stdout: 'text\n' } : {}) },
      'mount',
      'missing',
      /do not hold/,
      /DEBUG/,
    ],
    ['a mount of a user', { tree: noUser, uid: 5 }, 'mount', 'ok', /through fusermount3/, /^$/],
    [
      'a mount in a namespace',
      { tree: noUser, uid: 5, without: ['/usr/bin/fusermount3'] },
      'mount',
      'ok',
      /in a user namespace/,
      /^$/,
    ],
    [
      'no way to mount',
      {
        tree: noUser,
        uid: 5,
        without: ['/usr/bin/fusermount3'],
        run: (p) => (p === 'unshare' ? { code: 1 } : {}),
      },
      'mount',
      'missing',
      /not possible/,
      /fuse3/,
    ],
    [
      'nothing to mount with',
      { without: ['/dev/fuse'] },
      'mount',
      'missing',
      /not possible/,
      /\/dev\/fuse above/,
    ],
    ['no engine', {}, 'engine', 'limited', /none found/, /install podman/],
    ['no mount helper', {}, 'mount-helper', 'limited', /does not find us/, /--mount-helper/],
    ['a mount helper', { tree: HELPERS }, 'mount-helper', 'ok', /works/, /^$/],
  ]
  for (const [title, about, id, status, found, remedy] of cases) {
    t.test(title, (t) => {
      const report = visit(t, about)
      const seen = line(report, id)
      t.equal(seen.status, status)
      t.match(seen.found, found)
      t.match(seen.remedy ?? '', remedy)
      t.equal(
        report.healthy,
        report.checks.every((each) => each.status !== 'missing'),
      )
      if (status === 'missing') t.match(showReport(report).at(-1), /begin with NO/)
      t.end()
    })
  }
  t.end()
})

await t.test('engines', (t) => {
  const conf = (program: string): string =>
    `[storage]\ndriver = "overlay"\n[storage.options.overlay]\nmount_program = "${program}"\n`
  const podman = { '/usr/bin/podman': 'program' }
  const docker = {
    '/usr/sbin/dockerd': 'program',
    '/etc/docker/daemon.json': '{"storage-driver": "fuse-overlayfs"}',
  }
  const containerd = {
    '/usr/bin/containerd': 'program',
    '/etc/containerd/config.toml': '[proxy_plugins.fuse-overlayfs]\n',
  }
  const run = (program: string): Partial<RunResult> =>
    program.endsWith('/podman') ? { stdout: 'podman version 5.2.1-rc1\n' } : {}
  const cases: readonly (readonly [string, Circumstances, string, Line['status'], RegExp])[] = [
    ['nothing said', { tree: podman }, 'podman', 'limited', /^5\.2\.1-rc1, uses kernel overlayfs/],
    [
      'us',
      {
        tree: {
          ...podman,
          '/link': '-> opt/ts/bin/tsoverlayfs',
          '/etc/containers/storage.conf': conf('/link'),
        },
      },
      'podman',
      'ok',
      /uses tsoverlayfs, by \/etc/,
    ],
    [
      'another',
      { tree: { ...podman, '/x': 'program', '/etc/containers/storage.conf': conf('/x') } },
      'podman',
      'limited',
      /uses \/x/,
    ],
    [
      'nobody',
      { tree: { ...podman, '/etc/containers/storage.conf': conf('/gone') } },
      'podman',
      'missing',
      /\/gone in .* is not there/,
    ],
    [
      'another driver',
      { tree: { ...podman, '/etc/containers/storage.conf': '[storage]\ndriver="vfs"' } },
      'podman',
      'limited',
      /driver vfs/,
    ],
    [
      'not TOML',
      { tree: { ...podman, '/etc/containers/storage.conf': '[' } },
      'podman',
      'limited',
      /cannot be read.*line 1/,
    ],
    [
      'rootless',
      { uid: 5, tree: { ...podman, '/h/.config/containers/storage.conf': conf(LAUNCHER) } },
      'podman',
      'ok',
      /by \/h/,
    ],
    [
      'by the environment',
      { env: { CONTAINERS_STORAGE_CONF: '/s' }, tree: { ...podman, '/s': conf(LAUNCHER) } },
      'podman',
      'ok',
      /by \/s/,
    ],
    [
      'dockerd alone',
      { tree: { '/usr/sbin/dockerd': 'program' } },
      'dockerd',
      'limited',
      /of unknown version, uses its own choice/,
    ],
    [
      'dockerd and us',
      {
        tree: { ...docker, '/usr/local/bin/fuse-overlayfs': '-> ../../../opt/ts/bin/tsoverlayfs' },
      },
      'dockerd',
      'ok',
      /uses tsoverlayfs, by \/usr\/local/,
    ],
    [
      'dockerd and another',
      { tree: { ...docker, '/usr/bin/fuse-overlayfs': 'program' } },
      'dockerd',
      'limited',
      /uses \/usr\/bin/,
    ],
    ['dockerd and nobody', { tree: docker }, 'dockerd', 'missing', /not in PATH/],
    [
      'dockerd with overlay2',
      { tree: { ...docker, '/etc/docker/daemon.json': '{"storage-driver": "overlay2"}' } },
      'dockerd',
      'limited',
      /driver overlay2/,
    ],
    [
      'daemon.json is no JSON',
      { tree: { ...docker, '/etc/docker/daemon.json': '{' } },
      'dockerd',
      'limited',
      /cannot be read/,
    ],
    [
      'containerd',
      { tree: { '/usr/bin/containerd': 'program' } },
      'containerd',
      'limited',
      /names no snapshotter/,
    ],
    [
      'containerd with a snapshotter for fuse-overlayfs',
      { tree: { ...containerd, '/usr/bin/fuse-overlayfs': `-> ../..${LAUNCHER}` } },
      'containerd',
      'ok',
      /uses tsoverlayfs, by \/usr\/bin\/fuse-overlayfs/,
    ],
    [
      'containerd with another fuse-overlayfs',
      { tree: { ...containerd, '/usr/bin/fuse-overlayfs': 'program' } },
      'containerd',
      'limited',
      /uses \/usr\/bin\/fuse-overlayfs/,
    ],
    ['containerd with none', { tree: containerd }, 'containerd', 'missing', /not in PATH/],
    [
      'containerd and us',
      {
        tree: {
          '/usr/bin/containerd': 'program',
          '/etc/containerd/config.toml': '[proxy_plugins.tsoverlayfs]',
        },
      },
      'containerd',
      'ok',
      /uses tsoverlayfs/,
    ],
  ]
  for (const [title, about, engine, status, found] of cases) {
    t.test(title, (t) => {
      const report = visit(t, { run, ...about })
      const seen = line(report, `engine.${engine}`)
      t.equal(seen.status, status, seen.found)
      t.match(seen.found, found)
      t.equal(seen.remedy === null, status === 'ok', 'a line that is not ok says what to do')
      t.ok(report.facts[engine])
      t.end()
    })
  }
  t.end()
})

await t.test('directories of this machine', (t) => {
  const machine: Machine = {
    ...fakeHost(t),
    root: '',
    launcher: null,
    run: () => ({ code: 0, stdout: '', stderr: '' }),
  }
  t.match(line(examine(machine, '/proc'), 'directory').found, /cannot be written \(E/)
  const { root } = fakeHost(t)
  const report = examine(machine, root)
  for (const id of [
    'file-system',
    'trusted-xattrs',
    'user-xattrs',
    'whiteouts',
    'tmpfile',
    'rename-noreplace',
    'rename-exchange',
    'file-handles',
  ]) {
    const { status, found, remedy } = line(report, id)
    t.ok(status === 'ok' || (found !== '' && remedy !== null), `${id}: ${found}`)
  }
  t.strictSame(readdirSync(root), [])
  t.end()
})

await t.test('the command', (t) => {
  const { root } = fakeHost(t)
  const doctor = (
    ...words: readonly string[]
  ): { code: number | null; stdout: string; stderr: string } => {
    const { status, stdout, stderr } = spawnSync(
      `${CHECKOUT}/bin/tsoverlayfs`,
      ['doctor', ...words],
      { encoding: 'utf8', timeout: 60_000 },
    )
    return { code: status, stdout, stderr }
  }
  const { code, stdout } = doctor('--json', root)
  const report = JSON.parse(stdout) as Report
  t.equal(code, report.healthy ? 0 : 1)
  t.equal(report.directory, root)
  t.match(line(report, 'kernel').found, /^\d+\.\d+/)
  t.equal(line(report, 'directory').status, 'ok')
  t.strictSame(readdirSync(root), [], 'it leaves nothing behind')

  const missing = doctor(`${root}/nowhere`)
  t.equal(missing.code, 1)
  t.match(
    missing.stdout,
    /^NO {2}directory +\S*nowhere: no such directory\n +-> give one that exists$/m,
  )
  t.equal(doctor('--nonsense').code, 2)

  const copy = `${root}/copy`
  for (const name of ['', '/bin', '/dist']) mkdirSync(copy + name)
  copyFileSync(`${CHECKOUT}/bin/tsoverlayfs`, `${copy}/bin/tsoverlayfs`)
  for (const name of readdirSync(`${CHECKOUT}/dist`)) {
    const from = `${CHECKOUT}/dist/${name}`
    if (statSync(from).isFile()) copyFileSync(from, `${copy}/dist/${name}`)
  }
  for (const words of [['doctor'], ['mount', '-o', 'lowerdir=/', '/mnt']]) {
    const { status, stderr } = spawnSync(`${copy}/bin/tsoverlayfs`, words, { encoding: 'utf8' })
    t.equal(status, 1)
    t.match(
      stderr,
      /^tsoverlayfs: koffi.* does not load \(.*\): install tsoverlayfs anew on this machine\n$/,
    )
  }
  t.end()
})
