// @ts-check
import { smallFiles } from '../fixtures.mjs'

/** Walk a tree and stat each file, after a cache drop and again. @type {import('../runner.mjs').Workload} */
export default {
  name: 'find',
  group: 'metadata',
  programs: ['find'],
  rows: [
    { key: 'cold', title: 'find -size, cold', unit: 's' },
    { key: 'warm', title: 'find -size, warm', unit: 's' },
  ],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ dir, time, dropCaches }) {
    const words = [dir, '-type', 'f', '-size', '+100M']
    await dropCaches()
    const cold = await time('find', words)
    await time('find', words)
    return { cold, warm: await time('find', words) }
  },
}
