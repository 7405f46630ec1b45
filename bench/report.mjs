// @ts-check
// Figures to text: ratios, goals, and the Markdown table. Pure: nothing is measured or written here.
import { goals, goalsWithoutPassthrough } from './goals.mjs'

/**
 * @typedef {{ median: number, min: number, max: number, samples: number[], disturbed: number }} Cell
 */
/**
 * @typedef {object} ReportRow
 * @property {string} id workload/row
 * @property {string} title
 * @property {string} unit
 * @property {'lower' | 'higher'} better
 * @property {Record<string, Cell>} cells by subject name
 */
/**
 * @typedef {object} Report
 * @property {ReturnType<typeof import('./machine.mjs').describeMachine>} machine
 * @property {{ quick: boolean, rounds: number, arguments: string[] }} options
 * @property {{ name: string, title: string, kind: string }[]} subjects
 * @property {string[]} missing subjects that could not be measured, and why
 * @property {string[]} skipped workloads left out, and why
 * @property {string[]} failed samples that ended in an error
 * @property {string[]} changedLowers fixtures whose lower layer was written to: must be empty
 * @property {number} seconds
 * @property {ReportRow[]} rows
 */

/**
 * How many times slower (or bigger) than the reference; below 1 is better, whatever the unit.
 * @param {ReportRow} row @param {string} subject @param {string | undefined} reference
 */
export function slowdown(row, subject, reference) {
  const own = row.cells[subject]?.median
  const other = reference === undefined ? undefined : row.cells[reference]?.median
  if (own === undefined || other === undefined || own === 0 || other === 0) return null
  return row.better === 'lower' ? own / other : other / own
}

/** @param {Report} report @param {string} kind */
const firstOf = (report, kind) => report.subjects.find((subject) => subject.kind === kind)?.name

/**
 * The goals are those of our own session: libfuse, which serves the same overlay, has none.
 * @param {Report} report
 * @param {ReportRow} row
 * @param {string} subject
 * @returns {{ text: string, met: boolean }[]}
 */
export function judge(report, row, subject) {
  const table = subject.includes('passthrough=off') ? goalsWithoutPassthrough : goals
  const cell = row.cells[subject]
  if (cell === undefined || !subject.startsWith('tsoverlayfs')) return []
  const prefix = subject.startsWith('tsoverlayfs ') ? `${subject.slice(12)} ` : ''
  return (table[row.id] ?? []).flatMap(({ against, limit }) => {
    if (against === 'absolute') {
      return [{ text: `${prefix}<= ${limit} ${row.unit}`, met: cell.median <= limit }]
    }
    const ratio = slowdown(row, subject, firstOf(report, against))
    if (ratio === null) return []
    if (row.better === 'higher') {
      return [{ text: `${prefix}>= ${limit} of ${against}`, met: 1 / ratio >= limit }]
    }
    return [{ text: `${prefix}<= ${limit} of ${against}`, met: ratio <= limit }]
  })
}

/** @param {number} value */
export function showNumber(value) {
  if (value === 0) return '0'
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.01 ? 3 : 5)
}

/** @param {Cell | undefined} cell */
function showCell(cell) {
  if (cell === undefined) return '-'
  const spread = cell.samples.length > 1 ? ` (${showNumber(cell.min)}-${showNumber(cell.max)})` : ''
  return `${showNumber(cell.median)}${spread}${cell.disturbed > 0 ? ' !' : ''}`
}

/** @param {Report} report */
function headLines({ machine, options, subjects, seconds }) {
  const parameters = Object.entries(machine.overlayParameters)
  return [
    `# Benchmark of ${machine.date.slice(0, 10)}${options.quick ? ' (quick form)' : ''}`,
    '',
    `- Kernel: ${machine.kernel}`,
    `- Node: ${machine.node}`,
    `- CPU: ${machine.cpu}, ${machine.memoryMiB} MiB; load at the start ${machine.loadAtStart.join(' ')}`,
    `- Layers on: ${machine.fileSystem}`,
    `- Commit: ${machine.commit ?? 'unknown'}`,
    `- Options: \`${options.arguments.join(' ') || '(none)'}\`; ${options.rounds} rounds, ${Math.round(seconds)} s`,
    `- Kernel overlayfs parameters: ${parameters.map(([name, value]) => `${name}=${value}`).join(' ')}`,
    ...subjects.map(({ title }) => `- Measured: ${title}`),
    '',
    'Each cell: median (lowest-highest). Ratios are times slower than the other, so below 1 is faster;',
    '`!` marks a sample during which somebody else dropped the caches.',
    '',
  ]
}

/** @param {Report} report @returns {string} */
export function toMarkdown(report) {
  const names = report.subjects.map(({ name }) => name)
  const ours = report.subjects.filter(({ kind }) => kind === 'ours').map(({ name }) => name)
  const references = /** @type {const} */ (['kernel', 'peer']).flatMap((kind) => {
    const name = firstOf(report, kind)
    return name === undefined ? [] : [name]
  })
  const judged = ours.length > 0 ? ours : names.filter((name) => !references.includes(name))
  const pairs = judged.flatMap((own) => references.map((other) => ({ own, other })))
  if (ours.length === 0 && references.length === 2) {
    pairs.unshift({ own: references[1] ?? '', other: references[0] ?? '' })
  }
  const header = [
    'Workload',
    'Unit',
    ...names,
    ...pairs.map(({ own, other }) => `${own} / ${other}`),
    'Goal',
  ]
  const lines = report.rows.map((row) => {
    const verdicts = ours.flatMap((own) => judge(report, row, own))
    return [
      row.title,
      row.unit,
      ...names.map((name) => showCell(row.cells[name])),
      ...pairs.map(({ own, other }) => {
        const ratio = slowdown(row, own, other)
        return ratio === null ? '-' : ratio.toFixed(2)
      }),
      verdicts.map(({ text, met }) => `${met ? 'met' : 'MISSED'}: ${text}`).join('; ') || '-',
    ]
  })
  const table = [header, header.map((_, n) => (n < 2 ? '---' : '--:')), ...lines]
  return [
    ...headLines(report),
    ...table.map((cells) => `| ${cells.join(' | ')} |`),
    ...listed('Not measured', [...report.missing, ...report.skipped]),
    ...listed('Failed', report.failed),
    ...listed('LOWER LAYERS CHANGED', report.changedLowers),
    '',
  ].join('\n')
}

/** @param {string} title @param {readonly string[]} items */
function listed(title, items) {
  return items.length === 0 ? [] : ['', `${title}:`, '', ...items.map((item) => `- ${item}`)]
}
