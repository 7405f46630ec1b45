// @ts-check
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { memoryOf, sleep } from '../processes.mjs'

const IN_DIRECTORY = 1000
const SETTLE_MS = 2000

/** @param {number} files @returns {import('../fixtures.mjs').Fixture} */
function manyInodes(files) {
  return {
    key: `inodes-${files}`,
    build(root) {
      for (let d = 0; d * IN_DIRECTORY < files; d++) {
        const dir = join(root, `d${d}`)
        mkdirSync(dir)
        for (let f = 0; f < IN_DIRECTORY; f++) closeSync(openSync(join(dir, `f${f}`), 'wx'))
      }
    },
  }
}

/**
 * The server's memory when the kernel knows 1,000,000 of its inodes, and after it has let them go.
 * @type {import('../runner.mjs').Workload}
 */
export default {
  name: 'inode-memory',
  group: 'scale',
  programs: ['find'],
  slow: true,
  daemonsOnly: true,
  ownMounts: true,
  rows: [
    { key: 'perInode', title: 'memory for each known inode', unit: 'bytes' },
    { key: 'known', title: 'memory with all inodes known', unit: 'MiB' },
    { key: 'forgotten', title: 'memory after the kernel forgot them', unit: 'MiB' },
  ],
  async run({ template, mount, unmount, time, size, dropInodes }) {
    const files = size(1_000_000, 20_000)
    const mounted = await mount([await template(manyInodes(files))])
    try {
      const { daemon } = mounted
      if (daemon === null) throw new Error('inode-memory: the kernel serves this mount')
      const before = memoryOf(daemon).rssMiB
      await time('find', [mounted.dir, '-type', 'f', '-size', '+100M'])
      const known = memoryOf(daemon).rssMiB
      await dropInodes()
      await sleep(SETTLE_MS)
      const forgotten = memoryOf(daemon).rssMiB
      return { perInode: ((known - before) * 2 ** 20) / files, known, forgotten }
    } finally {
      await unmount(mounted)
    }
  },
}
