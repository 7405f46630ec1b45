// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** open, read to the end, close, of every small file. @type {import('../runner.mjs').Workload} */
export default {
  name: 'read-small',
  group: 'metadata',
  rows: [
    { key: 'cold', title: 'read small files, cold', unit: 's' },
    { key: 'warm', title: 'read small files, warm', unit: 's' },
  ],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, names, dropCaches }) {
    const files = { names: await names() }
    await dropCaches()
    const { seconds: cold } = await client('readFiles', files)
    await client('readFiles', files)
    const { seconds: warm } = await client('readFiles', files)
    return { cold, warm }
  },
}
