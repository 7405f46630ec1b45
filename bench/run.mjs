#!/usr/bin/env node
// @ts-check
// Usage: npm run bench -- [--quick] [--only ...]   (--help for the rest)
// Needs root and /dev/fuse. Leaves a JSON, a Markdown and an SVG file in bench/results, and nothing
// else: layers, mounts and servers are removed, also on SIGINT, SIGTERM and SIGHUP.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { matches, parseArguments, usage } from './arguments.mjs'
import { toSvg } from './chart.mjs'
import { describeMachine, fileSystemOf } from './machine.mjs'
import { findProgram, limitPrograms, pinClients } from './processes.mjs'
import { judge, toMarkdown } from './report.mjs'
import { Runner } from './runner.mjs'
import { summarize } from './statistics.mjs'
import { findSubjects } from './subjects.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
/** A sample that somebody else's cache drop spoilt is taken again so many times. */
const RETRIES = 2

/** @returns {Promise<import('./runner.mjs').Workload[]>} */
async function loadWorkloads() {
  const dir = join(here, 'workloads')
  const names = readdirSync(dir).filter((name) => name.endsWith('.mjs'))
  const modules = names.sort().map((name) => import(pathToFileURL(join(dir, name)).href))
  return (await Promise.all(modules)).map((module) => module.default)
}

/**
 * @param {readonly import('./runner.mjs').Workload[]} all
 * @param {import('./arguments.mjs').Arguments} args
 */
function chooseWorkloads(all, args) {
  /** @type {string[]} */
  const skipped = []
  const chosen = all.filter((workload) => {
    const { name, group, programs = [] } = workload
    const named = matches(name, args.only) || matches(group, args.only)
    if (args.only.length > 0 && !named) return false
    if (matches(name, args.skip) || matches(group, args.skip)) return false
    if (workload.slow && !args.scale && !named) return false
    const absent = programs.filter((program) => findProgram(program) === null)
    if (absent.length === 0) return true
    skipped.push(`${name}: ${absent.join(', ')} not found; apt-get install ${absent.join(' ')}`)
    return false
  })
  return { chosen, skipped }
}

/**
 * @param {import('./runner.mjs').Workload} workload
 * @param {import('./subjects.mjs').Subject} subject
 */
function applies(workload, subject) {
  if (subject.variant) return workload.group === 'data'
  if (workload.daemonsOnly) return subject.kind === 'ours' || subject.kind === 'peer'
  return !(workload.mountsOnly && subject.kind === 'bare')
}

/** @typedef {Map<string, { samples: number[], disturbed: number }>} Samples by "row subject" */

/**
 * @param {Runner} runner
 * @param {import('./runner.mjs').Workload} workload
 * @param {import('./subjects.mjs').Subject} subject
 * @param {Samples} samples
 */
async function takeSample(runner, workload, subject, samples) {
  let taken = await runner.sample(workload, subject)
  for (let retry = 0; taken.disturbed && retry < RETRIES; retry++) {
    taken = await runner.sample(workload, subject)
  }
  for (const row of workload.rows) {
    const value = taken.figures[row.key]
    if (value === undefined) continue
    const key = `${workload.name}/${row.key} ${subject.name}`
    const cell = samples.get(key) ?? { samples: [], disturbed: 0 }
    cell.samples.push(value)
    if (taken.disturbed) cell.disturbed++
    samples.set(key, cell)
  }
}

/**
 * Every round runs every workload on every subject, the subjects taking turns in going first, so
 * that a slow minute of the machine hits all of them alike.
 * @param {Runner} runner
 * @param {readonly import('./runner.mjs').Workload[]} workloads
 * @param {readonly import('./subjects.mjs').Subject[]} subjects
 * @param {{ rounds: number, budgetSeconds: number }} limits
 */
async function measure(runner, workloads, subjects, { rounds, budgetSeconds }) {
  const start = Date.now()
  let done = 0
  /** @type {Samples} */
  const samples = new Map()
  /** @type {Set<string>} */
  const failed = new Set()
  /** @type {Set<string>} what failed once fails again: it is not tried in the next round */
  const hopeless = new Set()
  for (let round = 0; round < rounds; round++) {
    for (const [position, workload] of workloads.entries()) {
      const turn = (round + position) % subjects.length
      for (const subject of [...subjects.slice(turn), ...subjects.slice(0, turn)]) {
        const pair = `${workload.name} ${subject.name}`
        if (!applies(workload, subject) || hopeless.has(pair)) continue
        const begin = Date.now()
        process.stderr.write(`round ${round + 1}/${rounds} ${workload.name} ${subject.name}`)
        try {
          await takeSample(runner, workload, subject, samples)
          process.stderr.write(` (${((Date.now() - begin) / 1000).toFixed(1)} s)\n`)
        } catch (cause) {
          const text = cause instanceof Error ? cause.message : String(cause)
          hopeless.add(pair)
          failed.add(`${workload.name} on ${subject.name}: ${text.trim().replace(/\s+/g, ' ')}`)
          process.stderr.write(` failed: ${text}\n`)
          await runner.sweep()
        }
      }
    }
    runner.endRound()
    done++
    const elapsedSeconds = (Date.now() - start) / 1000
    if (elapsedSeconds * ((done + 1) / done) > budgetSeconds) break
  }
  return { samples, failed: [...failed], rounds: done }
}

/**
 * @param {readonly import('./runner.mjs').Workload[]} workloads
 * @param {readonly import('./subjects.mjs').Subject[]} subjects
 * @param {Samples} samples
 * @returns {import('./report.mjs').ReportRow[]}
 */
function tabulate(workloads, subjects, samples) {
  return workloads.flatMap((workload) =>
    workload.rows.map(({ key, title, unit, better = 'lower' }) => {
      const id = `${workload.name}/${key}`
      /** @type {Record<string, import('./report.mjs').Cell>} */
      const cells = {}
      for (const { name } of subjects) {
        const cell = samples.get(`${id} ${name}`)
        if (cell !== undefined) {
          cells[name] = { ...summarize(cell.samples), disturbed: cell.disturbed }
        }
      }
      return { id, title, unit, better, cells }
    }),
  )
}

/** @param {import('./arguments.mjs').Arguments} args @param {import('./report.mjs').Report} report */
function writeResults(args, report) {
  const dir = resolve(args.out ?? join(here, 'results'))
  mkdirSync(dir, { recursive: true })
  const stamp = report.machine.date.slice(0, 16).replace(':', '')
  const base = join(dir, `${stamp}${args.quick ? '-quick' : ''}`)
  writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 1)}\n`)
  writeFileSync(`${base}.md`, toMarkdown(report))
  writeFileSync(`${base}.svg`, toSvg(report))
  process.stdout.write(`${toMarkdown(report)}\nwritten: ${base}.json, .md, .svg\n`)
}

/** @param {string} parent */
function checkPlace(parent) {
  if (process.getuid?.() !== 0) throw new Error('needs root: run it with sudo, or in a container')
  const type = fileSystemOf(parent)
  if (type === 'overlayfs' || type === 'fuse') {
    throw new Error(`${parent} is on ${type} and cannot hold an upper layer; choose with --dir`)
  }
}

/** @param {import('./arguments.mjs').Arguments} args @returns {Promise<number>} exit code */
async function benchmark(args) {
  const { chosen, skipped } = chooseWorkloads(await loadWorkloads(), args)
  if (args.list) {
    for (const { name, group, rows } of await loadWorkloads()) {
      process.stdout.write(`${name} (${group}): ${rows.map(({ title }) => title).join('; ')}\n`)
    }
    return 0
  }
  const parent = args.dir ?? tmpdir()
  checkPlace(parent)
  const { subjects, missing } = await findSubjects(args, resolve(here, '../bin/tsoverlayfs'))
  for (const reason of [...missing, ...skipped]) process.stderr.write(`not measured: ${reason}\n`)
  if (subjects.length === 0 || chosen.length === 0) throw new Error('nothing to measure')
  limitPrograms(args.limitSeconds)
  pinClients(args.pin?.client ?? null)

  const machine = describeMachine(parent)
  const begin = Date.now()
  const runner = new Runner({ parent, quick: args.quick })
  const stop = (/** @type {NodeJS.Signals} */ signal) => {
    process.stderr.write(`${signal}: cleaning up\n`)
    runner.close().finally(() => process.exit(130))
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, stop)
  }
  try {
    const { samples, failed, rounds } = await measure(runner, chosen, subjects, args)
    /** @type {import('./report.mjs').Report} */
    const report = {
      machine,
      options: {
        quick: args.quick,
        rounds,
        arguments: process.argv.slice(2),
      },
      subjects: subjects.map(({ name, title, kind }) => ({ name, title, kind })),
      missing,
      skipped,
      failed,
      changedLowers: runner.changedLowers,
      seconds: (Date.now() - begin) / 1000,
      rows: tabulate(chosen, subjects, samples),
    }
    writeResults(args, report)
    const missed = report.rows.flatMap((row) => judge(report, row, 'tsoverlayfs'))
    const count = missed.filter(({ met }) => !met).length
    if (missed.length > 0)
      process.stdout.write(`goals: ${missed.length - count} met, ${count} missed\n`)
    return failed.length > 0 || runner.changedLowers.length > 0 ? 1 : 0
  } finally {
    await runner.close()
  }
}

try {
  const args = parseArguments(process.argv.slice(2))
  if (args.help) process.stdout.write(usage)
  else process.exitCode = await benchmark(args)
} catch (cause) {
  process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 2
}
