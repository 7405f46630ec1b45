/** Lower hard links with `index=on`: one copy, several names, and a link count of its own on disk. */
import type { Operation } from '../../operation.js'
import { dir, file } from '../../standard-layers.js'
import type { FaultCase } from '../case.js'

const linked: readonly Operation[] = [
  dir('d'),
  file('a', 'linked'),
  { op: 'link', from: 'a', to: 'b' },
  { op: 'link', from: 'a', to: 'd/c' },
  file('single', 'of one name'),
]
const touched: Operation = { op: 'chmod', path: 'a', mode: 0o600 }
const lowers = [linked]
const options = 'index=on'

export const indexedCases: readonly FaultCase[] = [
  {
    title: 'index: copy-up under the first name',
    lowers,
    options,
    call: { op: 'open', as: 'h', path: 'd/c', flags: ['read-write'] },
  },
  {
    title: 'index: chmod under another name',
    lowers,
    options,
    setup: [touched],
    call: { op: 'chmod', path: 'd/c', mode: 0o640 },
  },
  { title: 'index: unlink of a lower name', lowers, options, call: { op: 'unlink', path: 'b' } },
  {
    title: 'index: unlink of the last name',
    lowers,
    options,
    setup: [
      { op: 'unlink', path: 'a' },
      { op: 'unlink', path: 'd/c' },
    ],
    call: { op: 'unlink', path: 'b' },
  },
  {
    title: 'index: link',
    lowers,
    options,
    setup: [touched],
    call: { op: 'link', from: 'b', to: 'd/new' },
  },
  {
    title: 'index: rename of a lower name',
    lowers,
    options,
    setup: [touched],
    call: { op: 'rename', from: 'b', to: 'd/moved' },
  },
  {
    title: 'index: rename over a lower name',
    lowers,
    options,
    call: { op: 'rename', from: 'single', to: 'd/c' },
  },
  {
    title: 'index: rename over the last name',
    lowers,
    options,
    setup: [
      { op: 'unlink', path: 'a' },
      { op: 'unlink', path: 'd/c' },
    ],
    call: { op: 'rename', from: 'single', to: 'b' },
  },
]
