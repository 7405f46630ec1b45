// @ts-check
import { activityOf, memoryOf, sleep } from '../processes.mjs'

const SETTLE_MS = 1000
const WATCH_MS = 2000

/** What a mount costs that nobody uses: memory, and how often it wakes. @type {import('../runner.mjs').Workload} */
export default {
  name: 'idle',
  group: 'service',
  daemonsOnly: true,
  rows: [
    { key: 'resident', title: 'idle memory, resident', unit: 'MiB' },
    { key: 'private', title: 'idle memory, not shared with other processes', unit: 'MiB' },
    { key: 'wakeUps', title: 'wake-ups while idle, in 2 s', unit: 'count' },
  ],
  async run({ mounted }) {
    const { daemon } = mounted
    if (daemon === null) throw new Error('idle: the kernel serves this mount')
    await sleep(SETTLE_MS)
    const before = activityOf(daemon)
    await sleep(WATCH_MS)
    const wakeUps = activityOf(daemon).wakeUps - before.wakeUps
    const memory = memoryOf(daemon)
    return { resident: memory.rssMiB, private: memory.privateMiB, wakeUps }
  },
}
