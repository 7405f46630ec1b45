// @ts-check
import { cProgram } from '../fixtures.mjs'

/** make and gcc over a small program in the lower layer. @type {import('../runner.mjs').Workload} */
export default {
  name: 'compile',
  group: 'program',
  programs: ['make', 'gcc', 'cc'],
  rows: [{ key: 'make', title: 'make with gcc', unit: 's' }],
  lower: (size) => cProgram(size(100, 12)),
  async run({ dir, time }) {
    return { make: await time('make', ['-s', '-j2', '-C', dir]) }
  },
}
