// @ts-check
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { largeFile, smallFiles } from '../fixtures.mjs'
import { percentile } from '../statistics.mjs'

/** First look-ups and creations, at rest and while a large file is copied up in the same mount.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'latency',
  group: 'service',
  mountsOnly: true,
  ownMounts: true,
  rows: [
    { key: 'statIdle', title: 'stat p99, idle', unit: 'us' },
    { key: 'statBusy', title: 'stat p99 during a large copy-up', unit: 'us' },
    { key: 'statRatio', title: 'stat p99, busy over idle', unit: 'count' },
    { key: 'createIdle', title: 'create p99, idle', unit: 'us' },
    { key: 'createBusy', title: 'create p99 during a large copy-up', unit: 'us' },
  ],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ lower, names, client, mount, unmount, template, size }) {
    const large = await template(largeFile(size(4096, 256)))
    const mounted = await mount([lower, large])
    try {
      mkdirSync(join(mounted.dir, 'made'))
      const all = await names()
      const half = all.length / 2
      const options = { createIn: 'made', samples: size(1500, 150) }
      const idle = await client(
        'sampleLatency',
        { ...options, names: all.slice(0, half), prefix: 'idle' },
        mounted.dir,
      )
      const copied = client('copyUp', { name: 'data' }, mounted.dir)
      const busy = await client(
        'sampleLatency',
        { ...options, names: all.slice(half), prefix: 'busy' },
        mounted.dir,
      )
      await copied
      const p99 = (/** @type {number[]} */ samples) => percentile(samples, 0.99)
      return {
        statIdle: p99(idle.stat),
        statBusy: p99(busy.stat),
        statRatio: p99(busy.stat) / p99(idle.stat),
        createIdle: p99(idle.create),
        createBusy: p99(busy.create),
      }
    } finally {
      await unmount(mounted)
    }
  },
}
