// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** Rename files of the lower layer, then the same files again, now in the upper one.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'rename',
  group: 'tree',
  rows: [
    { key: 'rename', title: 'rename small lower files', unit: 's' },
    { key: 'again', title: 'rename small upper files', unit: 's' },
  ],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, names }) {
    const lower = await names()
    const { seconds: rename } = await client('renameFiles', { names: lower })
    const upper = lower.map((name) => `${name}.renamed`)
    const { seconds: again } = await client('renameFiles', { names: upper })
    return { rename, again }
  },
}
