/** Eight processes that do random things to one mount at the same time. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { bundle } from './bundle.js'
import type { CrewOrder, CrewReport } from './crew-protocol.js'
import { checkout } from './harness.js'

const MEMBERS = 8
const GRACE_MS = 30_000

/** Results of all members together. */
export interface CrewResult {
  readonly operations: number
  readonly complaints: readonly string[]
  readonly counts: ReadonlyMap<string, number>
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const gone = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`a member of the crew ended (${String(code ?? signal)})`)
  })
  const [message] = (await Promise.race([once(child, 'message'), gone])) as [unknown]
  return message
}

function together(reports: readonly CrewReport[]): CrewResult {
  const counts = new Map<string, number>()
  for (const report of reports) {
    for (const [name, count] of Object.entries(report.counts)) {
      counts.set(name, (counts.get(name) ?? 0) + count)
    }
  }
  return {
    operations: reports.reduce((sum, { operations }) => sum + operations, 0),
    complaints: reports.flatMap(({ complaints }) => complaints),
    counts,
  }
}

/** Let a crew do a task on the tree at `root`; all start at once. */
export async function runCrew(t: Test, order: Omit<CrewOrder, 'member'>): Promise<CrewResult> {
  const program = bundle(checkout, 'test/helpers/crew-member.ts')
  const crew = Array.from({ length: MEMBERS }, () =>
    fork(program, [], { execArgv: ['--enable-source-maps'] }),
  )
  // Members that hang in a system call end with the mount, which the suite's teardown aborts.
  const late = setTimeout(() => {
    for (const child of crew) child.kill('SIGKILL')
  }, order.limitMs + GRACE_MS)
  t.teardown(() => {
    for (const child of crew) child.kill('SIGKILL')
  })
  const ready = crew.map(messageOf)
  crew.forEach((child, member) => child.send({ ...order, member } satisfies CrewOrder))
  await Promise.all(ready)
  const reports = crew.map(messageOf)
  for (const child of crew) child.send('go')
  const result = together((await Promise.all(reports)) as CrewReport[])
  clearTimeout(late)
  const ended = crew.map((child) => once(child, 'exit'))
  for (const child of crew) child.disconnect()
  await Promise.all(ended)
  return result
}
