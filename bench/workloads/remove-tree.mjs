// @ts-check
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { smallFiles } from '../fixtures.mjs'

/** rm -rf of a tree that was just made, and of one in the lower layer. @type {import('../runner.mjs').Workload} */
export default {
  name: 'remove-tree',
  group: 'tree',
  programs: ['rm', 'cp'],
  rows: [
    { key: 'new', title: 'rm -rf of a new tree', unit: 's' },
    { key: 'lower', title: 'rm -rf of a lower tree', unit: 's' },
  ],
  lower: (size) => smallFiles(size(50, 10)),
  async run({ dir, lower, client, names, time }) {
    await time('cp', ['-r', lower, join(dir, 'copy')])
    const fresh = await time('rm', ['-rf', join(dir, 'copy')])
    await client('lookupNames', { names: await names(), missing: false })
    const targets = readdirSync(lower).map((name) => join(dir, name))
    return { new: fresh, lower: await time('rm', ['-rf', ...targets]) }
  },
}
