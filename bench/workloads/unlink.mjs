// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** Delete files of the lower layer: a whiteout for each. @type {import('../runner.mjs').Workload} */
export default {
  name: 'unlink',
  group: 'tree',
  rows: [{ key: 'unlink', title: 'unlink small lower files', unit: 's' }],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, names }) {
    const { seconds } = await client('unlinkFiles', { names: await names() })
    return { unlink: seconds }
  },
}
