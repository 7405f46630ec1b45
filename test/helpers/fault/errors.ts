/**
 * Let each system call of an operation fail in every way that fits it. Either the caller gets an error
 * and the old state stays, or the fault makes no difference to the outcome; once it is gone, the same
 * call must succeed on the same mount.
 */
import { readdirSync } from 'node:fs'
import { O_DIRECTORY, O_PATH } from '../../../src/sys/constants.js'
import { EDQUOT, EIO, EMFILE, ENOSPC, EPERM, errnoName } from '../../../src/sys/errno.js'
import { close, openPath } from '../../../src/sys/open.js'
import { FileStat, statAt } from '../../../src/sys/stat.js'
import { isWhiteoutDevice } from '../../../src/whiteout/whiteout.js'
import { Executor } from '../executor.js'
import type { CallKind } from './plan.js'
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

/** What the caller may get instead of the errno that was injected. */
const translations: Readonly<Record<string, readonly string[]>> = {}

const stat = new FileStat()

/** What is in the work directory; one whiteout, shared by all that will be, may stay there. */
function leftIn(work: string): string[] {
  const names = readdirSync(`${work}/work`, 'latin1')
  const fd = openPath(`${work}/work`, O_PATH | O_DIRECTORY)
  const whiteouts = names.filter((name) => statAt(fd, name, stat) === 0 && isWhiteoutDevice(stat))
  close(fd)
  return names.filter((name) => name !== whiteouts[0])
}

/** One mount, used until a fault has let the call through. */
class Attempt {
  readonly problems: string[] = []
  /** No fault was injected so far. */
  isFresh = true
  readonly #scene: Scene
  readonly #story: Story
  readonly #stage: Stage
  readonly #executor: Executor

  constructor(scene: Scene, story: Story) {
    this.#scene = scene
    this.#story = story
    this.#stage = scene.stage(story.template)
    scene.daemon.mount(scene.request(this.#stage))
    this.#executor = new Executor(scene.target)
    approach(scene, this.#executor)
  }

  /** Make the call with its system call number `at` failing. */
  run(at: number, errno: number): { readonly result: string; readonly hit: string | undefined } {
    const { daemon } = this.#scene
    this.isFresh = false
    daemon.plan({ mode: 'fail', calls: 'any', at, errno })
    const result = this.#executor.run(this.#scene.case.call)
    return { result, hit: daemon.settle()[0] }
  }

  /** The call failed: nothing of it may be left. */
  judgeFailure(result: string, errno: number): void {
    const injected = errnoName(errno)
    if (result !== injected && translations[injected]?.includes(result) !== true) {
      this.problems.push(`the caller got ${result}`)
    }
    const left = leftIn(this.#stage.work)
    if (left.length > 0) this.problems.push(`left in work: ${left.join(' ')}`)
    const { states } = this.#story
    if (typeof identify(states, 'disk', this.#scene.disk(this.#stage)) !== 'string') return
    const copy = this.#scene.stage(this.#stage, 'copied')
    const kernel = identify(states, 'kernel', this.#scene.kernelView(copy))
    this.#scene.discard(copy)
    if (typeof kernel === 'string') this.problems.push(`kernel overlayfs shows what is ${kernel}`)
  }

  /** There are no more faults: make the call, unless it was made, and see that all is well. */
  finish(): void {
    const before = this.#look(this.#story.states)
    if (before !== null && before !== this.#story.new) {
      const result = this.#executor.run(this.#scene.case.call)
      if (!result.startsWith('OK')) this.problems.push(`without a fault the call gives ${result}`)
      this.#look([this.#story.new])
    }
    this.#executor.close()
    this.#scene.unmountOurs()
    const disk = identify([this.#story.new], 'disk', this.#scene.disk(this.#stage))
    if (typeof disk === 'string') this.problems.push(`in upper is what is ${disk}`)
    if (leftIn(this.#stage.work).length > 0) this.#cleanUp()
    this.#scene.discard(this.#stage)
  }

  #look(states: readonly State[]): State | null {
    const seen = identify(states, 'ours', this.#scene.view())
    if (typeof seen !== 'string') return seen
    this.problems.push(`the mount shows what is ${seen}`)
    return null
  }

  /** What a fault in cleaning up left has to go at the next mount. */
  #cleanUp(): void {
    this.#scene.onOurs(this.#stage, () => {
      const left = readdirSync(`${this.#stage.work}/work`, 'latin1')
      if (left.length > 0) this.problems.push(`left in work after a mount: ${left.join(' ')}`)
    })
  }
}

/** Let one system call fail in each way that fits it. */
function failAt(scene: Scene, story: Story, at: number, call: RecordedCall): FaultReport {
  const errnos = call.kinds.flatMap((kind) => errnosOf[kind])
  const problems: string[] = []
  let attempt: Attempt | null = null
  const done = (): void => {
    attempt?.finish()
    problems.push(...(attempt?.problems ?? []))
    attempt = null
  }
  for (const errno of errnos) {
    attempt ??= new Attempt(scene, story)
    const wasFresh = attempt.isFresh
    let { result, hit } = attempt.run(at, errno)
    if (hit !== call.text && !wasFresh) {
      // What was done before the fault, like copying up a directory, is not done twice.
      done()
      attempt = new Attempt(scene, story)
      ;({ result, hit } = attempt.run(at, errno))
    }
    if (hit !== call.text) attempt.problems.push(`${hit ?? 'nothing'} was hit instead`)
    if (result.startsWith('OK')) done()
    else attempt.judgeFailure(result, errno)
  }
  done()
  const names = errnos.map((errno) => errnoName(errno)).join(', ')
  const place = `call ${at} of ${story.calls.length}, ${call.name}, fails with ${names}`
  return { faults: errnos.length, problems: problems.map((problem) => `${place}: ${problem}`) }
}

/** Let every system call of a case fail. */
export function failEverywhere(scene: Scene): FaultReport {
  const story = learnStory(scene)
  const reports = story.calls.map((call, at) => failAt(scene, story, at, call))
  return {
    faults: reports.reduce((sum, { faults }) => sum + faults, 0),
    problems: reports.flatMap(({ problems }) => problems),
  }
}
