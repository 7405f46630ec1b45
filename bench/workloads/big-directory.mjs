// @ts-check
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

const FULL = 1_000_000
const SMALL = 100_000

/** @param {number} entries @returns {import('../fixtures.mjs').Fixture} */
function emptyFiles(entries) {
  return {
    key: `entries-${entries}`,
    build(root) {
      for (let n = 0; n < entries; n++) closeSync(openSync(join(root, `e${n}`), 'wx'))
    },
  }
}

const steps = ['list', 'lookup', 'create', 'delete']

/**
 * A directory of 100,000 names and one of 1,000,000: list it, look up each name, make as many more,
 * delete them all. Microseconds for each name, so that linear time shows as equal figures.
 * @type {import('../runner.mjs').Workload}
 */
export default {
  name: 'big-directory',
  group: 'scale',
  slow: true,
  ownMounts: true,
  rows: [SMALL, FULL].flatMap((entries) =>
    steps.map((step) => ({
      key: `${step}${entries}`,
      title: `${step}, directory of ${entries.toLocaleString('en')}, each name`,
      unit: /** @type {const} */ ('us'),
    })),
  ),
  async run({ template, mount, unmount, client, size }) {
    /** @type {Record<string, number>} */
    const figures = {}
    for (const entries of new Set([SMALL, size(FULL, SMALL)])) {
      const mounted = await mount([await template(emptyFiles(entries))])
      try {
        const seconds = await client('bigDirectory', { entries }, mounted.dir)
        for (const step of steps) {
          const calls = step === 'delete' ? 2 * entries : entries
          figures[`${step}${entries}`] = (seconds[step] / calls) * 1e6
        }
      } finally {
        await unmount(mounted)
      }
    }
    return figures
  },
}
