/** The kernel: its version, what it lets this process do, and FUSE passthrough. */
import { gunzipSync } from 'node:zlib'
import { at } from '../install/host.js'
import { filesystemMagic, readText } from '../sys/files.js'
import { type Finding, limited, missing, ok } from './finding.js'
import type { Visit } from './machine.js'

const CAP_SYS_ADMIN = 21n

function release({ machine }: Visit): string {
  return readText(at(machine, '/proc/sys/kernel/osrelease'))?.trim() ?? ''
}

/** Version: what FUSE can do depends on it. */
export function checkKernel(visit: Visit): Finding {
  const found = release(visit)
  const [major = 0, minor = 0] = found.split('.').map((part) => Number.parseInt(part, 10))
  const atLeast = (a: number, b: number): boolean => major > a || (major === a && minor >= b)
  visit.facts['kernel'] = atLeast(5, 4)
  visit.facts['kernel 6.9'] = atLeast(6, 9)
  if (!atLeast(5, 4)) return missing(found, 'Linux 5.4 (FUSE 7.31) or later is needed')
  if (atLeast(6, 9)) return ok(found)
  return limited(
    `${found}: no FUSE passthrough, file data goes through the daemon`,
    'Linux 6.9 or later reads and writes at the speed of the disk',
  )
}

/** Who asks, and with what rights. */
export function checkPrivilege({ machine, facts }: Visit): Finding {
  const status = readText(at(machine, '/proc/self/status')) ?? ''
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0'}`)
  const admin = ((effective >> CAP_SYS_ADMIN) & 1n) === 1n
  const map = readText(at(machine, '/proc/self/uid_map'))?.trim().split(/\s+/) ?? []
  const initial = map.join(' ') === '0 0 4294967295'
  facts['admin'] = admin
  facts['root'] = admin && initial
  const where = initial ? 'the initial user namespace' : 'a user namespace'
  const found = `uid ${String(machine.uid)} in ${where}, ${admin ? 'with' : 'without'} CAP_SYS_ADMIN`
  return facts['root']
    ? ok(found)
    : limited(found, 'as root, file data need not pass through the daemon')
}

/** The kernel's build options as text; null when nobody tells. */
function kernelConfig(visit: Visit): string | null {
  const { machine } = visit
  const packed = readText(at(machine, '/proc/config.gz'))
  if (packed !== null) return gunzipSync(Buffer.from(packed, 'latin1')).toString('latin1')
  return readText(at(machine, `/boot/config-${release(visit)}`))
}

const STACKED: Readonly<Record<number, string>> = {
  0x794c7630: 'overlayfs',
  0xf15f: 'ecryptfs',
  0x65735546: 'FUSE',
}

/** Whether file data can go by the daemon. */
export function checkPassthrough(visit: Visit): Finding {
  const { facts, machine, directory } = visit
  if (!facts['kernel 6.9']) return limited('no: the kernel has none', 'Linux 6.9 or later')
  const config = kernelConfig(visit)
  if (config !== null && !/^CONFIG_FUSE_PASSTHROUGH=y$/m.test(config)) {
    return limited('no: the kernel is built without CONFIG_FUSE_PASSTHROUGH', 'another kernel')
  }
  if (!facts['root']) {
    return limited(
      'no: it needs CAP_SYS_ADMIN in the initial user namespace',
      'run as root; all else works without it',
    )
  }
  facts['passthrough'] = true
  const below = STACKED[filesystemMagic(at(machine, directory))]
  if (below !== undefined) {
    return limited(
      `yes, but ${directory} is on ${below}, which may refuse it file by file`,
      'keep layers on a disk file system',
    )
  }
  return ok(config === null ? 'yes, unless the kernel is built without it' : 'yes')
}

/** Whether ordinary users can make namespaces in which they may mount. */
export function checkUserNamespaces({ machine, facts }: Visit): Finding {
  const trial = machine.run('unshare', ['--user', '--map-root-user', '--mount', 'true'], 5000)
  facts['userns'] = trial.code === 0
  facts['root or a user namespace'] = trial.code === 0 || facts['admin'] === true
  if (trial.code === 0) return ok('can be made')
  const reason = trial.stderr.trim()
  const wanted = [
    ['kernel.unprivileged_userns_clone', '0', '1'],
    ['kernel.apparmor_restrict_unprivileged_userns', '1', '0'],
    ['user.max_user_namespaces', '0', '10000'],
  ] as const
  const wrong = wanted.filter(
    ([name, bad]) =>
      readText(at(machine, `/proc/sys/${name.replaceAll('.', '/')}`))?.trim() === bad,
  )
  const remedy =
    wrong.length === 0
      ? 'install util-linux; within a container, allow unshare(2)'
      : `as root: ${wrong.map(([name, , good]) => `sysctl -w ${name}=${good}`).join('; ')}`
  return limited(`cannot be made${reason === '' ? '' : ` (${reason})`}`, remedy)
}
