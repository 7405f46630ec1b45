// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** stat(2) of names known not to exist. @type {import('../runner.mjs').Workload} */
export default {
  name: 'stat-negative',
  group: 'metadata',
  rows: [{ key: 'stat', title: 'stat of a missing name, cached', unit: 'us' }],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, size }) {
    const { seconds, calls } = await client('statNegative', { repeat: size(40, 50) })
    return { stat: (seconds / calls) * 1e6 }
  },
}
