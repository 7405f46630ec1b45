/**
 * The process that runs comparisons: its system calls are synchronous and may hang with a daemon
 * under test, so the suite stands outside and can end it.
 */
import { mkdirSync } from 'node:fs'
import { errnoName } from '../../src/sys/errno.js'
import { native } from '../../src/sys/native.js'
import { type ComparisonPlace, compareScenario } from './comparison.js'
import type { RunnerReply, RunnerRequest, RunnerSetup } from './harness-protocol.js'
import { mountImage } from './image.js'
import type { Scenario } from './scenario.js'
import { kernelSubject, subjectByName } from './subject.js'
import { mount } from './syscalls.js'

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const IMAGE_BYTES = 256 << 20
const IMAGE_INODES = 20_000
const setup = JSON.parse(process.argv[2] ?? '{}') as RunnerSetup
// A system call that hangs must not outlive the suite.
native.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
const disk = `${setup.directory}/disk`
const memory = `${setup.directory}/tmpfs`
for (const path of [disk, memory]) mkdirSync(path)
const result = mount('tmpfs', memory, 'tmpfs', 0, 'mode=755,size=1g')
if (result < 0) throw new Error(`mount a tmpfs: ${errnoName(result)}`)

mountImage(`${memory}/ext4.image`, disk, IMAGE_BYTES, IMAGE_INODES)
const reference = kernelSubject()
const candidate = subjectByName(setup.candidate, setup.checkout)

function placeOf(scenario: Scenario): ComparisonPlace {
  const lowers = scenario.scratch === 'disk' ? disk : memory
  if (scenario.upperElsewhere !== true) return { lowers, uppers: lowers }
  return { lowers, uppers: lowers === disk ? memory : disk }
}

async function serve({ id, scenario }: RunnerRequest): Promise<RunnerReply> {
  try {
    return { id, ...(await compareScenario(scenario, placeOf(scenario), reference, candidate)) }
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (message) => {
  void serve(message as RunnerRequest).then((reply) => process.send?.(reply))
})
process.on('disconnect', () => {
  void candidate.close().then(() => process.exit(0))
})
