#!/usr/bin/env node
// @ts-check
// Usage: node bench/engines.mjs [--quick] [--rounds N] ...   (--help for the rest)
// Needs root, /dev/fuse, podman, docker.io, runc, busybox-static and fuse-overlayfs. Leaves a JSON and
// a Markdown file in bench/results, and nothing else: stores, mounts and daemons are removed, also on
// SIGINT, SIGTERM and SIGHUP.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { makeImageSources, stepsOf, writeContainerfile } from './engine-image.mjs'
import { startDocker, startPodman } from './engine-stores.mjs'
import { describeMachine, fileSystemOf } from './machine.mjs'
import {
  endChildren,
  findProgram,
  limitPrograms,
  processesMentioning,
  run,
  sleep,
} from './processes.mjs'
import { toMarkdown } from './report.mjs'
import { summarize } from './statistics.mjs'
import { versionOf } from './subjects.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const engines = { podman: startPodman, docker: startDocker }
const LIMIT_SECONDS = 900
const END_MS = 10_000

const usage = `Usage: node bench/engines.mjs [options]

Builds one image with podman and with Docker, on tsoverlayfs, fuse-overlayfs and kernel overlayfs in
turn, several times over, and tells the time of each step, as seconds and as ratios.

  --quick             a small image, one round
  --rounds N          rounds (default 3; quick: 1)
  --engine NAME       only podman, or only docker
  --peer PATH         the other program (default: fuse-overlayfs from PATH)
  --candidate PATH    the program to measure as tsoverlayfs (default: bin/tsoverlayfs)
  --dir DIR           where stores are made (default: the temporary directory)
  --out DIR           where results go (default: bench/results)
  --help              this text
`

/** @typedef {import('./engine-stores.mjs').EngineSubject} EngineSubject */
/** @typedef {import('./engine-stores.mjs').Store} Store */

/** @param {string[]} argv */
function parseArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    strict: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      engine: { type: 'string' },
      peer: { type: 'string', default: 'fuse-overlayfs' },
      candidate: { type: 'string', default: join(here, '../bin/tsoverlayfs') },
      dir: { type: 'string' },
      out: { type: 'string', default: join(here, 'results') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new Error(`--rounds ${values.rounds}: expected a whole number from 1`)
  }
  const names = /** @type {(keyof typeof engines)[]} */ (Object.keys(engines))
  const chosen = names.filter((name) => values.engine === undefined || values.engine === name)
  if (chosen.length === 0) throw new Error(`--engine ${values.engine}: podman or docker`)
  return { ...values, rounds, engines: chosen, dir: values.dir ?? tmpdir() }
}

/** @typedef {ReturnType<typeof parseArguments>} Arguments */

/** @param {Arguments} args @returns {Promise<EngineSubject[]>} */
async function findSubjects({ candidate, peer, engines: chosen }) {
  const needed = ['runc', 'busybox', ...chosen, ...(chosen.includes('docker') ? ['dockerd'] : [])]
  const absent = needed.filter((name) => findProgram(name) === null)
  if (absent.length > 0) throw new Error(`not found in PATH: ${absent.join(', ')}`)
  const own = resolve(candidate)
  const other = findProgram(peer)
  if (!existsSync(own)) throw new Error(`${own} does not exist; run npm run build`)
  if (other === null) throw new Error(`${peer}: not found; apt-get install fuse-overlayfs`)
  const otherName = basename(other)
  return [
    {
      name: 'tsoverlayfs',
      title: `tsoverlayfs ${await versionOf(own)}`,
      kind: 'ours',
      program: own,
    },
    {
      name: otherName,
      title: `${otherName} ${await versionOf(other)}`,
      kind: 'peer',
      program: resolve(other),
    },
    { name: 'kernel', title: 'kernel overlayfs', kind: 'kernel', program: null },
  ]
}

/** Kill, unmount and remove everything below a directory. @param {string} dir */
async function tearDown(dir) {
  for (const deadline = Date.now() + END_MS; ; await sleep(50)) {
    const left = processesMentioning(dir)
    if (left.length === 0 || Date.now() > deadline) break
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (cause) {
        // It has ended meanwhile.
        if (/** @type {NodeJS.ErrnoException} */ (cause).code !== 'ESRCH') throw cause
      }
    }
  }
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${dir}/`))
  for (const point of points.reverse()) await run('umount', ['-l', point], { cpus: null })
  rmSync(dir, { recursive: true, force: true })
}

/**
 * One sample: import, build, run, and forget.
 * @param {Store} store @param {{ archive: string, context: string }} sources
 * @param {readonly import('./engine-image.mjs').Step[]} steps
 */
async function takeSample(store, { archive, context }, steps) {
  writeContainerfile(context, store.base, steps)
  const imported = await store.importBase(archive)
  const build = await store.build(context)
  if (build.steps.length !== steps.length + 1) {
    throw new Error(`${build.steps.length} steps seen of ${steps.length + 1}`)
  }
  const ran = await store.runContainer()
  await store.forget()
  // The first is FROM, which mounts nothing.
  return [imported, ...build.steps.slice(1), build.seconds, ran]
}

/**
 * Every round measures every engine on every overlay, the overlays taking turns in going first.
 * @param {Arguments} args @param {readonly EngineSubject[]} subjects @param {string} dir
 */
async function measure(args, subjects, dir) {
  const steps = stepsOf(args.quick)
  const sources = await makeImageSources(dir, args.quick)
  /** @type {Map<string, number[]>} Samples by "engine row subject" */
  const samples = new Map()
  for (let round = 0; round < args.rounds; round++) {
    const turn = round % subjects.length
    for (const engine of args.engines) {
      for (const subject of [...subjects.slice(turn), ...subjects.slice(0, turn)]) {
        process.stderr.write(`round ${round + 1}/${args.rounds} ${engine} on ${subject.name}\n`)
        // Short: paths of sockets below it must stay under 108 bytes.
        const place = mkdtempSync(join(dir, 's'))
        const store = await engines[engine](place, subject)
        const figures = await takeSample(store, sources, steps)
        await store.stop()
        await tearDown(place)
        figures.forEach((seconds, row) => {
          const key = `${engine} ${row} ${subject.name}`
          samples.set(key, [...(samples.get(key) ?? []), seconds])
        })
      }
    }
  }
  const titles = ['import the base', ...steps.map(({ title }) => title), 'the whole build']
  return { samples, titles: [...titles, 'run and remove a container'] }
}

/**
 * @param {Arguments} args @param {readonly EngineSubject[]} subjects
 * @param {{ samples: Map<string, number[]>, titles: string[] }} measured
 * @returns {import('./report.mjs').ReportRow[]}
 */
function tabulate(args, subjects, { samples, titles }) {
  return args.engines.flatMap((engine) =>
    titles.map((title, row) => {
      const cells = subjects.map(({ name }) => {
        const taken = samples.get(`${engine} ${row} ${name}`) ?? []
        return [name, { ...summarize(taken), disturbed: 0 }]
      })
      return {
        id: `${engine}/${row}`,
        title: `${engine}: ${title}`,
        unit: 's',
        better: /** @type {const} */ ('lower'),
        cells: Object.fromEntries(cells),
      }
    }),
  )
}

/** @param {Arguments} args */
async function benchmark(args) {
  if (process.getuid?.() !== 0) throw new Error('needs root: run it with sudo, or in a container')
  const type = fileSystemOf(args.dir)
  if (type === 'overlayfs' || type === 'fuse') {
    throw new Error(`${args.dir} is on ${type} and cannot hold an upper layer; choose with --dir`)
  }
  const subjects = await findSubjects(args)
  limitPrograms(LIMIT_SECONDS)
  const machine = describeMachine(args.dir)
  const begin = Date.now()
  const dir = mkdtempSync(join(args.dir, 'tsov-engines-'))
  const close = async () => {
    endChildren()
    await tearDown(dir)
  }
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.once(signal, () => {
      process.stderr.write(`${signal}: cleaning up\n`)
      close().finally(() => process.exit(130))
    })
  }
  try {
    const measured = await measure(args, subjects, dir)
    /** @type {import('./report.mjs').Report} */
    const report = {
      machine,
      options: { quick: args.quick, rounds: args.rounds, arguments: process.argv.slice(2) },
      subjects: subjects.map(({ name, title, kind }) => ({ name, title, kind })),
      missing: [],
      skipped: [],
      failed: [],
      changedLowers: [],
      seconds: (Date.now() - begin) / 1000,
      rows: tabulate(args, subjects, measured),
    }
    mkdirSync(args.out, { recursive: true })
    const stamp = machine.date.slice(0, 16).replace(':', '')
    const base = join(args.out, `${stamp}-engines${args.quick ? '-quick' : ''}`)
    writeFileSync(`${base}.json`, `${JSON.stringify(report, null, 1)}\n`)
    writeFileSync(`${base}.md`, toMarkdown(report))
    process.stdout.write(`${toMarkdown(report)}\nwritten: ${base}.json, .md\n`)
  } finally {
    await close()
  }
}

try {
  const args = parseArguments(process.argv.slice(2))
  if (args.help) process.stdout.write(usage)
  else await benchmark(args)
} catch (cause) {
  process.stderr.write(`bench: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 2
}
