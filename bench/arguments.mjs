// @ts-check
// The command line of the benchmark: text in, one plain record out.
import { parseArgs } from 'node:util'

export const usage = `Usage: npm run bench -- [options]

Runs every workload on tsoverlayfs, kernel overlayfs, fuse-overlayfs and a plain directory, in turn,
several times over, and writes bench/results/<date>.json, .md and .svg.

Needs root, /dev/fuse, and a directory that can be an overlay's upper layer (not itself on overlayfs).
A workload whose program is missing is left out, with the reason in the report.

  --quick             small sizes, fewer rounds: under 3 minutes
  --scale             also the slow workloads: huge directories, 500 layers, 1,000,000 inodes
  --only A,B          only workloads (or groups) whose name is one of these; 'find*' for a prefix
  --skip A,B          all but these
  --rounds N          rounds (default 5; quick: as many as fit, up to 3)
  --budget SECONDS    begin no round that is not likely to end within so long
  --limit SECONDS     give up on a program that takes longer (default 900; quick: 60)
  --subjects A,B      only these of: tsoverlayfs, libfuse (ourselves through libfuse 2; in a quick
                      run only if named), kernel, bare, and the peers by name
  --peer PATH         another program with fuse-overlayfs's command line; repeatable
                      (default: fuse-overlayfs from PATH)
  --variant OPTS      also measure ourselves with these further mount options; repeatable
                      (default in a full run: passthrough=off, for the data workloads)
  --candidate PATH    the program to measure as tsoverlayfs (default: bin/tsoverlayfs)
  --pin C,D           run clients on CPUs C and daemons on CPUs D (taskset lists, such as 0,1)
  --dir DIR           where layers and mounts are made (default: the temporary directory)
  --out DIR           where results go (default: bench/results)
  --list              list the workloads and exit
  --help              this text

Example: npm run bench -- --quick --only find,stat-cached --peer /usr/local/bin/fuse-overlayfs
`

/** The quick form promises 3 minutes; the rest is for fixtures, reports and clean-up. */
const QUICK_SECONDS = 165

/**
 * @typedef {object} Arguments
 * @property {boolean} quick
 * @property {boolean} scale
 * @property {boolean} list
 * @property {boolean} help
 * @property {string[]} only
 * @property {string[]} skip
 * @property {number} rounds at most
 * @property {number} budgetSeconds no round begins that is not likely to end within this
 * @property {number} limitSeconds for one program
 * @property {string[]} subjects empty = all
 * @property {string[]} peers
 * @property {string[]} variants
 * @property {boolean} dataVariantsOnly variants run the data workloads only
 * @property {string | null} candidate
 * @property {{ client: string, daemon: string } | null} pin
 * @property {string | null} dir
 * @property {string | null} out
 */

const list = (/** @type {string | undefined} */ text) =>
  (text ?? '').split(',').filter((word) => word !== '')

/**
 * @param {string | undefined} text
 * @param {boolean} quick
 */
function parseRounds(text, quick) {
  if (text === undefined) return quick ? 3 : 5
  const rounds = Number(text)
  if (Number.isInteger(rounds) && rounds > 0) return rounds
  throw new Error(`--rounds ${text}: expected a whole number from 1`)
}

/**
 * @param {string[]} argv
 * @returns {Arguments}
 * @throws {Error} with a message for the user when an option is unknown or malformed
 */
export function parseArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    strict: true,
    options: {
      quick: { type: 'boolean', default: false },
      scale: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      only: { type: 'string' },
      skip: { type: 'string' },
      rounds: { type: 'string' },
      budget: { type: 'string' },
      limit: { type: 'string' },
      subjects: { type: 'string' },
      peer: { type: 'string', multiple: true },
      variant: { type: 'string', multiple: true },
      candidate: { type: 'string' },
      pin: { type: 'string' },
      dir: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const rounds = parseRounds(values.rounds, values.quick)
  const limitSeconds = Number(values.limit ?? (values.quick ? 60 : 900))
  if (!(limitSeconds > 0)) throw new Error(`--limit ${values.limit}: expected seconds above 0`)
  const usualBudget = values.quick && values.rounds === undefined ? QUICK_SECONDS : Infinity
  const budgetSeconds = Number(values.budget ?? usualBudget)
  if (!(budgetSeconds > 0)) throw new Error(`--budget ${values.budget}: expected seconds above 0`)
  const [client, daemon] = list(values.pin)
  if (values.pin !== undefined && (client === undefined || daemon === undefined)) {
    throw new Error(`--pin ${values.pin}: expected two CPU numbers, such as 0,1`)
  }
  return {
    quick: values.quick,
    scale: values.scale,
    list: values.list,
    help: values.help,
    only: list(values.only),
    skip: list(values.skip),
    rounds,
    budgetSeconds,
    limitSeconds,
    subjects: list(values.subjects),
    peers: values.peer ?? [],
    variants: values.variant ?? (values.quick ? [] : ['passthrough=off']),
    dataVariantsOnly: values.variant === undefined,
    candidate: values.candidate ?? null,
    pin: client !== undefined && daemon !== undefined ? { client, daemon } : null,
    dir: values.dir ?? null,
    out: values.out ?? null,
  }
}

/**
 * @param {string} name
 * @param {string[]} patterns exact words, or prefixes ending in `*`
 */
export function matches(name, patterns) {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  )
}
