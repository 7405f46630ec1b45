// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** stat(2) of names and attributes that the kernel already holds. @type {import('../runner.mjs').Workload} */
export default {
  name: 'stat-cached',
  group: 'metadata',
  rows: [{ key: 'stat', title: 'stat, cached', unit: 'us' }],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, size }) {
    const { seconds, calls } = await client('statCached', { repeat: size(40, 50) })
    return { stat: (seconds / calls) * 1e6 }
  },
}
