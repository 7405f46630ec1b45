// @ts-check
import { median } from '../statistics.mjs'

/** From the start of the mount command until the mount has answered. @type {import('../runner.mjs').Workload} */
export default {
  name: 'mount-ready',
  group: 'service',
  mountsOnly: true,
  ownMounts: true,
  rows: [{ key: 'ready', title: 'mount to ready', unit: 'ms' }],
  async run({ lower, mount, unmount }) {
    /** @type {number[]} */
    const samples = []
    for (let n = 0; n < 5; n++) {
      const mounted = await mount([lower])
      samples.push(mounted.readySeconds * 1000)
      await unmount(mounted)
    }
    return { ready: median(samples) }
  },
}
