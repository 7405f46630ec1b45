/** Plans in words, one line each: what is changed, why not, what else there is to do. */
import type { Change, Plan } from './plan.js'
import { isKeptLine } from './toml-edit.js'

/** Done already, or only to be shown. */
export type Tense = 'done' | 'dry-run'

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !isKeptLine(line))
}

/** Lines of one text that the other lacks. */
function linesOnlyIn(text: string, other: string): string[] {
  const rest = linesOf(other)
  return linesOf(text).filter((line) => {
    const found = rest.indexOf(line)
    if (found >= 0) rest.splice(found, 1)
    return found < 0
  })
}

function showWrite(
  change: Change & { kind: 'write' },
  verb: (past: string, would: string) => string,
): string[] {
  const { path, was, text } = change
  return [
    was === null ? verb(`made ${path}`, `make ${path}`) : verb(`changed ${path}`, `change ${path}`),
    ...linesOnlyIn(was ?? '', text).map((line) => `    - ${line}`),
    ...linesOnlyIn(text, was ?? '').map((line) => `    + ${line}`),
  ]
}

/** One change, in a line or more. */
export function showChange(change: Change, tense: Tense): string[] {
  const verb = (past: string, would: string): string => (tense === 'done' ? past : `would ${would}`)
  switch (change.kind) {
    case 'write':
      return showWrite(change, verb)
    case 'delete':
      return [verb(`removed ${change.path}`, `remove ${change.path}`)]
    case 'link': {
      const link = `${change.path} -> ${change.target}`
      return [verb(`linked ${link}`, `link ${link}`)]
    }
    case 'unlink':
      return [verb(`removed ${change.path}`, `remove ${change.path}`)]
  }
}

/**
 * A plan as lines.
 * @param failure what stood in the way of carrying it out; null when nothing did
 */
export function showPlan(plan: Plan, tense: Tense, failure: string | null): string[] {
  const lines = [`${plan.title}:`]
  if (plan.refusal !== null) lines.push(`  refused: ${plan.refusal}`)
  else if (failure !== null) lines.push(`  failed: ${failure}`)
  else if (plan.changes.length === 0) lines.push('  nothing to change')
  if (failure === null) {
    lines.push(
      ...plan.changes.flatMap((change) => showChange(change, tense)).map((line) => `  ${line}`),
    )
  }
  lines.push(
    ...plan.notes.map((note) => (note.startsWith('to do: ') ? `  ${note}` : `  note: ${note}`)),
  )
  return lines
}
