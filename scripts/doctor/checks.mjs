// @ts-check
// What a host must have, as a list of checks in the order in which they are reported. A check looks,
// changes nothing that stays, and says what it found and what would help. Facts that later checks
// and the verdict need go into `facts`.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { xattr } from '../xattr.mjs'

/**
 * @typedef {object} Facts
 * @property {string} directory where layers would lie
 * @property {Record<string, boolean>} has what was found, by the names that suites ask for
 *
 * @typedef {object} Finding
 * @property {'ok' | 'limited' | 'missing'} status limited: works, with something less
 * @property {string} found
 * @property {string} [remedy]
 *
 * @typedef {object} Check
 * @property {string} title
 * @property {(facts: Facts) => Finding} look
 */

const capSysAdmin = 21

/** @type {Check} */
const kernel = {
  title: 'kernel',
  look(facts) {
    const release = fs.readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim()
    const [major = 0, minor = 0] = release.split('.').map((part) => Number.parseInt(part, 10))
    const atLeast = (/** @type {number} */ a, /** @type {number} */ b) =>
      major > a || (major === a && minor >= b)
    facts.has['kernel'] = atLeast(5, 4)
    facts.has['kernel 6.9'] = atLeast(6, 9)
    if (!atLeast(5, 4)) {
      return {
        status: 'missing',
        found: release,
        remedy: 'Linux 5.4 (FUSE 7.31) or later is needed',
      }
    }
    if (atLeast(6, 9)) return { status: 'ok', found: release }
    return {
      status: 'limited',
      found: `${release}: no FUSE passthrough, file data goes through the daemon`,
      remedy: 'Linux 6.9 or later reads and writes at the speed of the disk',
    }
  },
}

/** @type {Check} */
const nodeRuntime = {
  title: 'Node.js',
  look(facts) {
    const found = `${process.version} on ${process.platform}-${process.arch}`
    facts.has['node'] =
      process.platform === 'linux' && Number.parseInt(process.versions.node, 10) >= 20
    if (facts.has['node']) return { status: 'ok', found }
    return { status: 'missing', found, remedy: 'Node 20 or later on Linux is needed' }
  },
}

/** @type {Check} */
const nativeCalls = {
  title: 'system calls (koffi)',
  look(facts) {
    try {
      createRequire(import.meta.url)('koffi').load(null)
      facts.has['koffi'] = true
      return { status: 'ok', found: 'loads' }
    } catch (error) {
      return {
        status: 'missing',
        found: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
        remedy: 'run "npm ci" on this machine: koffi has a prebuilt binary per platform',
      }
    }
  },
}

/** @type {Check} */
const fuseDevice = {
  title: '/dev/fuse',
  look(facts) {
    try {
      fs.closeSync(fs.openSync('/dev/fuse', 'r+'))
      facts.has['fuse'] = true
      return { status: 'ok', found: 'opens' }
    } catch (error) {
      const code = codeOf(error)
      const remedies = {
        ENOENT: 'run "modprobe fuse" as root; in a container, start it with --device /dev/fuse',
        ENODEV: 'run "modprobe fuse" as root',
        EACCES: 'as root: chmod 0666 /dev/fuse (what udev usually sets), or run as root',
        EPERM: 'the device is not allowed in this container: start it with --device /dev/fuse',
      }
      const remedy = remedies[/** @type {keyof typeof remedies} */ (code)] ?? 'see dmesg'
      return { status: 'missing', found: code, remedy }
    }
  },
}

/** @type {Check} */
const privilege = {
  title: 'privilege',
  look(facts) {
    const status = fs.readFileSync('/proc/self/status', 'latin1')
    const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
    const admin = ((effective >> BigInt(capSysAdmin)) & 1n) === 1n
    const map = fs.readFileSync('/proc/self/uid_map', 'latin1').trim().split(/\s+/)
    const initial = map.join(' ') === '0 0 4294967295'
    facts.has['admin'] = admin
    facts.has['root'] = admin && initial
    const where = initial ? 'the initial user namespace' : 'a user namespace'
    const found = `uid ${process.getuid?.() ?? '?'} in ${where}, ${admin ? 'with' : 'without'} CAP_SYS_ADMIN`
    if (facts.has['root']) return { status: 'ok', found }
    return { status: 'limited', found, remedy: 'root gets passthrough and all test suites' }
  },
}

/** @type {Check} */
const fusermount = {
  title: 'fusermount3',
  look(facts) {
    const path = programPath('fusermount3')
    if (path === null) {
      return needlessForRoot(facts, 'not installed', 'install fuse3 for mounts by ordinary users')
    }
    const isSetuid = (fs.statSync(path).mode & 0o4000) !== 0
    facts.has['fusermount3'] = isSetuid
    if (isSetuid) return { status: 'ok', found: path }
    return needlessForRoot(facts, `${path}, not setuid`, `as root: chmod u+s ${path}`)
  },
}

/** @type {Check} */
const userNamespaces = {
  title: 'user namespaces',
  look(facts) {
    const command = ['unshare', '--user', '--map-root-user', '--mount', 'true']
    const trial = spawnSync(command[0] ?? '', command.slice(1), { encoding: 'utf8', timeout: 5000 })
    facts.has['userns'] = trial.status === 0
    facts.has['root or a user namespace'] = facts.has['userns'] || facts.has['admin'] === true
    if (trial.status === 0) return { status: 'ok', found: 'can be made' }
    const reason = trial.error?.message ?? trial.stderr.trim()
    const remedy = `as root: ${namespaceRemedy()}`
    return { status: 'limited', found: `cannot be made (${reason})`, remedy }
  },
}

/** @type {Check} */
const allowOther = {
  title: 'access for other users',
  look(facts) {
    if (facts.has['admin']) return { status: 'ok', found: 'allow_other is ours to give' }
    const text = fs.existsSync('/etc/fuse.conf') ? fs.readFileSync('/etc/fuse.conf', 'latin1') : ''
    if (/^\s*user_allow_other\s*$/m.test(text))
      return { status: 'ok', found: 'user_allow_other is set' }
    return {
      status: 'limited',
      found: 'only the mounting user can enter a mount made through fusermount3',
      remedy: 'as root: add the line user_allow_other to /etc/fuse.conf',
    }
  },
}

/** @type {Check} */
const layerFilesystem = {
  title: 'file system for layers',
  look(facts) {
    const probe = probeDirectory(facts.directory)
    Object.assign(facts.has, probe)
    const lacking = Object.entries(probe).filter(([, has]) => !has)
    const found = `${facts.directory}: ${Object.entries(probe)
      .map(([name, has]) => `${name} ${has ? 'yes' : 'no'}`)
      .join(', ')}`
    const canMark = probe['trusted xattrs'] === true || probe['user xattrs'] === true
    if (canMark && probe['whiteouts'] === true) {
      return lacking.length === 0 ? { status: 'ok', found } : { status: 'limited', found }
    }
    const remedy =
      'choose another directory for upperdir and workdir (doctor takes one as argument): ext4, xfs, btrfs or tmpfs'
    return { status: 'limited', found, remedy }
  },
}

/** @type {Check} */
const passthrough = {
  title: 'passthrough',
  look(facts) {
    if (!facts.has['kernel 6.9']) {
      return { status: 'limited', found: 'no: the kernel has none', remedy: 'Linux 6.9 or later' }
    }
    if (!facts.has['root']) {
      const found = 'no: it needs CAP_SYS_ADMIN in the initial user namespace'
      return { status: 'limited', found, remedy: 'run as root; all else works without it' }
    }
    facts.has['passthrough'] = true
    const stacked = isStacked(facts.directory)
    const found = stacked ? 'yes, on a stacked file system: no kernel overlay on top' : 'yes'
    return { status: 'ok', found }
  },
}

/** @type {Check} */
const kernelOverlay = {
  title: 'kernel overlayfs',
  look(facts) {
    const listed = fs.readFileSync('/proc/filesystems', 'latin1').includes('\toverlay\n')
    facts.has['kernel overlayfs'] = listed
    if (listed) return { status: 'ok', found: 'present (to compare with)' }
    const found = 'not loaded: nothing to compare with'
    return { status: 'limited', found, remedy: 'as root: modprobe overlay' }
  },
}

/** Programs that suites and the benchmark run. @type {Check} */
const programs = {
  title: 'programs for the suites',
  look(facts) {
    const names = ['fuse-overlayfs', 'podman', 'buildah', 'docker', 'containerd', 'gcc', 'make']
    names.push('git', 'rsync', 'sqlite3', 'tar')
    for (const name of names) facts.has[name] = programPath(name) !== null
    const absent = names.filter((name) => !facts.has[name])
    if (absent.length === 0) return { status: 'ok', found: 'all present' }
    const remedy = 'install those whose suites you want to run'
    return { status: 'limited', found: `absent: ${absent.join(', ')}`, remedy }
  },
}

/** Every check, in the order of the report. */
export const checks = [
  kernel,
  nodeRuntime,
  nativeCalls,
  fuseDevice,
  privilege,
  fusermount,
  userNamespaces,
  allowOther,
  layerFilesystem,
  passthrough,
  kernelOverlay,
  programs,
]

/** What each suite needs, by the names in Facts.has. */
export const suites = /** @type {const} */ ([
  { command: 'npm test', needs: ['node', 'koffi'] },
  { command: 'npm run demo', needs: ['koffi', 'fuse', 'root or a user namespace'] },
  { command: 'npm run test:posix', needs: ['koffi', 'fuse', 'root'] },
  { command: 'npm run test:differential', needs: ['koffi', 'fuse', 'root', 'kernel overlayfs'] },
  {
    command: 'npm run test:programs',
    needs: ['koffi', 'fuse', 'root', 'gcc', 'git', 'rsync', 'sqlite3'],
  },
  { command: 'npm run test:fault', needs: ['koffi', 'fuse', 'root'] },
  { command: 'npm run test:engines', needs: ['koffi', 'fuse', 'root', 'podman', 'buildah'] },
  {
    command: 'npm run bench',
    needs: ['koffi', 'fuse', 'root', 'kernel overlayfs', 'fuse-overlayfs'],
  },
])

/**
 * Why nothing can be mounted here, or null.
 * @param {Facts} facts
 */
export function whyNoMount(facts) {
  const basics = ['kernel', 'node', 'koffi', 'fuse'].filter((name) => !facts.has[name])
  if (basics.length > 0) return `missing: ${basics.join(', ')}`
  if (facts.has['admin'] || facts.has['fusermount3'] || facts.has['userns']) return null
  return 'neither root, nor fusermount3, nor user namespaces'
}

/** @param {string} directory @returns {Record<string, boolean>} */
function probeDirectory(directory) {
  const probe = fs.mkdtempSync(join(directory, 'tsoverlayfs-doctor-'))
  try {
    const file = join(probe, 'file')
    fs.writeFileSync(file, '')
    return {
      'trusted xattrs': xattr().set(file, 'trusted.overlay.origin', '') === null,
      'user xattrs': xattr().set(file, 'user.overlay.origin', '') === null,
      whiteouts: spawnSync('mknod', [join(probe, 'whiteout'), 'c', '0', '0']).status === 0,
    }
  } finally {
    fs.rmSync(probe, { recursive: true, force: true })
  }
}

/** Overlayfs, ecryptfs or FUSE below. @param {string} directory */
function isStacked(directory) {
  return [0x794c7630, 0xf15f, 0x65735546].includes(fs.statfsSync(directory).type)
}

/** @param {Facts} facts @param {string} found @param {string} remedy @returns {Finding} */
function needlessForRoot(facts, found, remedy) {
  if (facts.has['admin']) return { status: 'ok', found: `${found} (root does not need it)` }
  return { status: 'limited', found, remedy }
}

function namespaceRemedy() {
  const wanted = [
    ['kernel.unprivileged_userns_clone', '0', '1'],
    ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
    ['user.max_user_namespaces', '0', '10000'],
  ]
  const wrong = wanted.filter(([name = '', bad]) => {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`
    return fs.existsSync(path) && fs.readFileSync(path, 'latin1').trim() === bad
  })
  if (wrong.length === 0) return 'install util-linux; within a container, allow unshare(2)'
  return wrong.map(([name, , good]) => `sysctl -w ${name}=${good}`).join('; ')
}

/** @param {string} name */
function programPath(name) {
  const places = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  const path = places
    .map((place) => join(place, name))
    .find((candidate) => fs.existsSync(candidate))
  return path ?? null
}

/** @param {unknown} error */
function codeOf(error) {
  if (error instanceof Error && 'code' in error) return String(error.code)
  throw error
}
