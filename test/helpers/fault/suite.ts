/** Runs the cases of the fault suite, each a test. */
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { bundle } from '../bundle.js'
import { checkout } from '../harness.js'
import { requires } from '../requires.js'
import { WatchedRunner } from '../watched-runner.js'
import type { FaultCase } from './case.js'
import { forkFlags } from './fork.js'
import { FAULT_DIRECTORY } from './plan.js'
import type { FaultPart, FaultReply, FaultRequest } from './report.js'

const CASE_DEADLINE_MS = 60_000

function startRunner(): WatchedRunner<FaultRequest, FaultReply> {
  return new WatchedRunner((directory) => {
    for (const name of ['plan', 'log']) writeFileSync(`${directory}/${name}`, '')
    const entry = bundle(checkout, 'test/helpers/fault/runner.ts')
    return fork(entry, [], {
      execArgv: ['--enable-source-maps', ...forkFlags],
      env: { ...process.env, [FAULT_DIRECTORY]: directory },
    })
  }, CASE_DEADLINE_MS)
}

/** Run one part of the suite. Called once per test file. */
export async function runFaults(part: FaultPart, cases: readonly FaultCase[]): Promise<void> {
  await t.test(part, async (t) => {
    if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
    const runner = startRunner()
    t.teardown(() => runner.close())
    const only = process.env['TSOVERLAYFS_ROW']
    let id = 0
    for (const faultCase of cases) {
      if (only !== undefined && !faultCase.title.includes(only)) continue
      await t.test(faultCase.title, async (t) => {
        id += 1
        const { report } = await runner.ask({ id, part, faultCase })
        const { faults = 0, problems = [] } = report ?? {}
        t.ok(faults > 1, `${faults} faults`)
        for (const problem of problems) t.fail(problem)
      })
    }
  })
}
