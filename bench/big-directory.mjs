// @ts-check
// The workload of one directory with very many names, for a given number of them.
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'

/** @param {number} entries @returns {import('./fixtures.mjs').Fixture} `e0`, `e1`, ..., empty */
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
 * List the directory, look up each name, make as many more, delete them all. Microseconds for each
 * name, so that linear time shows as equal figures for two sizes.
 * @param {{ name: string, full: number, quick: number }} spec
 * @returns {import('./runner.mjs').Workload}
 */
export function directoryWorkload({ name, full, quick }) {
  return {
    name,
    group: 'scale',
    slow: true,
    ownMounts: true,
    rows: steps.map((step) => ({
      key: step,
      title: `${name.replace('-', ' ')}, ${step}, each name`,
      unit: 'us',
    })),
    async run({ template, mount, unmount, client, size }) {
      const entries = size(full, quick)
      const mounted = await mount([await template(emptyFiles(entries))])
      try {
        const seconds = await client('bigDirectory', { entries }, mounted.dir)
        return Object.fromEntries(
          steps.map((step) => {
            const calls = step === 'delete' ? 2 * entries : entries
            return [step, (seconds[step] / calls) * 1e6]
          }),
        )
      } finally {
        await unmount(mounted)
      }
    },
  }
}
