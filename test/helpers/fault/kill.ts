/**
 * Kill the daemon before each system call of an operation that changes the disk, and after the last
 * (after one is before the next, as far as the disk knows). What is found afterwards must be the old
 * state or the new one, whoever looks, and our next mount must clean up.
 */
import { readdirSync } from 'node:fs'
import { type FaultPlan, HIT } from './plan.js'
import type { FaultReport } from './report.js'
import type { Snapshot } from '../snapshot.js'
import type { Scene, Stage, State } from './scene.js'
import { type Story, approach, identify, learnStory } from './story.js'

const SIGKILL = 9
/** What a system call gives whose daemon dies, or is dead. */
const ABORTED: readonly string[] = ['ECONNABORTED', 'ENOTCONN']

type Kill = Extract<FaultPlan, { mode: 'kill' }>

/** Run the call in a fresh stage and have the daemon die on the way. Returns what went wrong. */
function die(scene: Scene, stage: Stage, plan: Kill): string[] {
  scene.mountOurs(stage)
  const result = scene.during((executor) => {
    approach(scene, executor)
    scene.daemons.plan(plan)
    return executor.run(scene.case.call)
  })
  const isHit = scene.daemons.settle().includes(HIT)
  const end = scene.daemons.unmount(scene.target)
  if (!isHit || !('signal' in end) || end.signal !== SIGKILL) {
    return [`the daemon was not killed: ${JSON.stringify(end)}`]
  }
  return ABORTED.includes(result) ? [] : [`the caller got ${result}`]
}

/** Looks at what dead daemons leave behind. */
class Inquest {
  readonly #scene: Scene
  readonly #story: Story
  /** Upper directories, as text, that need no second look: what is seen depends on nothing else. */
  readonly #known = new Set<string>()

  constructor(scene: Scene, story: Story) {
    this.#scene = scene
    this.#story = story
  }

  inspect(stage: Stage): string[] {
    const text = JSON.stringify([...this.#scene.disk(stage)])
    const isKnown = this.#known.has(text)
    this.#known.add(text)
    const problems: string[] = []
    const kernel = isKnown ? null : this.#kernelState(stage, problems)
    const isDone = this.#scene.onOurs(stage, () => {
      const ours = isKnown ? null : this.#look('ours', this.#scene.view(), problems)
      const left = readdirSync(`${stage.work}/work`, 'latin1')
      if (left.length > 0) problems.push(`left in work: ${left.join(' ')}`)
      if (isKnown) return true
      if (kernel !== null && ours !== null && ours !== kernel) {
        problems.push(`ours shows the ${ours.name} state, the kernel the ${kernel.name} one`)
      }
      if (ours === this.#story.new) return true
      problems.push(...this.#callAgain())
      return false
    })
    if (!isDone) this.#look('disk', this.#scene.disk(stage), problems, [this.#story.new])
    return problems
  }

  #kernelState(stage: Stage, problems: string[]): State | null {
    if (this.#scene.case.engine !== undefined) return null
    const copy = this.#scene.stage(stage, 'copied')
    const kernel = this.#look('kernel', this.#scene.kernelView(copy), problems)
    this.#scene.discard(copy)
    return kernel
  }

  #look(
    way: 'kernel' | 'ours' | 'disk',
    seen: Snapshot,
    problems: string[],
    expected = this.#story.states,
  ): State | null {
    const state = identify(expected, way, seen)
    if (typeof state !== 'string') return state
    problems.push(`${way}: what is there is ${state}`)
    return null
  }

  #callAgain(): string[] {
    return this.#scene.during((executor) => {
      approach(this.#scene, executor)
      const again = executor.run(this.#scene.case.call)
      return again.startsWith('OK') ? [] : [`the call, made again, gives ${again}`]
    })
  }
}

/** Kill the daemon everywhere on its way. */
export function killEverywhere(scene: Scene): FaultReport {
  const story = learnStory(scene)
  const inquest = new Inquest(scene, story)
  const changes = story.calls.filter(({ kinds }) => kinds.includes('change'))
  const problems: string[] = []
  for (let at = 0; at <= changes.length; at++) {
    const isLast = at === changes.length
    const when = isLast ? 'after' : 'before'
    const plan = { mode: 'kill', calls: 'change', at: isLast ? at - 1 : at, when } as const
    const stage = scene.stage(story.template)
    const place = `killed ${when} call ${plan.at} of ${changes.length}, ${changes[plan.at]?.name}`
    const found = [...die(scene, stage, plan), ...inquest.inspect(stage)]
    problems.push(...found.map((problem) => `${place}: ${problem}`))
    scene.discard(stage)
  }
  return { faults: changes.length + 1, problems }
}
