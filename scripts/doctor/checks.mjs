// @ts-check
// What the test suites need besides what `tsoverlayfs doctor` looks at, and the suites by their needs.
// A check looks, changes nothing, and says what it found and what would help; what later needs ask
// for goes into `facts`.
import * as fs from 'node:fs'
import { join } from 'node:path'

/**
 * @typedef {Record<string, boolean>} Facts what was found, by the names that suites ask for
 *
 * @typedef {object} Finding
 * @property {'ok' | 'limited' | 'missing'} status limited: works, with something less
 * @property {string} found
 * @property {string | null} remedy
 *
 * @typedef {Finding & { title: string }} Line
 *
 * @typedef {object} Check
 * @property {string} title
 * @property {(facts: Facts) => Finding} look
 */

/** @type {Check} */
const kernelOverlay = {
  title: 'kernel overlayfs',
  look(facts) {
    const listed = fs.readFileSync('/proc/filesystems', 'latin1').includes('\toverlay\n')
    facts['kernel overlayfs'] = listed
    if (listed) return { status: 'ok', found: 'present (to compare with)', remedy: null }
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
    for (const name of names) facts[name] = programPath(name) !== null
    const absent = names.filter((name) => !facts[name])
    if (absent.length === 0) return { status: 'ok', found: 'all present', remedy: null }
    const remedy = 'install those whose suites you want to run'
    return { status: 'limited', found: `absent: ${absent.join(', ')}`, remedy }
  },
}

/** Every check, in the order of the report. */
export const repositoryChecks = [kernelOverlay, programs]

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

/** @param {string} name */
function programPath(name) {
  const places = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  const path = places
    .map((place) => join(place, name))
    .find((candidate) => fs.existsSync(candidate))
  return path ?? null
}
