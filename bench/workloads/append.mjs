// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** Append to lower files: a copy-up for each. @type {import('../runner.mjs').Workload} */
export default {
  name: 'append',
  group: 'tree',
  rows: [{ key: 'append', title: 'append to small lower files (copy-up)', unit: 's' }],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, names }) {
    const { seconds } = await client('appendFiles', { names: await names() })
    return { append: seconds }
  },
}
