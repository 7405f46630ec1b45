// @ts-check
// The same figures as a picture: one group of bars for each row, the length being how many times
// slower than kernel overlayfs (on a logarithmic scale), 1 in the middle.
import { showNumber, slowdown } from './report.mjs'

const COLOURS = ['#1f6feb', '#d1495b', '#8f9aa7', '#3a9d5d', '#b07aa1', '#e0a030']
const BAR = 9
const LABEL_WIDTH = 330
const PLOT_WIDTH = 520
const TOP = 86

/** @param {string} text */
const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

/**
 * @param {number} x @param {number} y @param {string} text
 * @param {{ anchor?: string, size?: number }} [style]
 */
function label(x, y, text, { anchor = 'start', size = 11 } = {}) {
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}">${escape(text)}</text>`
}

/** @param {import('./report.mjs').Report} report @returns {string} an SVG document */
export function toSvg(report) {
  const kinds = ['kernel', 'bare', 'peer']
  const reference = kinds
    .map((kind) => report.subjects.find((subject) => subject.kind === kind))
    .find((subject) => subject !== undefined)
  const shown = report.subjects.filter((subject) => subject !== reference)
  const groups = report.rows.flatMap((row) => {
    const bars = shown.flatMap(({ name }) => {
      const ratio = slowdown(row, name, reference?.name)
      return ratio === null ? [] : [{ name, ratio }]
    })
    return bars.length === 0 ? [] : [{ row, bars }]
  })
  const ratios = groups.flatMap(({ bars }) => bars.map(({ ratio }) => ratio))
  const span = Math.max(2, ...ratios.map((ratio) => Math.max(ratio, 1 / ratio)))
  const middle = LABEL_WIDTH + PLOT_WIDTH / 2
  const at = (/** @type {number} */ ratio) =>
    middle + ((Math.log(ratio) / Math.log(span)) * PLOT_WIDTH) / 2
  const colourOf = (/** @type {string} */ name) =>
    COLOURS[shown.findIndex((subject) => subject.name === name) % COLOURS.length] ?? '#000'

  /** @type {string[]} */
  const parts = []
  let y = TOP
  for (const { row, bars } of groups) {
    parts.push(
      label(LABEL_WIDTH - 8, y + bars.length * BAR * 0.5 + 4, row.title, { anchor: 'end' }),
    )
    for (const { name, ratio } of bars) {
      const left = Math.min(at(ratio), middle)
      const width = Math.max(1, Math.abs(at(ratio) - middle)).toFixed(1)
      parts.push(
        `<rect x="${left.toFixed(1)}" y="${y}" width="${width}" height="${BAR - 1}" fill="${colourOf(name)}"/>`,
        label(LABEL_WIDTH + PLOT_WIDTH + 8, y + BAR - 1, `${showNumber(ratio)}x`, { size: 8 }),
      )
      y += BAR
    }
    y += 8
  }
  return frame({ report, shown, reference, parts, colourOf, at, span, bottom: y })
}

/**
 * @param {object} drawing
 * @param {import('./report.mjs').Report} drawing.report
 * @param {{ name: string, title: string }[]} drawing.shown
 * @param {{ title: string } | undefined} drawing.reference
 * @param {string[]} drawing.parts
 * @param {(name: string) => string} drawing.colourOf
 * @param {(ratio: number) => number} drawing.at
 * @param {number} drawing.span
 * @param {number} drawing.bottom
 */
function frame({ report, shown, reference, parts, colourOf, at, span, bottom }) {
  const width = LABEL_WIDTH + PLOT_WIDTH + 60
  const ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100].filter(
    (tick) => tick <= span && tick >= 1 / span,
  )
  const { machine } = report
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 30}" font-family="sans-serif">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    label(10, 20, `Times slower than ${reference?.title ?? 'nothing'} (left of 1 = faster)`, {
      size: 14,
    }),
    label(
      10,
      38,
      `${machine.date.slice(0, 10)}, ${machine.kernel}, Node ${machine.node}, ${machine.cpu}`,
    ),
    ...shown.map(({ name, title }, n) => {
      const x = 10 + n * 215
      const swatch = `<rect x="${x}" y="48" width="10" height="10" fill="${colourOf(name)}"/>`
      return swatch + label(x + 14, 57, title, { size: 10 })
    }),
    ...ticks.map((tick) => {
      const x = at(tick).toFixed(1)
      const line = `<line x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${bottom}" stroke="${tick === 1 ? '#444' : '#ddd'}"/>`
      return line + label(Number(x), TOP - 10, `${tick}x`, { anchor: 'middle', size: 9 })
    }),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}
