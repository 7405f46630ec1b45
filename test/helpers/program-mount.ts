/**
 * An overlay under real programs: mounts the program under test over one lower layer, runs commands,
 * and takes everything down again. TSOVERLAYFS_CANDIDATE names another program with the same command
 * line, or `kernel`, so that the suites can be checked against file systems known to work.
 */
import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { compareSnapshots, describeDifference } from './difference.js'
import { type Snapshot, snapshotTree } from './snapshot.js'
import { isRunning } from './processes.js'
import { missing } from './requires.js'
import { type Scratch, makeScratch } from './scratch.js'

const OWN_PROGRAM = fileURLToPath(new URL('../../bin/tsoverlayfs', import.meta.url))
const END_MS = 10_000

/** What serves the mounts of this run: a program's path, or `kernel`. */
export function candidate(): string {
  return process.env['TSOVERLAYFS_CANDIDATE'] ?? OWN_PROGRAM
}

/** What a command needs besides its words. */
export interface CommandOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

/** Run a command to its end; its standard output. Rejects with its complaint when it fails. */
export function runCommand(
  program: string,
  words: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd: options.cwd,
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC', NODE_OPTIONS: '', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let output = ''
    let complaint = ''
    child.stdout.setEncoding('latin1').on('data', (text: string) => (output += text))
    child.stderr.setEncoding('latin1').on('data', (text: string) => (complaint += text))
    // A program that ends without reading its input is judged by its exit code.
    child.stdin.on('error', () => undefined).end(options.input ?? '')
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output)
      else
        reject(new Error(`${program} ${words.join(' ')}: ${signal ?? String(code)}\n${complaint}`))
    })
  })
}

/** Whether PATH has a program. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => {
    try {
      accessSync(`${directory}/${name}`, constants.X_OK)
      return true
    } catch {
      return false // not in this directory of PATH
    }
  })
}

/**
 * Declare what a suite of real programs needs. TSOVERLAYFS_REQUIRE=programs turns a missing program
 * into a failure; `root` and `fuse` there do the same for the machine.
 * @returns whether the test can go on
 */
export function requiresPrograms(t: Test, ...programs: readonly string[]): boolean {
  const required = (process.env['TSOVERLAYFS_REQUIRE'] ?? '').split(',')
  const refuse = (need: string, reason: string): false => {
    if (required.includes(need) || required.includes('all')) {
      t.fail(`TSOVERLAYFS_REQUIRE asks for ${need}, but ${reason}`)
    } else t.plan(0, `skipped: ${reason}`)
    return false
  }
  for (const need of ['root', 'fuse'] as const) {
    const reason = missing(need)
    if (reason !== null) return refuse(need, reason)
  }
  const absent = programs.filter((program) => !hasProgram(program))
  return absent.length === 0 || refuse('programs', `not found in PATH: ${absent.join(', ')}`)
}

/** A mounted overlay. */
export interface ProgramMount {
  readonly merged: string
  readonly upper: string
  /** Unmount, and wait until the server has ended; rejects if it does not. */
  unmount: () => Promise<void>
}

/** Processes with `word` among their arguments, this one not counted. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').includes(word)
      } catch {
        return false // ended since the listing
      }
    })
    .map(Number)
}

/** Wait until processes that serve a mount have ended. Rejects after {@link END_MS}. */
export async function waitForEnd(pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + END_MS
  while (pids.some(isRunning)) {
    if (Date.now() > deadline) {
      for (const pid of pids.filter(isRunning)) process.kill(pid, 'SIGKILL')
      throw new Error(`the server outlived its mount by ${String(END_MS)} ms`)
    }
    await delay(10)
  }
}

/** The `-o` text for layers made below `base`. */
export function makeLayerOptions(base: string, lower: string): string {
  for (const name of ['upper', 'work', 'merged']) mkdirSync(`${base}/${name}`, { recursive: true })
  return `lowerdir=${lower},upperdir=${base}/upper,workdir=${base}/work`
}

/** Mount the candidate over `lower`, with upper, work and mount point made below `base`. */
export async function mountProgram(base: string, lower: string): Promise<ProgramMount> {
  const options = makeLayerOptions(base, lower)
  const merged = `${base}/merged`
  const program = candidate()
  if (program === 'kernel') {
    await runCommand('mount', ['-t', 'overlay', 'overlay', '-o', options, merged])
  } else {
    if (!existsSync(program)) throw new Error(`${program} does not exist; run npm run build`)
    const words = program === OWN_PROGRAM ? ['mount'] : []
    await runCommand(program, [...words, '-o', options, merged])
  }
  return {
    merged,
    upper: `${base}/upper`,
    async unmount() {
      const servers = program === 'kernel' ? [] : processesWith(merged)
      await runCommand('umount', [merged])
      await waitForEnd(servers)
    },
  }
}

/** What an overlay and a plain directory must agree on: not times, link counts, directory sizes. */
const COMPARED = new Set(['type', 'mode', 'owner', 'content', 'target', 'rdev', 'error'])

function comparable(path: string, without: readonly RegExp[]): Snapshot {
  return snapshotTree(path, {
    inodes: false,
    finish: (name, entry) => {
      if (without.some((pattern) => pattern.test(name))) return null
      const kept = Object.entries(entry).filter(
        ([field]) =>
          COMPARED.has(field) ||
          field.startsWith('xattr') ||
          (field === 'size' && entry['type'] !== 'dir'),
      )
      return Object.fromEntries(kept)
    },
  })
}

/** Assert that two trees agree, showing only where they do not. */
function sameTree(t: Test, actual: Snapshot, expected: Snapshot, message: string): void {
  const found = compareSnapshots('merged', 0, expected, actual).map(describeDifference)
  t.strictSame(found.slice(0, 20), [], message)
}

/** One suite: a lower layer and what a program does in a tree that shows it. */
export interface ProgramRun {
  readonly buildLower: (lower: string) => void | Promise<void>
  /** Works in `tree`; what it returns must be the same on the overlay and on a plain directory. */
  readonly work: (tree: string, place: { readonly outside: string }) => Promise<unknown>
  /** Paths whose content depends on time or inode numbers. */
  readonly without?: readonly RegExp[]
}

/**
 * Do the same work in an overlay and in a plain copy of its lower layer: results and trees must be
 * equal, and the lower layer must be as it was.
 */
export async function compareWithPlain(t: Test, run: ProgramRun): Promise<void> {
  const scratch: Scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const lower = `${scratch.path}/lower`
  const plain = `${scratch.path}/plain`
  for (const name of ['lower', 'mount', 'outside-plain', 'outside-mount']) {
    mkdirSync(`${scratch.path}/${name}`)
  }
  await run.buildLower(lower)
  await runCommand('cp', ['-a', lower, plain])
  const before: Snapshot = snapshotTree(lower)

  const expected = await run.work(plain, { outside: `${scratch.path}/outside-plain` })
  const mounted = await mountProgram(`${scratch.path}/mount`, lower)
  const actual = await run.work(mounted.merged, { outside: `${scratch.path}/outside-mount` })

  t.same(actual, expected, 'the programs say the same as on a plain directory')
  const without = run.without ?? []
  const wanted = comparable(plain, without)
  sameTree(
    t,
    comparable(mounted.merged, without),
    wanted,
    'the tree is that of the plain directory',
  )
  await mounted.unmount()
  const remounted = await mountProgram(`${scratch.path}/mount`, lower)
  sameTree(t, comparable(remounted.merged, without), wanted, 'the tree is the same after a remount')
  await remounted.unmount()
  sameTree(t, snapshotTree(lower), before, 'the lower layer is as it was')
}
