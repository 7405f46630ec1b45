// @ts-check
import { join } from 'node:path'
import { largeFile } from '../fixtures.mjs'
import { run } from '../processes.mjs'

/**
 * @param {string} file
 * @param {{ engine: string, mode: 'randread' | 'randwrite', seconds: number, sizeMiB: number }} job
 * @returns {Promise<number>} MB/s
 */
async function fio(file, { engine, mode, seconds, sizeMiB }) {
  const words = [
    '--name=bench',
    `--filename=${file}`,
    `--ioengine=${engine}`,
    `--rw=${mode}`,
    '--bs=4k',
    `--size=${sizeMiB}m`,
    `--runtime=${seconds}`,
    '--time_based',
    '--randrepeat=1',
    '--invalidate=0',
    '--output-format=json',
  ]
  const { stdout } = await run('fio', words, { keepOutput: true })
  const job = JSON.parse(stdout.slice(stdout.indexOf('{'))).jobs[0]
  return (mode === 'randread' ? job.read.bw_bytes : job.write.bw_bytes) / 1e6
}

/** 4 KiB at random places, through read(2)/write(2) and through a mapping, page cache warm.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'random',
  group: 'data',
  programs: ['fio'],
  rows: [
    { key: 'readPsync', title: 'random 4 KiB read, pread', unit: 'MB/s', better: 'higher' },
    { key: 'readMmap', title: 'random 4 KiB read, mmap', unit: 'MB/s', better: 'higher' },
    { key: 'writePsync', title: 'random 4 KiB write, pwrite', unit: 'MB/s', better: 'higher' },
    { key: 'writeMmap', title: 'random 4 KiB write, mmap', unit: 'MB/s', better: 'higher' },
  ],
  lower: (size) => largeFile(size(1024, 96)),
  async run({ dir, client, size }) {
    const job = { seconds: size(3, 1), sizeMiB: size(1024, 96) }
    const file = join(dir, 'data')
    await client('readSequential', { name: 'data', direct: false })
    const read = { ...job, mode: /** @type {const} */ ('randread') }
    const readPsync = await fio(file, { ...read, engine: 'psync' })
    const readMmap = await fio(file, { ...read, engine: 'mmap' })
    // The first write open copies the file up: that is another workload's figure.
    await client('copyUp', { name: 'data' })
    const write = { ...job, mode: /** @type {const} */ ('randwrite') }
    const writePsync = await fio(file, { ...write, engine: 'psync' })
    const writeMmap = await fio(file, { ...write, engine: 'mmap' })
    return { readPsync, readMmap, writePsync, writeMmap }
  },
}
