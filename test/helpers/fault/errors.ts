/**
 * Let each system call of an operation fail in every way that fits it. Either the caller gets an error
 * and the old state stays, or the fault makes no difference to what users see; and once it is gone,
 * the same call must succeed on the same mount.
 */
import { readdirSync } from 'node:fs'
import { O_DIRECTORY, O_PATH } from '../../../src/sys/constants.js'
import { EDQUOT, EIO, EMFILE, ENOSPC, EPERM, errnoName } from '../../../src/sys/errno.js'
import { close, openPath } from '../../../src/sys/open.js'
import { FileStat, statAt } from '../../../src/sys/stat.js'
import { isWhiteoutDevice } from '../../../src/whiteout/whiteout.js'
import { Executor } from '../executor.js'
import type { Operation } from '../operation.js'
import type { Snapshot } from '../snapshot.js'
import { type CallKind, HIT } from './plan.js'
import type { FaultReport } from './report.js'
import type { Scene, Stage, State } from './scene.js'
import { type RecordedCall, type Story, approach, identify, learnStory } from './story.js'

/** What a call of a kind can fail with. */
const errnosOf: Readonly<Record<CallKind, readonly number[]>> = {
  any: [EIO],
  change: [],
  allocate: [ENOSPC, EDQUOT],
  device: [EPERM],
  mark: [EPERM],
  descriptor: [EMFILE],
}

/**
 * Whether the caller may get this for a call that failed with that. A directory that cannot be given
 * its redirect is not renamed, and `mv` copies it: so does the kernel.
 * @mirrors fs/overlayfs/dir.c:ovl_set_redirect
 */
function isFitting(result: string, errno: number, call: RecordedCall, scene: Scene): boolean {
  if (result === errnoName(errno)) return true
  const redirects = scene.case.options === 'redirect_dir=on' && scene.case.call.op === 'rename'
  return result === 'EXDEV' && redirects && call.name === 'setxattrat'
}

const stat = new FileStat()

/** What is in the work directory; one whiteout, shared by all that will be, may stay there. */
function leftIn(work: string): string[] {
  const names = readdirSync(`${work}/work`, 'latin1')
  const fd = openPath(`${work}/work`, O_PATH | O_DIRECTORY)
  const whiteouts = names.filter((name) => statAt(fd, name, stat) === 0 && isWhiteoutDevice(stat))
  close(fd)
  return names.filter((name) => name !== whiteouts[0])
}

/**
 * Which of the calls of a story failed. Steps that were done before are not done again, so it is told
 * by what came right before it.
 * @param trace the calls of this time, the failed one last
 * @returns its number, -1 if it is none of them
 */
function numberOf(trace: readonly string[], calls: readonly RecordedCall[]): number {
  let best = -1
  let longest = 0
  for (const number of calls.keys()) {
    let length = 0
    while (length < trace.length && calls[number - length]?.text === trace.at(-1 - length)) length++
    if (length <= longest) continue
    longest = length
    best = number
  }
  return best
}

/** One mount, on which the call fails time and again until it succeeds. */
class Attempt {
  readonly problems: string[] = []
  #isDone = false
  /** The latest fault, and how many there were before it on this mount. */
  #place = ''
  #faults = 0
  readonly #scene: Scene
  readonly #story: Story
  readonly #stage: Stage
  readonly #executor: Executor
  /** What upper was when it was last found to be in order. */
  #approved = ''

  constructor(scene: Scene, story: Story) {
    this.#scene = scene
    this.#story = story
    this.#stage = scene.stage(story.template)
    scene.mountOurs(this.#stage)
    this.#executor = new Executor(scene.target)
    approach(scene, this.#executor)
  }

  #report(problem: string): void {
    this.problems.push(`${this.#place}: ${problem}`)
  }

  /** Whether the call has brought the new state about in spite of a fault. */
  isDone(): boolean {
    return this.#isDone
  }

  /**
   * Make the call with its system call number `at` failing.
   * @returns which call of the story that is, -1 for none
   */
  run(at: number, errno: number): number {
    const { daemons } = this.#scene
    daemons.plan({ mode: 'fail', calls: 'any', at, errno })
    const result = this.#executor.run(this.#scene.case.call)
    const trace = daemons.settle()
    const { calls } = this.#story
    const number = numberOf(trace.slice(0, Math.max(0, trace.indexOf(HIT))), calls)
    const call = `call ${number} of ${calls.length}, ${calls[number]?.name}`
    this.#place = `${call}, ${errnoName(errno)}, after ${this.#faults} faults`
    this.#faults += 1
    if (result === this.#story.result) this.#isDone = true
    else this.#judgeFailure(result, errno, calls[number])
    return number
  }

  /** The call failed: nothing of it may be left. */
  #judgeFailure(result: string, errno: number, call: RecordedCall | undefined): void {
    if (call === undefined || !isFitting(result, errno, call, this.#scene)) {
      this.#report(`the caller got ${result}`)
    }
    const left = this.#scene.case.keeps === undefined ? leftIn(this.#stage.work) : []
    if (left.length > 0) this.#report(`left in work: ${left.join(' ')}`)
    const { old, states } = this.#story
    const disk = this.#scene.disk(this.#stage)
    const text = JSON.stringify([...disk])
    if (text === this.#approved) return
    this.#approved = text
    const state = identify(states, 'disk', disk)
    if (typeof state === 'string') this.#checkNextView(states)
    // What came after the last step failed: the caller was told so, but all is done.
    else if (state === this.#story.new && state !== old) this.#isDone = true
  }

  /** What the next mount shows: the kernel's, as it is cheap, unless it does not understand. */
  #checkNextView(states: readonly State[]): void {
    const way = this.#scene.case.engine === undefined ? 'kernel' : 'ours'
    const copy = this.#scene.stage(this.#stage, 'copied')
    const look = (): Snapshot => this.#scene.view()
    const seen = way === 'ours' ? this.#scene.onOurs(copy, look) : this.#scene.kernelView(copy)
    const state = identify(states, way, seen)
    this.#scene.discard(copy)
    if (typeof state === 'string') this.#report(`the next mount shows what is ${state}`)
  }

  /** There are no more faults: make the call, unless it was made, and see that all is well. */
  finish(): void {
    if (!this.#isDone) {
      this.#look(this.#story.states)
      this.#mustGive(this.#story.result, this.#scene.case.call)
    }
    this.#look([this.#story.new])
    for (const operation of this.#scene.case.after ?? []) this.#mustGive('OK', operation)
    this.#executor.close()
    this.#scene.unmountOurs()
    this.#checkUpper()
    if (leftIn(this.#stage.work).length > 0) this.#cleanUp()
    this.#scene.discard(this.#stage)
  }

  #mustGive(expected: string, operation: Operation): void {
    const result = this.#executor.run(operation)
    if (result.startsWith(expected)) return
    this.#report(`without a fault, ${operation.op} gives ${result}`)
  }

  #look(expected: readonly State[]): void {
    const seen = identify(expected, 'live', this.#scene.view())
    if (typeof seen === 'string') this.#report(`the mount shows what is ${seen}`)
  }

  /** What a fault cannot stop may leave something on disk that nobody sees. */
  #checkUpper(): void {
    const disk = identify([this.#story.new], 'disk', this.#scene.disk(this.#stage))
    if (typeof disk !== 'string') return
    if (this.#isDone) this.#checkNextView([this.#story.new])
    else this.#report(`in upper is what is ${disk}`)
  }

  /** What a fault in cleaning up left has to go at the next mount. */
  #cleanUp(): void {
    this.#scene.onOurs(this.#stage, () => {
      this.#look([this.#story.new])
      const left = readdirSync(`${this.#stage.work}/work`, 'latin1')
      if (left.length > 0) this.#report(`left in work after a mount: ${left.join(' ')}`)
    })
  }
}

/** All faults of one case, on as few mounts as they allow. */
class Campaign {
  faults = 0
  readonly problems: string[] = []
  readonly #scene: Scene
  readonly #story: Story
  #attempt: Attempt | null = null
  /** How many calls are not made again once the call has failed. */
  #skipped = 0

  constructor(scene: Scene) {
    this.#scene = scene
    this.#story = learnStory(scene)
  }

  run(): void {
    for (const [number, { kinds }] of this.#story.calls.entries()) {
      for (const errno of kinds.flatMap((kind) => errnosOf[kind])) this.#fail(number, errno)
    }
    this.#end()
  }

  /** Let one call fail in one way: on the mount there is, else on a fresh one. */
  #fail(number: number, errno: number): void {
    // What a failed call keeps would be used by the next.
    const mayRepeat = this.#scene.case.keeps === undefined
    if (mayRepeat && this.#attempt !== null && this.#failAgain(this.#attempt, number, errno)) return
    this.#end()
    const attempt = this.#begin()
    const hit = this.#inject(attempt, number, errno)
    if (hit !== number) attempt.problems.push(`call ${number} was not made`)
    if (attempt.isDone()) this.#end()
  }

  #failAgain(attempt: Attempt, number: number, errno: number): boolean {
    for (let tries = 0; tries < 2; tries++) {
      const at = number - this.#skipped
      if (at < 0 || attempt.isDone()) return false
      const hit = this.#inject(attempt, at, errno)
      if (hit === number) {
        if (attempt.isDone()) this.#end()
        return true
      }
      if (hit < 0) return false
      this.#skipped += hit - number
    }
    return false
  }

  #inject(attempt: Attempt, at: number, errno: number): number {
    this.faults += 1
    return attempt.run(at, errno)
  }

  #begin(): Attempt {
    return (this.#attempt ??= new Attempt(this.#scene, this.#story))
  }

  #end(): void {
    const attempt = this.#attempt
    if (attempt === null) return
    attempt.finish()
    this.problems.push(...attempt.problems)
    this.#attempt = null
  }
}

/** Let every system call of a case fail. */
export function failEverywhere(scene: Scene): FaultReport {
  const campaign = new Campaign(scene)
  campaign.run()
  const { faults, problems } = campaign
  return { faults, problems }
}
