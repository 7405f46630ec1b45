#!/usr/bin/env node
// @ts-check
// Usage: node bench/readme.mjs RESULT.json [MORE.json ...]
// Puts the medians of full runs into the README, between the marks of its benchmark block, and the
// first run's chart beside the documentation. Rows of later files are added to those of the first.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { format } from 'prettier'
import { showNumber, slowdown } from './report.mjs'

const SUBJECTS = ['tsoverlayfs', 'kernel', 'fuse-overlayfs', 'bare']
const [first, ...others] = process.argv.slice(2)
if (first === undefined) throw new Error('usage: node bench/readme.mjs RESULT.json [MORE.json ...]')

/** @param {string} path @returns {import('./report.mjs').Report} */
const read = (path) => JSON.parse(readFileSync(path, 'utf8'))

const report = read(first)
const known = new Set(report.rows.map(({ id }) => id))
const added = others.flatMap((path) => read(path).rows.filter(({ id }) => !known.has(id)))
const ratio = (/** @type {number | null} */ value) => (value === null ? '' : value.toFixed(2))
const lines = [...report.rows, ...added].map((row) => [
  `${row.title}, ${row.unit}`,
  ...SUBJECTS.map((name) => {
    const cell = row.cells[name]
    return cell === undefined ? '' : showNumber(cell.median)
  }),
  ratio(slowdown(row, 'tsoverlayfs', 'kernel')),
  ratio(slowdown(row, 'tsoverlayfs', 'fuse-overlayfs')),
])
const header = ['Workload', ...SUBJECTS, 'ours / kernel', 'ours / fuse-overlayfs']
const table = [header, header.map((_, n) => (n === 0 ? '---' : '--:')), ...lines]
const { date, kernel, node, cpu } = report.machine
const block = [
  '<!-- bench:begin -->',
  '',
  `Measured on ${date.slice(0, 10)}: ${kernel}, Node ${node}, ${cpu}; medians. Ratios are times slower than the other, so below 1 is faster, for MB/s as well.`,
  '',
  ...table.map((cells) => `| ${cells.join(' | ')} |`),
  '',
  '![Ratios to kernel overlayfs](docs/benchmark.svg)',
  '',
  '<!-- bench:end -->',
].join('\n')
const readme = readFileSync('README.md', 'utf8')
const text = readme.replace(/<!-- bench:begin -->[^]*<!-- bench:end -->/, () => block)
writeFileSync('README.md', await format(text, { parser: 'markdown' }))
copyFileSync(first.replace(/\.json$/, '.svg'), 'docs/benchmark.svg')
