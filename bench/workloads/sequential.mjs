// @ts-check
import { largeFile } from '../fixtures.mjs'

const MB = 1e6

/** One large file in 1 MiB pieces: a lower one read, a new one written.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'sequential',
  group: 'data',
  rows: [
    { key: 'readCold', title: 'sequential read, cold', unit: 'MB/s', better: 'higher' },
    { key: 'readWarm', title: 'sequential read, warm', unit: 'MB/s', better: 'higher' },
    { key: 'readDirect', title: 'sequential read, O_DIRECT', unit: 'MB/s', better: 'higher' },
    { key: 'write', title: 'sequential write, buffered', unit: 'MB/s', better: 'higher' },
    { key: 'writeSync', title: 'sequential write and fsync', unit: 'MB/s', better: 'higher' },
    { key: 'writeDirect', title: 'sequential write, O_DIRECT', unit: 'MB/s', better: 'higher' },
  ],
  lower: (size) => largeFile(size(1024, 96)),
  async run({ client, dropCaches, size }) {
    const rate = async (/** @type {string} */ operation, /** @type {object} */ options) => {
      const { seconds, bytes } = await client(operation, options)
      return bytes / MB / seconds
    }
    const sizeMiB = size(1024, 96)
    const old = { name: 'data', direct: false }
    await dropCaches()
    const readCold = await rate('readSequential', old)
    await rate('readSequential', old)
    const readWarm = await rate('readSequential', old)
    const readDirect = await rate('readSequential', { ...old, direct: true })
    const fresh = { sizeMiB, direct: false, sync: false }
    const write = await rate('writeSequential', { ...fresh, name: 'buffered' })
    const writeSync = await rate('writeSequential', { ...fresh, name: 'synced', sync: true })
    const writeDirect = await rate('writeSequential', { ...fresh, name: 'direct', direct: true })
    return { readCold, readWarm, readDirect, write, writeSync, writeDirect }
  },
}
