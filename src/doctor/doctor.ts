/** Everything the doctor looks at, in the order of the report, and the verdict. */
import { at } from '../install/host.js'
import { NODE_PLACES } from '../install/launcher.js'
import { FsError } from '../sys/errno.js'
import { isProgram } from '../sys/files.js'
import { checkEngines, checkMountHelper } from './engines.js'
import { type Finding, type Line, limited, ok } from './finding.js'
import { checkAllowOther, checkDevice, checkFusermount } from './fuse.js'
import { checkKernel, checkPassthrough, checkPrivilege, checkUserNamespaces } from './kernel.js'
import { checkDirectory } from './layer-directory.js'
import type { Facts, Machine, Visit } from './machine.js'
import { checkMount } from './trial.js'

/** What was found. */
export interface Report {
  /** No line is `missing`. */
  readonly healthy: boolean
  readonly directory: string
  readonly checks: readonly Line[]
  readonly facts: Facts
}

function checkNode({ machine }: Visit): Finding {
  const found = `${process.version} at ${process.execPath}`
  if (NODE_PLACES.some((place) => isProgram(at(machine, place)))) return ok(found)
  return limited(
    `${found}, where services do not find it`,
    `as root: ln -s ${process.execPath} /usr/local/bin/node, or set TSOVERLAYFS_NODE for engines`,
  )
}

type Check = readonly [id: string, title: string, look: (visit: Visit) => Finding]

const BEFORE: readonly Check[] = [
  ['kernel', 'kernel', checkKernel],
  ['node', 'Node.js', checkNode],
  ['fuse-device', '/dev/fuse', checkDevice],
  ['privilege', 'privilege', checkPrivilege],
  ['fusermount3', 'fusermount3', checkFusermount],
  ['user-namespaces', 'user namespaces', checkUserNamespaces],
  ['allow-other', 'access for other users', checkAllowOther],
]

/** What this process may not see is no reason to end the report. */
function attempt(check: Check[2], visit: Visit): Finding {
  try {
    return check(visit)
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return limited(`cannot be told: ${error.message}`, 'run it as root')
  }
}

/** Look at a machine. @param directory absolute path where layers would lie */
export function examine(machine: Machine, directory: string): Report {
  const facts: Facts = { node: true, koffi: true }
  const visit: Visit = { machine, directory, facts }
  const look = ([id, title, check]: Check): Line => ({ id, title, ...attempt(check, visit) })
  const checks = BEFORE.map(look)
  const layers = checkDirectory(visit)
  checks.push(...layers)
  if (layers[0]?.status !== 'missing') {
    checks.push(look(['passthrough', 'passthrough', checkPassthrough]))
    checks.push(look(['mount', 'trial mount', checkMount]))
  }
  checks.push(...checkEngines(visit))
  checks.push(look(['mount-helper', 'mount(8)', checkMountHelper]))
  const healthy = checks.every(({ status }) => status !== 'missing')
  return { healthy, directory, checks, facts }
}

const SIGNS = { ok: 'ok', limited: '--', missing: 'NO' } as const

/** A report as lines for people. */
export function showReport({ checks, healthy }: Report): string[] {
  const width = 2 + Math.max(...checks.map(({ title }) => title.length))
  const lines = checks.flatMap(({ status, title, found, remedy }) => {
    const line = `${SIGNS[status]}  ${title.padEnd(width)}${found}`
    return remedy === null ? [line] : [line, `    ${''.padEnd(width)}-> ${remedy}`]
  })
  const verdict = healthy
    ? 'tsoverlayfs works here.'
    : 'Something is missing: see the lines that begin with NO.'
  return [...lines, '', verdict]
}
