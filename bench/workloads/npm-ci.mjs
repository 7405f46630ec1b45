// @ts-check
import { join } from 'node:path'
import { npmEnvironment, npmFlags, npmProject } from '../fixtures.mjs'

/** npm ci of a project whose packages are tarballs in the lower layer. @type {import('../runner.mjs').Workload} */
export default {
  name: 'npm-ci',
  group: 'program',
  programs: ['npm', 'tar'],
  rows: [{ key: 'ci', title: 'npm ci, offline', unit: 's' }],
  lower: (size) => npmProject(size(80, 10), size(60, 20)),
  async run({ dir, time, scratch }) {
    const options = { cwd: join(dir, 'project'), env: npmEnvironment(scratch) }
    return { ci: await time('npm', ['ci', ...npmFlags], options) }
  },
}
