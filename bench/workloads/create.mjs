// @ts-check
import { readdirSync } from 'node:fs'
import { smallFiles } from '../fixtures.mjs'

/** New small files in directories that exist in the lower layer. @type {import('../runner.mjs').Workload} */
export default {
  name: 'create',
  group: 'tree',
  rows: [{ key: 'create', title: 'create small files', unit: 's' }],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ client, lower }) {
    const options = { dirs: readdirSync(lower), each: 100, prefix: 'new' }
    const { seconds } = await client('createFiles', options)
    return { create: seconds }
  },
}
