// @ts-check
import { largeFile } from '../fixtures.mjs'

/** The first write to a large lower file. @type {import('../runner.mjs').Workload} */
export default {
  name: 'copy-up',
  group: 'data',
  mountsOnly: true,
  rows: [{ key: 'copyUp', title: 'copy-up of a large file', unit: 's' }],
  lower: (size) => largeFile(size(1024, 96)),
  async run({ client }) {
    await client('readSequential', { name: 'data', direct: false })
    const { seconds } = await client('copyUp', { name: 'data' })
    return { copyUp: seconds }
  },
}
