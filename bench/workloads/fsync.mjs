// @ts-check

/** Writes that are each flushed: a log, and small files. @type {import('../runner.mjs').Workload} */
export default {
  name: 'fsync',
  group: 'program',
  rows: [
    { key: 'log', title: 'append and fsync, one file', unit: 's' },
    { key: 'files', title: 'create, write and fsync, many files', unit: 's' },
  ],
  async run({ client, size }) {
    return client('fsyncWrites', { count: size(1000, 100) })
  },
}
