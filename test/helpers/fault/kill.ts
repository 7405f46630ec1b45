/**
 * Kill the daemon before each system call of an operation that changes the disk, and after the last
 * (after one is before the next, as far as the disk knows). What is found afterwards must be the old
 * state or the new one, whoever looks, and our next mount must clean up.
 */
import { readdirSync } from 'node:fs'
import type { FaultPlan } from './plan.js'
import type { FaultReport } from './report.js'
import type { Scene, Stage } from './scene.js'
import { type Story, approach, identify, learnStory } from './story.js'

const SIGKILL = 9
/** What a system call gives whose daemon dies, or is dead. */
const ABORTED: readonly string[] = ['ECONNABORTED', 'ENOTCONN']

type Kill = Extract<FaultPlan, { mode: 'kill' }>

/** Run the call in a fresh stage and have the daemon die on the way. Returns what went wrong. */
function die(scene: Scene, stage: Stage, plan: Kill): string[] {
  scene.daemon.mount(scene.request(stage))
  const result = scene.during((executor) => {
    approach(scene, executor)
    scene.daemon.plan(plan)
    return executor.run(scene.case.call)
  })
  const [hit] = scene.daemon.settle()
  const end = scene.daemon.unmount(scene.target)
  if (hit === undefined || !('signal' in end) || end.signal !== SIGKILL) {
    return [`the daemon was not killed: ${JSON.stringify(end)}`]
  }
  return ABORTED.includes(result) ? [] : [`the caller got ${result}`]
}

/** Look at what a dead daemon left behind. */
function inspect(scene: Scene, story: Story, stage: Stage): string[] {
  const problems: string[] = []
  const copy = scene.stage(stage, 'copied')
  const kernel = identify(story.states, 'kernel', scene.kernelView(copy))
  scene.discard(copy)
  if (typeof kernel === 'string') problems.push(`kernel overlayfs shows what is ${kernel}`)
  scene.onOurs(stage, () => {
    const left = readdirSync(`${stage.work}/work`, 'latin1')
    if (left.length > 0) problems.push(`left in work: ${left.join(' ')}`)
    const ours = identify(story.states, 'ours', scene.view())
    if (typeof ours === 'string') problems.push(`ours shows what is ${ours}`)
    else if (typeof kernel !== 'string' && ours !== kernel) {
      problems.push(`ours shows the ${ours.name} state, the kernel the ${kernel.name} one`)
    }
    if (ours === story.new) return
    const again = scene.during((executor) => {
      approach(scene, executor)
      return executor.run(scene.case.call)
    })
    if (!again.startsWith('OK')) problems.push(`the call, made again, gives ${again}`)
  })
  const final = identify([story.new], 'disk', scene.disk(stage))
  if (typeof final === 'string') problems.push(`made again, the call leaves what is ${final}`)
  return problems
}

/** Kill the daemon everywhere on its way. */
export function killEverywhere(scene: Scene): FaultReport {
  const story = learnStory(scene)
  const changes = story.calls.filter(({ kinds }) => kinds.includes('change'))
  const problems: string[] = []
  for (let at = 0; at <= changes.length; at++) {
    const isLast = at === changes.length
    const when = isLast ? 'after' : 'before'
    const plan = { mode: 'kill', calls: 'change', at: isLast ? at - 1 : at, when } as const
    const stage = scene.stage(story.template)
    const place = `killed ${when} call ${plan.at} of ${changes.length}, ${changes[plan.at]?.name}`
    const found = [...die(scene, stage, plan), ...inspect(scene, story, stage)]
    problems.push(...found.map((problem) => `${place}: ${problem}`))
    scene.discard(stage)
  }
  return { faults: changes.length + 1, problems }
}
