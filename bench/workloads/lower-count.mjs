// @ts-check
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const NAMES = 500
const COUNTS = [1, 10, 100, 500]

/** Layers `0` (top-most) to `499`; every directory is in all of them, the files only in the last. */
const layers = {
  key: 'layers-500',
  /** @param {string} root */
  build(root) {
    for (const count of COUNTS) {
      for (let layer = 0; layer < count; layer++) {
        mkdirSync(join(root, `${count}`, `${layer}`, 'dir'), { recursive: true })
      }
      const last = join(root, `${count}`, `${count - 1}`, 'dir')
      for (let n = 0; n < NAMES; n++) writeFileSync(join(last, `f${n}`), '')
    }
  },
}

/**
 * First look-up of a name that only the lowest of so many layers has, and of one that none has.
 * @type {import('../runner.mjs').Workload}
 */
export default {
  name: 'lower-count',
  group: 'scale',
  slow: true,
  mountsOnly: true,
  ownMounts: true,
  rows: COUNTS.flatMap((count) => [
    {
      key: `found${count}`,
      title: `cold look-up in the last of ${count} layers`,
      unit: /** @type {const} */ ('us'),
    },
    {
      key: `missing${count}`,
      title: `cold look-up of a missing name, ${count} layers`,
      unit: /** @type {const} */ ('us'),
    },
  ]),
  async run({ template, mount, unmount, client, dropCaches }) {
    const root = await template(layers)
    const names = Array.from({ length: NAMES }, (_, n) => `dir/f${n}`)
    /** @type {Record<string, number>} */
    const figures = {}
    for (const count of COUNTS) {
      // Relative names: the kernel takes no more than a page of options.
      const lowers = Array.from({ length: count }, (_, layer) => `${layer}`)
      const mounted = await mount(lowers, join(root, `${count}`))
      try {
        await dropCaches()
        const found = await client('lookupNames', { names, missing: false }, mounted.dir)
        const other = names.map((name) => `${name}.missing`)
        const missing = await client('lookupNames', { names: other, missing: true }, mounted.dir)
        figures[`found${count}`] = (found.seconds / NAMES) * 1e6
        figures[`missing${count}`] = (missing.seconds / NAMES) * 1e6
      } finally {
        await unmount(mounted)
      }
    }
    return figures
  },
}
