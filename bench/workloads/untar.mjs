// @ts-check
import { join } from 'node:path'
import { sourceArchive } from '../fixtures.mjs'

/** Extract a source tree of more than 20,000 files. @type {import('../runner.mjs').Workload} */
export default {
  name: 'untar',
  group: 'tree',
  programs: ['tar'],
  rows: [{ key: 'untar', title: 'untar a source tree', unit: 's' }],
  async run({ dir, time, template, size }) {
    const archive = join(await template(sourceArchive(size(21_000, 2_000))), 'tree.tar')
    return { untar: await time('tar', ['-C', dir, '-xf', archive]) }
  },
}
