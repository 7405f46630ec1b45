// @ts-check
// What is measured: ourselves, kernel overlayfs, other FUSE overlays, and a plain directory. A
// subject turns layers into a directory that can be worked in, and takes it down again.
import { createRequire } from 'node:module'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { daemonsOf, findProgram, isAlive, run, serverOf, sleep } from './processes.mjs'

/**
 * @typedef {object} Layers
 * @property {string[]} lowers top-most first
 * @property {string} base a fresh empty directory: upper, work and the mount point are made in it
 * @property {string} [cwd] directory that relative lowers start from
 */
/**
 * @typedef {object} Mounted
 * @property {string} dir
 * @property {number | null} daemon process id of the server, null when the kernel serves
 * @property {number} readySeconds from the start of the mount command to a first answer
 * @property {string} upper where new files go
 */
/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {string} title with version and options
 * @property {'ours' | 'kernel' | 'peer' | 'bare'} kind
 * @property {boolean} variant measured on data workloads only
 * @property {(layers: Layers) => Promise<Mounted>} mount
 * @property {(mounted: Mounted) => Promise<void>} unmount
 */

/** @param {Layers} layers */
function makeUpper(layers) {
  const dirs = {
    upper: join(layers.base, 'upper'),
    work: join(layers.base, 'work'),
    merged: join(layers.base, 'merged'),
  }
  for (const dir of Object.values(dirs)) mkdirSync(dir, { recursive: true })
  return dirs
}

/** @param {string} dir */
function isMounted(dir) {
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${dir} `)
}

/**
 * Take a mount down and wait until its server has ended, as the next sample must not share the CPU
 * with it.
 * @param {Mounted} mounted
 */
async function unmount(mounted) {
  const daemons = mounted.daemon === null ? [] : daemonsOf(mounted.dir)
  for (let attempt = 0; isMounted(mounted.dir); attempt++) {
    try {
      await run('umount', [mounted.dir], { cpus: null })
    } catch (cause) {
      if (attempt === 20) throw cause
      await sleep(100)
    }
  }
  for (let waitedMs = 0; daemons.some(isAlive); waitedMs += 5) {
    if (waitedMs > 10_000) {
      const left = daemons.filter(isAlive)
      for (const pid of left) process.kill(pid, 'SIGKILL')
      throw new Error(`${mounted.dir}: its server (${left.join(', ')}) outlived the mount by 10 s`)
    }
    await sleep(5)
  }
}

/** Undo a mount whose owner is gone; for the clean-up after a failure. @param {string} dir */
export async function forceUnmount(dir) {
  const daemons = daemonsOf(dir)
  while (isMounted(dir)) await run('umount', ['-l', dir], { cpus: null })
  for (const pid of daemons.filter(isAlive)) process.kill(pid, 'SIGKILL')
}

/**
 * @param {{ program: string, words: string[], extra: string, cpus: string | null }} how
 * @param {Layers} layers
 * @returns {Promise<Mounted>}
 */
async function mountProgram(how, layers) {
  const { upper, work, merged } = makeUpper(layers)
  const options = [`lowerdir=${layers.lowers.join(':')}`, `upperdir=${upper}`, `workdir=${work}`]
  if (how.extra !== '') options.push(how.extra)
  const begin = process.hrtime.bigint()
  await run(how.program, [...how.words, '-o', options.join(','), merged], {
    cpus: how.cpus,
    cwd: layers.cwd ?? layers.base,
  })
  statSync(merged)
  const readySeconds = Number(process.hrtime.bigint() - begin) / 1e9
  const daemon = how.words.includes('overlay') ? null : serverOf(merged)
  if (daemon === undefined) throw new Error(`${how.program}: no server process for ${merged}`)
  return { dir: merged, daemon, readySeconds, upper }
}

/** @returns {Subject} */
function kernelSubject() {
  const how = { program: 'mount', words: ['-t', 'overlay', 'overlay'], extra: '', cpus: null }
  return {
    name: 'kernel',
    title: 'kernel overlayfs, default options',
    kind: 'kernel',
    variant: false,
    mount: (layers) => mountProgram(how, layers),
    unmount,
  }
}

/** @returns {Subject} a copy of the lower layer, worked in directly */
function bareSubject() {
  return {
    name: 'bare',
    title: 'the plain directory',
    kind: 'bare',
    variant: false,
    async mount(layers) {
      const dir = join(layers.base, 'merged')
      mkdirSync(dir, { recursive: true })
      for (const lower of [...layers.lowers].reverse()) {
        const from = layers.cwd === undefined ? lower : join(layers.cwd, lower)
        await run('cp', ['-a', '--reflink=auto', `${from}/.`, dir], { cpus: null })
      }
      return { dir, daemon: null, readySeconds: 0, upper: dir }
    },
    unmount: async () => {},
  }
}

/** @param {string} program @returns {Promise<string>} the first line with a version in it */
export async function versionOf(program) {
  const { stdout } = await run(program, ['--version'], { keepOutput: true, cpus: null })
  const lines = stdout.split('\n').filter((line) => /\d+\.\d+/.test(line))
  const own = lines.find((line) => line.startsWith(basename(program)))
  return /\d+(\.\d+)+\S*/.exec(own ?? lines[0] ?? '')?.[0] ?? 'unknown version'
}

/**
 * @param {{ program: string, name: string, kind: 'ours' | 'peer', extra: string,
 *   variant: boolean, cpus: string | null }} spec
 * @returns {Promise<Subject>}
 */
async function programSubject(spec) {
  const version = await versionOf(spec.program)
  const how = { program: spec.program, words: [], extra: spec.extra, cpus: spec.cpus }
  return {
    name: spec.name,
    title: `${spec.name} ${version}${spec.extra === '' ? '' : `, ${spec.extra}`}`,
    kind: spec.kind,
    variant: spec.variant,
    mount: (layers) => mountProgram(how, layers),
    unmount,
  }
}

/** Ourselves through libfuse 2. */
const LIBFUSE = 'libfuse'

/** @returns {string | null} why libfuse cannot be measured here */
function libfuseMissing() {
  const require = createRequire(import.meta.url)
  try {
    require('fuse-native')
    return null
  } catch (cause) {
    const [reason] = String(cause instanceof Error ? cause.message : cause).split('\n')
    return `${reason}; apt-get install libfuse2 && npm rebuild fuse-native`
  }
}

/**
 * Everything that can be measured here, and why the rest cannot.
 * @param {import('./arguments.mjs').Arguments} args
 * @param {string} defaultCandidate
 */
export async function findSubjects(args, defaultCandidate) {
  /** @type {Subject[]} */
  const subjects = []
  /** @type {string[]} */
  const missing = []
  const cpus = args.pin?.daemon ?? null
  const candidate = args.candidate ?? defaultCandidate
  const wanted = (/** @type {string} */ name) =>
    args.subjects.length === 0 || args.subjects.includes(name)

  /** Ourselves through libfuse 2; slow, so in a quick run only if it is asked for. */
  const addLibfuse = async () => {
    const reason = libfuseMissing()
    if (reason !== null) missing.push(`${LIBFUSE}: ${reason}`)
    else {
      const extra = 'transport=libfuse'
      const kind = /** @type {const} */ ('ours')
      const spec = { program: candidate, name: LIBFUSE, kind, extra, variant: false, cpus }
      subjects.push(await programSubject(spec))
    }
  }

  if (wanted('tsoverlayfs')) {
    if (existsSync(candidate)) {
      const base = { program: candidate, kind: /** @type {const} */ ('ours'), cpus }
      subjects.push(
        await programSubject({ ...base, name: 'tsoverlayfs', extra: '', variant: false }),
      )
      for (const extra of args.variants) {
        const name = `tsoverlayfs ${extra}`
        const variant = args.dataVariantsOnly
        subjects.push(await programSubject({ ...base, name, extra, variant }))
      }
    } else missing.push(`tsoverlayfs: ${candidate} does not exist; run npm run build`)
  }
  const isNamed = args.subjects.includes(LIBFUSE)
  if (existsSync(candidate) && (isNamed || (wanted(LIBFUSE) && !args.quick))) await addLibfuse()
  if (wanted('kernel')) {
    if (readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')) {
      subjects.push(kernelSubject())
    } else missing.push('kernel: /proc/filesystems has no overlay; modprobe overlay')
  }
  const peers = args.peers.length > 0 ? args.peers : ['fuse-overlayfs']
  for (const peer of peers) {
    const program = findProgram(peer)
    const name = peers.length === 1 ? basename(peer) : `${basename(peer)}#${peers.indexOf(peer)}`
    if (!wanted(name)) continue
    if (program === null) missing.push(`${peer}: not found; apt-get install fuse-overlayfs`)
    else {
      const kind = /** @type {const} */ ('peer')
      subjects.push(await programSubject({ program, name, kind, extra: '', variant: false, cpus }))
    }
  }
  if (wanted('bare')) subjects.push(bareSubject())
  return { subjects, missing }
}
