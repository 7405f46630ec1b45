// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** `ls -lR`: names, attributes and two xattr look-ups a file. @type {import('../runner.mjs').Workload} */
export default {
  name: 'list-long',
  group: 'metadata',
  programs: ['ls'],
  rows: [
    { key: 'cold', title: 'ls -lR, cold', unit: 's' },
    { key: 'warm', title: 'ls -lR, warm', unit: 's' },
  ],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ dir, time, dropCaches }) {
    await dropCaches()
    const cold = await time('ls', ['-lR', dir])
    return { cold, warm: await time('ls', ['-lR', dir]) }
  },
}
