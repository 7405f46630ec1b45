// @ts-check

/** Eight clients at once, each with a mix of creates, reads, renames, look-ups and unlinks.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'parallel',
  group: 'tree',
  rows: [{ key: 'mix', title: 'eight clients, mixed operations', unit: 's' }],
  async run({ client, size }) {
    const { seconds } = await client('mixParallel', { clients: 8, files: size(1000, 200) })
    return { mix: seconds }
  },
}
