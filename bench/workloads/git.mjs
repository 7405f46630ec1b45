// @ts-check
import { gitEnvironment, gitRepository } from '../fixtures.mjs'

/** A repository in the lower layer: status with a stale index, status, change of branch and back.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'git',
  group: 'program',
  programs: ['git'],
  rows: [
    { key: 'refresh', title: 'git status, index stale', unit: 's' },
    { key: 'status', title: 'git status', unit: 's' },
    { key: 'checkout', title: 'git checkout of a branch and back', unit: 's' },
  ],
  lower: (size) => gitRepository(size(21_000, 2_000)),
  async run({ dir, time }) {
    const git = (/** @type {string[]} */ ...args) =>
      time('git', ['-C', dir, '-c', 'gc.auto=0', ...args], { env: gitEnvironment })
    const refresh = await git('status', '--porcelain')
    const status = await git('status', '--porcelain')
    const checkout = (await git('checkout', '-q', 'two')) + (await git('checkout', '-q', 'one'))
    return { refresh, status, checkout }
  },
}
