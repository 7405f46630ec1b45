/**
 * The place of one fault case: its lower layers, the upper it starts from, and what is on disk and to
 * be seen of it, through kernel overlayfs and through ours.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { O_DIRECTORY, O_RDONLY } from '../../../src/sys/constants.js'
import { ENODATA, errnoName } from '../../../src/sys/errno.js'
import { close, openPath } from '../../../src/sys/open.js'
import { isReadOnlyFs } from '../../../src/sys/stat.js'
import { removeXattr } from '../../../src/sys/xattr.js'
import { ageLayer, buildLayer, removeTree } from '../comparison.js'
import { Executor } from '../executor.js'
import { type LowerLabels, labelLowers } from '../inode-labels.js'
import type { Operation } from '../operation.js'
import { type Entry, type Snapshot, snapshotTree } from '../snapshot.js'
import { type MountRequest, optionText } from '../subject.js'
import { mount, unmount } from '../syscalls.js'
import { snapshotIndex, snapshotUpper } from '../upper-snapshot.js'
import type { FaultCase } from './case.js'
import type { FaultyDaemons } from './daemon.js'
import { copyTree } from './tree-copy.js'

/** An upper and a work directory. */
export interface Stage {
  readonly upper: string
  readonly work: string
}

/** What one state is, in every way to look at it. */
export interface State {
  readonly name: string
  readonly disk: Snapshot
  readonly kernel: Snapshot
  readonly ours: Snapshot
  /** What the mount shows on which the state came about; numbers may change at the next. */
  readonly live: Snapshot
}

function mustWork(result: number, what: string): void {
  if (result < 0) throw new Error(`${what}: ${errnoName(result)}`)
}

function directoryOf(stage: Stage): string {
  return stage.upper.slice(0, -'/upper'.length)
}

function indexOf(stage: Stage): string {
  return `${stage.work}/index`
}

/** It can be told in two ways, relative to upper's or to lower's; what it means, every look shows. */
function withoutUnionNlink(entry: Entry): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([field]) => field !== 'xattr nlink'))
}

/**
 * Copy a stage as one tree, since what is in the index has its names in upper. The copy's index
 * belongs to the copy's upper.
 */
function copyWithIndex(from: Stage, path: string, work: 'fresh' | 'copied'): void {
  copyTree(directoryOf(from), path)
  const fd = openPath(`${path}/work/index`, O_RDONLY | O_DIRECTORY)
  const removed = removeXattr(fd, '', 'trusted.overlay.upper')
  close(fd)
  if (removed !== -ENODATA) mustWork(removed, 'the mark of the index')
  if (work === 'fresh') rmSync(`${path}/work/work`, { recursive: true, force: true })
}

/** Directories and mounts of one case. */
export class Scene {
  readonly case: FaultCase
  readonly daemons: FaultyDaemons
  readonly target: string
  readonly #directory: string
  readonly #lowers: readonly string[]
  readonly #labels: LowerLabels
  #stages = 0

  /** @param directory made here, removed by {@link remove} */
  constructor(faultCase: FaultCase, directory: string, daemons: FaultyDaemons) {
    this.case = faultCase
    this.daemons = daemons
    this.#directory = directory
    this.target = `${directory}/merged`
    mkdirSync(directory)
    mkdirSync(this.target)
    this.#lowers = faultCase.lowers.map((script, index) => {
      const path = `${directory}/lower${index}`
      buildLayer(path, script, String(index))
      return path
    })
    this.#labels = labelLowers(this.#lowers)
  }

  remove(): void {
    removeTree(this.#directory)
  }

  /** Upper empty, or a copy of another stage's as it is. */
  stage(from: Stage | null, work: 'fresh' | 'copied' = 'fresh'): Stage {
    this.#stages += 1
    const path = `${this.#directory}/stage${this.#stages}`
    const stage = { upper: `${path}/upper`, work: `${path}/work` }
    if (from !== null && existsSync(indexOf(from))) {
      copyWithIndex(from, path, work)
      return stage
    }
    mkdirSync(path)
    if (from === null) mkdirSync(stage.upper)
    else copyTree(from.upper, stage.upper)
    if (from === null || work === 'fresh') mkdirSync(stage.work)
    else copyTree(from.work, stage.work)
    return stage
  }

  discard(stage: Stage): void {
    rmSync(directoryOf(stage), { recursive: true })
  }

  /** What is done in upper through kernel overlayfs, all of which must succeed. */
  bringAbout(stage: Stage, script: readonly Operation[]): void {
    const run = (): void => {
      this.during((executor) => {
        for (const operation of script) {
          const result = executor.run(operation)
          if (!result.startsWith('OK')) throw new Error(`${operation.op}: ${result}`)
        }
      })
    }
    if (this.case.engine === undefined) this.#onKernel(stage, run)
    else this.onOurs(stage, run)
  }

  /** Let everything that was done in a stage have been done long ago. */
  age(stage: Stage): void {
    ageLayer(stage.upper, 'upper')
  }

  #request({ upper, work }: Stage): MountRequest {
    const { options = '' } = this.case
    return { lowers: this.#lowers, upper, work, target: this.target, options }
  }

  /** Run operations on whatever is mounted; handles are closed afterwards. */
  during<T>(use: (executor: Executor) => T): T {
    const executor = new Executor(this.target)
    try {
      return use(executor)
    } finally {
      executor.close()
    }
  }

  /** What the live mount shows. */
  view(): Snapshot {
    return snapshotTree(this.target, { labels: this.#labels })
  }

  /** What is in upper, and in the index if there is one. */
  disk(stage: Stage): Snapshot {
    const upper = snapshotUpper(stage.upper, this.#labels)
    if (!existsSync(indexOf(stage))) return upper
    const seen = new Map(upper)
    for (const [path, entry] of snapshotIndex(stage.work, this.#labels)) {
      seen.set(`index:${path}`, entry)
    }
    for (const [path, entry] of seen) seen.set(path, withoutUnionNlink(entry))
    return seen
  }

  /** What kernel overlayfs shows; it must mount, and be able to write. Nothing if it is not asked. */
  kernelView(stage: Stage): Snapshot {
    if (this.case.engine !== undefined) return new Map()
    return this.#onKernel(stage, () => this.view())
  }

  #onKernel<T>(stage: Stage, use: () => T): T {
    const { target } = this
    mustWork(
      mount('overlay', target, 'overlay', 0, optionText(this.#request(stage))),
      'kernel mount',
    )
    try {
      const fd = openPath(target, O_RDONLY | O_DIRECTORY)
      const readOnly = isReadOnlyFs(fd)
      close(fd)
      if (readOnly) throw new Error('kernel overlayfs mounts read-only')
      return use()
    } finally {
      mustWork(unmount(target), 'unmount')
    }
  }

  /** Mount ours; {@link unmountOurs} must follow. */
  mountOurs(stage: Stage): void {
    const request = this.#request(stage)
    const { ours = '', engine } = this.case
    const options = [request.options, ours].filter((words) => words !== '').join(',')
    this.daemons.mount({ ...request, options, engine })
    // Answered once the session is under way, which makes and removes a file in work at first.
    this.during((executor) => executor.run({ op: 'statfs', path: '.' }))
  }

  /** Mount ours, look, unmount. */
  onOurs<T>(stage: Stage, use: () => T): T {
    this.mountOurs(stage)
    try {
      return use()
    } finally {
      this.unmountOurs()
    }
  }

  unmountOurs(): void {
    const end = this.daemons.unmount(this.target)
    if ('signal' in end || end.code !== 0)
      throw new Error(`the daemon ended: ${JSON.stringify(end)}`)
  }

  /** Look at a stage in every way. It stays as it is but for what mounting does. */
  look(name: string, stage: Stage, live?: Snapshot): State {
    const disk = this.disk(stage)
    const copy = this.stage(stage)
    const kernel = this.kernelView(copy)
    this.discard(copy)
    const ours = this.onOurs(stage, () => this.view())
    return { name, disk, kernel, ours, live: live ?? ours }
  }
}
