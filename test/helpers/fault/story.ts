/**
 * What a case is measured by: the state before the call, the state after it, and the system calls in
 * between, learned from one call that goes well.
 */
import type { Executor } from '../executor.js'
import type { Snapshot } from '../snapshot.js'
import type { CallKind } from './plan.js'
import type { Scene, Stage, State } from './scene.js'
import { differences } from './view.js'

/** One system call of the daemon. */
export interface RecordedCall {
  readonly name: string
  readonly kinds: readonly CallKind[]
  /** The line in the log. */
  readonly text: string
}

/** See the file's header. */
export interface Story {
  /** Never changed. */
  readonly template: Stage
  readonly old: State
  readonly new: State
  /** Old, new and what lies between. */
  readonly states: readonly State[]
  readonly calls: readonly RecordedCall[]
  /** What the call gives. */
  readonly result: string
}

/** A line of the log, read. */
function parseCall(text: string): RecordedCall {
  const [name = '', ...kinds] = text.split(' ')
  return { name, kinds: kinds as CallKind[], text }
}

/** Bring the mount to where the call under test is made: names looked up, handles open. */
export function approach(scene: Scene, executor: Executor): void {
  const { call, open = [], looks } = scene.case
  for (const key of ['path', 'from', 'to'] as const) {
    const path: unknown = (call as unknown as Record<string, unknown>)[key]
    if (typeof path === 'string' && looks === undefined) executor.run({ op: 'stat', path })
  }
  for (const operation of open) {
    const result = executor.run(operation)
    if (!result.startsWith('OK')) throw new Error(`${operation.op}: ${result}`)
  }
}

/** Learn what a case does. Throws when it does nothing. */
export function learnStory(scene: Scene): Story {
  const template = scene.stage(null)
  scene.bringAbout(template, scene.case.setup ?? [])
  scene.age(template)
  const before = scene.stage(template)
  const old = scene.look('old', before)
  scene.discard(before)
  const start = scene.stage(template)
  const { calls, live, result } = scene.onOurs(start, () => record(scene))
  const states = [old, scene.look('new', start, live)]
  for (const { why, script } of scene.case.between ?? []) {
    const stage = scene.stage(template)
    scene.bringAbout(stage, script)
    states.push(scene.look(why, stage))
    scene.discard(stage)
  }
  const [, after = old] = states
  const changes = differences(old.disk, after.disk).length > 0
  if (changes === (scene.case.looks === true))
    throw new Error('the call does not do what it should')
  scene.discard(start)
  return { template, old, new: after, states, calls, result }
}

function record(scene: Scene): { calls: RecordedCall[]; live: Snapshot; result: string } {
  return scene.during((executor) => {
    approach(scene, executor)
    scene.daemons.plan({ mode: 'record' })
    const result = executor.run(scene.case.call)
    const calls = scene.daemons.settle().map(parseCall)
    const fails = !result.startsWith('OK') && scene.case.looks === undefined
    if (fails) throw new Error(`without a fault the call gives ${result}`)
    return { calls, live: scene.view(), result }
  })
}

/** The state that a look shows, or what is different from the one that is nearest. */
export function identify(
  states: readonly State[],
  way: Exclude<keyof State, 'name'>,
  seen: Snapshot,
): State | string {
  let nearest = ''
  let fewest = Infinity
  for (const state of states) {
    const found = differences(state[way], seen)
    if (found.length === 0) return state
    if (found.length >= fewest) continue
    fewest = found.length
    nearest = `not ${state.name}: ${found.join('; ')}`
  }
  return nearest
}
