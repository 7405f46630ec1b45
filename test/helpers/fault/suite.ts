/** Runs the cases of the fault suite, each a test, on all processors there are. */
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import t from 'tap'
import { bundle } from '../bundle.js'
import { checkout } from '../harness.js'
import { requires } from '../requires.js'
import { WatchedRunner } from '../watched-runner.js'
import type { FaultCase } from './case.js'
import { forkFlags } from './fork-flags.js'
import { FAULT_DIRECTORY } from './plan.js'
import type { FaultPart, FaultReply, FaultReport, FaultRequest } from './report.js'

const CASE_DEADLINE_MS = 60_000
/** Each has a daemon that it waits for: two keep two processors busy. */
const MAX_RUNNERS = 2

type Runner = WatchedRunner<FaultRequest, FaultReply>

function startRunner(): Runner {
  return new WatchedRunner((directory) => {
    for (const name of ['plan', 'log']) writeFileSync(`${directory}/${name}`, '')
    const entry = bundle(checkout, 'test/helpers/fault/runner.ts')
    return fork(entry, [], {
      execArgv: ['--enable-source-maps', ...forkFlags],
      env: { ...process.env, [FAULT_DIRECTORY]: directory },
    })
  }, CASE_DEADLINE_MS)
}

/** A case on its way to a runner. */
interface Job {
  readonly faultCase: FaultCase
  readonly settle: (outcome: FaultReport | Error) => void
}

async function work(runner: Runner, part: FaultPart, jobs: Iterable<Job>): Promise<void> {
  for (const { faultCase, settle } of jobs) {
    try {
      const { report } = await runner.ask({ part, faultCase })
      settle(report ?? new Error('no report'))
    } catch (error) {
      settle(error instanceof Error ? error : new Error(String(error)))
    }
  }
}

/** Run one part of the suite. Called once per test file. */
export async function runFaults(part: FaultPart, cases: readonly FaultCase[]): Promise<void> {
  await t.test(part, async (t) => {
    if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
    const only = process.env['TSOVERLAYFS_ROW']
    const chosen = cases.filter(({ title }) => only === undefined || title.includes(only))
    const jobs: Job[] = []
    const outcomes = chosen.map(
      (faultCase) =>
        new Promise<FaultReport | Error>((settle) => void jobs.push({ faultCase, settle })),
    )
    const shared = jobs.values()
    const runners = Array.from(
      { length: Math.min(MAX_RUNNERS, availableParallelism()) },
      startRunner,
    )
    t.teardown(() => Promise.all(runners.map((runner) => runner.close())))
    const working = runners.map((runner) => work(runner, part, shared))
    for (const [index, { title }] of chosen.entries()) {
      await t.test(title, async (t) => {
        const outcome = (await outcomes[index]) ?? new Error('no outcome')
        if (outcome instanceof Error) throw outcome
        t.ok(outcome.faults > 1, `${outcome.faults} faults`)
        for (const problem of outcome.problems) t.fail(problem)
      })
    }
    await Promise.all(working)
  })
}
