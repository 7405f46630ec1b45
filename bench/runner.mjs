// @ts-check
// One sample: fresh layers, a mount, the workload, the mount gone again. Owns every directory and
// mount of the run, and can remove them all at any moment.
import { createHash } from 'node:crypto'
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { emptyLayer } from './fixtures.mjs'
import { cacheDrops } from './machine.mjs'
import { endChildren, run } from './processes.mjs'
import { forceUnmount } from './subjects.mjs'

const clientProgram = fileURLToPath(new URL('client.mjs', import.meta.url))

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {string} title
 * @property {'s' | 'ms' | 'us' | 'MB/s' | 'MiB' | 'bytes' | 'count'} unit
 * @property {'lower' | 'higher'} [better] default: lower
 */
/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} group metadata, tree, data, program, service or scale
 * @property {readonly string[]} [programs] what must be in PATH
 * @property {boolean} [slow] only with --scale
 * @property {boolean} [mountsOnly] says nothing about a plain directory
 * @property {boolean} [daemonsOnly] says nothing where the kernel serves
 * @property {readonly Row[]} rows
 * @property {(size: Size) => import('./fixtures.mjs').Fixture} [lower] absent: an empty layer
 * @property {boolean} [ownMounts] mounts by itself; `run` is given no mounted tree
 * @property {(context: Context) => Promise<Record<string, number>>} run one figure for each row
 */
/** @typedef {(full: number, quick: number) => number} Size */
/**
 * @typedef {object} Context
 * @property {string} dir the tree under test
 * @property {import('./subjects.mjs').Subject} subject
 * @property {import('./subjects.mjs').Mounted} mounted
 * @property {string} lower the lower layer's directory
 * @property {string} scratch an empty directory outside the tree under test
 * @property {Size} size
 * @property {(operation: string, options?: object, dir?: string) => Promise<any>} client
 * @property {(program: string, args: string[], options?: import('./processes.mjs').RunOptions)
 *   => Promise<number>} time seconds that a program takes
 * @property {() => Promise<string[]>} names the lower layer's files, relative, sorted
 * @property {() => Promise<void>} dropCaches
 * @property {() => Promise<void>} dropInodes
 * @property {(fixture: import('./fixtures.mjs').Fixture) => Promise<string>} template
 * @property {(lowers: string[], cwd?: string) => Promise<import('./subjects.mjs').Mounted>} mount
 * @property {(mounted: import('./subjects.mjs').Mounted) => Promise<void>} unmount
 */

/** @param {string} dir every file's identity and times: any change to a layer changes this */
function signatureOf(dir) {
  const hash = createHash('sha256')
  const walk = (/** @type {string} */ path) => {
    const stat = lstatSync(path, { bigint: true })
    hash.update(`${path}\0${stat.ino} ${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ctimeNs}\0`)
    if (stat.isDirectory()) for (const name of readdirSync(path).sort()) walk(join(path, name))
  }
  walk(dir)
  return hash.digest('hex')
}

/** @param {string} dir @param {string} [below] @returns {string[]} relative file names, sorted */
function fileNames(dir, below = '') {
  const entries = readdirSync(join(dir, below), { withFileTypes: true })
  return entries
    .flatMap((entry) => {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isDirectory()) return fileNames(dir, name)
      return entry.isFile() ? [name] : []
    })
    .sort()
}

export class Runner {
  /** @param {{ parent: string, quick: boolean }} options */
  constructor({ parent, quick }) {
    this.root = realpathSync(mkdtempSync(join(parent, 'tsoverlayfs-bench-')))
    this.quick = quick
    this.counter = 0
    this.ownDrops = 0
    this.closed = false
    /** @type {Set<string>} */
    this.mounts = new Set()
    /** @type {Map<string, Promise<string>>} */
    this.templates = new Map()
    /** @type {Map<string, { dir: string, signature: string }>} */
    this.roundLowers = new Map()
    /** @type {string[]} */
    this.changedLowers = []
    for (const dir of ['templates', 'lowers', 'mounts']) mkdirSync(join(this.root, dir))
  }

  /** @param {import('./fixtures.mjs').Fixture} fixture @returns {Promise<string>} built once */
  template(fixture) {
    const known = this.templates.get(fixture.key)
    if (known !== undefined) return known
    const build = async () => {
      const dir = join(this.root, 'templates', fixture.key)
      mkdirSync(dir)
      await fixture.build(dir)
      return dir
    }
    const built = build()
    this.templates.set(fixture.key, built)
    return built
  }

  /** @param {import('./fixtures.mjs').Fixture} fixture @returns {Promise<string>} this round's copy */
  async roundLower(fixture) {
    const known = this.roundLowers.get(fixture.key)
    if (known !== undefined) return known.dir
    const dir = join(this.root, 'lowers', fixture.key)
    await run('cp', ['-a', '--reflink=auto', await this.template(fixture), dir], { cpus: null })
    this.roundLowers.set(fixture.key, { dir, signature: signatureOf(dir) })
    return dir
  }

  /** Remove this round's lowers, having looked whether somebody wrote to them. */
  endRound() {
    for (const [key, { dir, signature }] of this.roundLowers) {
      if (signatureOf(dir) !== signature) this.changedLowers.push(key)
      rmSync(dir, { recursive: true, force: true })
    }
    this.roundLowers.clear()
  }

  async dropCaches() {
    await run('sync', [], { cpus: null })
    writeFileSync('/proc/sys/vm/drop_caches', '3')
    this.ownDrops++
  }

  /** Let the kernel forget names and inodes, but not file data. */
  async dropInodes() {
    writeFileSync('/proc/sys/vm/drop_caches', '2')
    this.ownDrops++
  }

  /** A fresh directory under `mounts`. */
  freshBase() {
    if (this.closed) throw new Error('the run has been stopped')
    const base = join(this.root, 'mounts', String(this.counter++))
    mkdirSync(base)
    return base
  }

  /**
   * @param {import('./subjects.mjs').Subject} subject
   * @param {string[]} lowers
   * @param {string} [cwd]
   */
  async mount(subject, lowers, cwd) {
    const base = this.freshBase()
    this.mounts.add(join(base, 'merged'))
    return subject.mount({ lowers, base, ...(cwd === undefined ? {} : { cwd }) })
  }

  /**
   * @param {import('./subjects.mjs').Subject} subject
   * @param {import('./subjects.mjs').Mounted} mounted
   */
  async unmount(subject, mounted) {
    await subject.unmount(mounted)
    this.mounts.delete(mounted.dir)
    rmSync(join(mounted.dir, '..'), { recursive: true, force: true })
  }

  /**
   * @param {Workload} workload
   * @param {import('./subjects.mjs').Subject} subject
   * @returns {Promise<{ figures: Record<string, number>, disturbed: boolean }>}
   */
  async sample(workload, subject) {
    const size = (/** @type {number} */ full, /** @type {number} */ quick) =>
      this.quick ? quick : full
    const fixture = workload.lower?.(size) ?? emptyLayer
    const lower = await this.roundLower(fixture)
    const scratch = this.freshBase()
    const before = cacheDrops() - this.ownDrops
    const nothing = { dir: '', daemon: null, readySeconds: 0, upper: '' }
    const mounted = workload.ownMounts ? nothing : await this.mount(subject, [lower])
    /** @type {Context} */
    const context = {
      dir: mounted.dir,
      subject,
      mounted,
      lower,
      scratch,
      size,
      client: (operation, options = {}, dir = mounted.dir) => client(operation, dir, options),
      time: async (program, args, options) => (await run(program, args, options)).seconds,
      names: async () => fileNames(await this.template(fixture)),
      dropCaches: () => this.dropCaches(),
      dropInodes: () => this.dropInodes(),
      template: (other) => this.template(other),
      mount: (lowers, cwd) => this.mount(subject, lowers, cwd),
      unmount: (other) => this.unmount(subject, other),
    }
    try {
      const figures = await workload.run(context)
      return { figures, disturbed: cacheDrops() - this.ownDrops !== before }
    } finally {
      if (!workload.ownMounts) await this.unmount(subject, mounted)
      rmSync(scratch, { recursive: true, force: true })
    }
  }

  /** Remove mounts that a failed sample left, so that the next one starts clean. */
  async sweep() {
    for (const dir of this.mounts) await forceUnmount(dir)
    this.mounts.clear()
  }

  /** Leave nothing behind: processes, mounts, directories. */
  async close() {
    this.closed = true
    endChildren()
    await this.sweep()
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** @param {string} operation @param {string} dir @param {object} options */
async function client(operation, dir, options) {
  const args = [clientProgram, operation, dir, JSON.stringify(options)]
  const { stdout } = await run(process.execPath, args, { keepOutput: true })
  return JSON.parse(stdout)
}
