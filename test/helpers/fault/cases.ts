/** The operations that take more than one step on disk. */
import { dir, file } from '../standard-layers.js'
import type { FaultCase } from './case.js'

const plain = [[file('f', 'content of f', 0o640), dir('d'), file('d/x'), file('g')]] as const

export const faultCases: readonly FaultCase[] = [
  {
    title: 'copy-up of a file',
    lowers: plain,
    call: { op: 'open', as: 'h', path: 'f', flags: ['read-write'] },
  },
  { title: 'unlink of a lower file', lowers: plain, call: { op: 'unlink', path: 'f' } },
  {
    title: 'mkdir over a whiteout',
    lowers: plain,
    setup: [
      { op: 'unlink', path: 'd/x' },
      { op: 'rmdir', path: 'd' },
    ],
    call: { op: 'mkdir', path: 'd', mode: 0o755 },
  },
]
