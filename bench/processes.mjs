// @ts-check
// Child processes of the benchmark: run to the end, timed, and ended with us if we are stopped.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()

/** CPU list that programs run on, or null to leave it to the scheduler. */
const placement = { client: /** @type {string | null} */ (null) }

/** Seconds after which a program is ended and its sample counts as failed. */
const limit = { seconds: 900 }

/** @param {number} seconds */
export function limitPrograms(seconds) {
  limit.seconds = seconds
}

/** @param {string | null} cpus */
export function pinClients(cpus) {
  placement.client = cpus
}

/** @param {string} name @returns {string | null} its path, or null when PATH has none */
export function findProgram(name) {
  if (name.includes('/')) return existsSync(name) ? name : null
  const dirs = (process.env['PATH'] ?? '').split(delimiter)
  return dirs.map((dir) => join(dir, name)).find((path) => existsSync(path)) ?? null
}

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd]
 * @property {string} [input] text for its standard input
 * @property {NodeJS.ProcessEnv} [env] added to ours
 * @property {string | null} [cpus] CPU list; absent = the clients' one
 * @property {boolean} [keepOutput] collect standard output (else it is thrown away)
 * @property {(line: string, seconds: number) => void} [onLine] hears each line of standard output,
 *   with the seconds since the start; needs keepOutput
 */

/**
 * Run a program to its end.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {RunOptions} [options]
 * @returns {Promise<{ seconds: number, stdout: string }>}
 * @throws {Error} with the end of its standard error if it fails
 */
export function run(program, args, options = {}) {
  const cpus = options.cpus === undefined ? placement.client : options.cpus
  const command = cpus === null ? program : 'taskset'
  const words = cpus === null ? args : ['-c', cpus, program, ...args]
  return new Promise((resolve, reject) => {
    const begin = process.hrtime.bigint()
    const child = spawn(command, words, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      stdio: [
        options.input === undefined ? 'ignore' : 'pipe',
        options.keepOutput ? 'pipe' : 'ignore',
        'pipe',
      ],
    })
    running.add(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), limit.seconds * 1000)
    /** @type {Buffer[]} */
    const output = []
    let complaint = ''
    child.stdout?.on('data', (chunk) => output.push(chunk))
    const { onLine } = options
    if (onLine !== undefined && child.stdout !== null) {
      const lines = createInterface({ input: child.stdout })
      lines.on('line', (line) => onLine(line, Number(process.hrtime.bigint() - begin) / 1e9))
    }
    child.stderr?.on('data', (chunk) => {
      complaint = (complaint + String(chunk)).slice(-2000)
    })
    child.stdin?.end(options.input)
    child.on('error', (cause) => {
      running.delete(child)
      clearTimeout(timer)
      reject(new Error(`${program}: ${cause.message}`, { cause }))
    })
    child.on('close', (code, signal) => {
      const seconds = Number(process.hrtime.bigint() - begin) / 1e9
      running.delete(child)
      clearTimeout(timer)
      if (code === 0) resolve({ seconds, stdout: Buffer.concat(output).toString() })
      else if (seconds >= limit.seconds) reject(new Error(`longer than ${limit.seconds} s`))
      else reject(new Error(`${program} ${args.join(' ')}: ${signal ?? code}\n${complaint}`))
    })
  })
}

/** End what is still running, for a stop half-way. */
export function endChildren() {
  for (const child of running) child.kill('SIGKILL')
  running.clear()
}

/** @returns {number[]} every process id */
function processIds() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

/** The processes with a text in their command line. @param {string} text */
export function processesMentioning(text) {
  return processIds().filter(
    (pid) => pid !== process.pid && commandLine(pid).some((word) => word.includes(text)),
  )
}

/** @param {number} pid @returns {string[]} argument words, empty when it is gone */
function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return [] // ended between the listing and the read
  }
}

/**
 * The processes that serve a mount: those with the mount point among their argument words. A
 * benchmark mount point has a random name, so nobody else's process can match.
 * @param {string} mountPoint
 */
export function daemonsOf(mountPoint) {
  return processIds().filter((pid) => pid !== process.pid && commandLine(pid).includes(mountPoint))
}

/**
 * The process of a mount that serves requests: of two (libfuse), the one that was started for it.
 * @param {string} mountPoint
 */
export function serverOf(mountPoint) {
  const daemons = daemonsOf(mountPoint)
  return daemons.find((pid) => commandLine(pid).includes('serve')) ?? daemons[0]
}

/**
 * Whether a process still runs. One that has ended and waits for init to notice does not count: that
 * can take seconds.
 * @param {number} pid
 */
export function isAlive(pid) {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false // ended and noticed
  }
}

/** @param {number} pid @returns {{ rssMiB: number, privateMiB: number }} */
export function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const kib = (/** @type {string} */ field) =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return {
    rssMiB: kib('Rss') / 1024,
    privateMiB: (kib('Private_Clean') + kib('Private_Dirty')) / 1024,
  }
}

/**
 * CPU time and voluntary context switches (wake-ups) of a process with all its threads.
 * @param {number} pid
 */
export function activityOf(pid) {
  let wakeUps = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')
    wakeUps += Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(text)?.[1] ?? 0)
  }
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return { wakeUps, cpuTicks: Number(fields[11]) + Number(fields[12]) }
}

export const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))
