/**
 * Puts faults between the program and the C library: every function bound after this module was
 * loaded can be made to fail, or to be the last one before the process dies. The program under test
 * has no part in it, so that each of its steps is covered, whoever adds one, and nothing of this
 * exists outside the tests.
 */
import { openSync, readSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import { FICLONE, FS_IOC_SETFLAGS, O_CREAT, O_TMPFILE, O_TRUNC } from '../../src/sys/constants.js'
import {
  type CallKind,
  FAULT_DIRECTORY,
  type FaultPlan,
  PLAN_BYTES,
  decodePlan,
} from './fault-plan.js'

type Call = (...args: readonly (number | Buffer)[]) => number
type Kinds = readonly CallKind[]

const none: Kinds = []
const looks: Kinds = ['any']
const opens: Kinds = ['any', 'descriptor']
const changes: Kinds = ['any', 'change']
const allocates: Kinds = ['any', 'change', 'allocate']
const creates: Kinds = ['any', 'change', 'allocate', 'descriptor']
const flushes: Kinds = ['any', 'allocate']
const marks: Kinds = ['any', 'change', 'allocate', 'mark']
const devices: Kinds = ['any', 'change', 'allocate', 'device']

function ofOpen(flags: number | Buffer | undefined): Kinds {
  const bits = Number(flags)
  if ((bits & O_CREAT) !== 0 || (bits & O_TMPFILE) === O_TMPFILE) return creates
  return (bits & O_TRUNC) !== 0 ? [...opens, 'change'] : opens
}

const F_DUPFD_CLOEXEC = 1030
const RENAME_WHITEOUT = 4
const FS_IOC_FSSETXATTR = 0x401c5820
const changingIoctls: readonly number[] = [FICLONE, FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR]

/** openat2, fchmodat2, setxattrat, getxattrat, listxattrat, removexattrat. */
const bySyscallNumber: ReadonlyMap<number, Kinds> = new Map([
  [437, opens],
  [452, changes],
  [463, marks],
  [464, looks],
  [465, looks],
  [466, changes],
])

/** What a call is, by its function's name and arguments. */
const kindsOf: Readonly<Record<string, (args: Parameters<Call>) => Kinds>> = {
  open: (args) => ofOpen(args[1]),
  openat: (args) => ofOpen(args[2]),
  fcntl: (args) => (args[1] === F_DUPFD_CLOEXEC ? opens : none),
  open_by_handle_at: () => opens,
  mkdirat: () => allocates,
  mknodat: () => devices,
  symlinkat: () => allocates,
  linkat: () => allocates,
  renameat2: (args) => ((Number(args[4]) & RENAME_WHITEOUT) !== 0 ? devices : allocates),
  unlinkat: () => changes,
  fchmod: () => changes,
  fchmodat: () => changes,
  fchownat: () => changes,
  utimensat: () => changes,
  futimens: () => changes,
  ftruncate64: () => allocates,
  fallocate64: () => allocates,
  copy_file_range: () => allocates,
  pwrite64: () => allocates,
  fsync: () => flushes,
  fdatasync: () => flushes,
  sync_file_range: () => flushes,
  fsetxattr: () => marks,
  setxattr: () => marks,
  fremovexattr: () => changes,
  removexattr: () => changes,
  ioctl: (args) => (changingIoctls.includes(Number(args[1])) ? changes : none),
  syscall: (args) => bySyscallNumber.get(Number(args[0])) ?? none,
  statx: () => looks,
  getxattr: () => looks,
  fgetxattr: () => looks,
  listxattr: () => looks,
  flistxattr: () => looks,
  readlinkat: () => looks,
  lseek64: () => looks,
  pread64: () => looks,
  getdents64: () => looks,
  name_to_handle_at: () => looks,
}

const directory = process.env[FAULT_DIRECTORY] ?? ''
const planFile = openSync(`${directory}/plan`, 'r')
const logFile = openSync(`${directory}/log`, 'a')
const planBytes = Buffer.alloc(PLAN_BYTES)
let planText = ''
let plan: FaultPlan = { mode: 'off' }
let count = 0

function currentPlan(): FaultPlan {
  readSync(planFile, planBytes, 0, PLAN_BYTES, 0)
  const text = planBytes.toString('latin1')
  if (text !== planText) {
    planText = text
    plan = decodePlan(text)
    count = 0
  }
  return plan
}

function note(text: string): void {
  writeSync(logFile, `${text}\n`)
}

/** Whether this call is the one that the plan is about. */
function isHit(calls: CallKind, at: number, kinds: Kinds): boolean {
  if (!kinds.includes(calls)) return false
  count += 1
  return count === at + 1
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
}

function wrap(name: string, real: Call, kindsFor: (args: Parameters<Call>) => Kinds): Call {
  return (...args) => {
    const now = currentPlan()
    if (now.mode === 'off') return real(...args)
    const kinds = kindsFor(args)
    if (now.mode === 'record') {
      if (kinds.length > 0) note(`${name} ${kinds.join(' ')}`)
      return real(...args)
    }
    if (!isHit(now.calls, now.at, kinds)) return real(...args)
    note(`hit ${name}`)
    if (now.mode === 'fail') {
      // Set last: what reads it is the very next statement of the caller.
      koffi.errno(now.errno)
      return -1
    }
    if (now.when === 'before') die()
    const result = real(...args)
    die()
    return result
  }
}

const load = koffi.load.bind(koffi)

koffi.load = (...args: Parameters<typeof load>) => {
  const library = load(...args)
  const bind = (signature: string): unknown => {
    const real = library.func(signature) as unknown as Call
    const name = /(\w+)\s*\(/.exec(signature)?.[1] ?? ''
    const kindsFor = kindsOf[name]
    return kindsFor === undefined ? real : wrap(name, real, kindsFor)
  }
  return { func: bind } as unknown as ReturnType<typeof load>
}
