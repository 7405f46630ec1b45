// @ts-check
import { smallFiles } from '../fixtures.mjs'

const FILES = 10_000

/** 10,000 files open at the same time, by one client. @type {import('../runner.mjs').Workload} */
export default {
  name: 'open-files',
  group: 'scale',
  slow: true,
  rows: [{ key: 'open', title: 'open 10,000 files and keep them, each', unit: 'us' }],
  lower: () => smallFiles(FILES / 100),
  async run({ client, names }) {
    const { seconds } = await client('openAndKeep', { names: await names() })
    return { open: (seconds / FILES) * 1e6 }
  },
}
