/**
 * Puts faults between the program and the C library: every function bound after this module was
 * loaded can be made to fail, or to be the last one before the process dies. The program under test
 * has no part in it, so that each of its steps is covered, whoever adds one, and nothing of this
 * exists outside the tests.
 */
import { openSync, readSync, writeSync } from 'node:fs'
import koffi from 'koffi'
import {
  FICLONE,
  FS_IOC_FSSETXATTR,
  FS_IOC_SETFLAGS,
  O_CREAT,
  O_TMPFILE,
  O_TRUNC,
  RENAME_WHITEOUT,
  S_IFBLK,
  S_IFCHR,
  S_IFMT,
} from '../../../src/sys/constants.js'
import {
  type CallKind,
  FAULT_DIRECTORY,
  type FaultPlan,
  HIT,
  PLAN_BYTES,
  decodePlan,
} from './plan.js'

type Call = (...args: readonly (number | Buffer)[]) => number
type Kinds = readonly CallKind[]
type KindsOf = (args: readonly (number | Buffer)[]) => Kinds

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

function ofMknod(mode: number | Buffer | undefined): Kinds {
  const type = Number(mode) & S_IFMT
  return type === S_IFCHR || type === S_IFBLK ? devices : allocates
}

const F_DUPFD_CLOEXEC = 1030

function ofIoctl(request: number | Buffer | undefined): Kinds {
  if (request === FICLONE) return allocates
  return request === FS_IOC_SETFLAGS || request === FS_IOC_FSSETXATTR ? changes : looks
}

/** What is called by number, being younger than the C library. */
const bySyscallNumber: ReadonlyMap<number, readonly [name: string, kinds: Kinds]> = new Map([
  [437, ['openat2', opens]],
  [452, ['fchmodat2', changes]],
  [463, ['setxattrat', marks]],
  [464, ['getxattrat', looks]],
  [465, ['listxattrat', looks]],
  [466, ['removexattrat', changes]],
])

/** What a call is, by its function's name and arguments. */
const kindsOf: Readonly<Record<string, KindsOf>> = {
  open: (args) => ofOpen(args[1]),
  openat: (args) => ofOpen(args[2]),
  dup: () => opens,
  fcntl: (args) => (args[1] === F_DUPFD_CLOEXEC ? opens : none),
  open_by_handle_at: () => opens,
  mkdirat: () => allocates,
  mknodat: (args) => ofMknod(args[2]),
  symlinkat: () => allocates,
  linkat: () => allocates,
  renameat2: (args) => ((Number(args[4]) & RENAME_WHITEOUT) !== 0 ? devices : allocates),
  unlinkat: () => changes,
  fchmod: () => changes,
  fchmodat: () => changes,
  fchownat: () => changes,
  utimensat: () => changes,
  futimens: () => changes,
  truncate64: () => allocates,
  ftruncate64: () => allocates,
  fallocate64: () => allocates,
  copy_file_range: () => allocates,
  pwrite64: () => allocates,
  fsync: () => flushes,
  fdatasync: () => flushes,
  sync_file_range: () => flushes,
  syncfs: () => flushes,
  fsetxattr: () => marks,
  setxattr: () => marks,
  fremovexattr: () => changes,
  removexattr: () => changes,
  ioctl: (args) => ofIoctl(args[1]),
  syscall: (args) => bySyscallNumber.get(Number(args[0]))?.[1] ?? none,
  statx: () => looks,
  fstatfs64: () => looks,
  fstatvfs64: () => looks,
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

/** Neither looks at layers nor changes them: the connection, the process, and what only mounting calls. */
const unharmed: ReadonlySet<string> = new Set([
  ...['read', 'write', 'poll', 'eventfd', 'socketpair', 'recvmsg', 'close', 'flock', 'realpath'],
  ...['setfsuid', 'setfsgid', 'umask', 'prctl', 'setsid', '_exit', 'getpagesize'],
  ...['geteuid', 'getegid', 'mount', 'umount2', 'dup2', 'memfd_create'],
  // Of the libfuse transport.
  ...['pthread_join', 'memcpy', 'strlen', 'memset'],
  // The suite's own.
  ...['fork', 'waitpid', 'madvise', 'pipe2', 'kill', 'getpid'],
])

const directory = process.env[FAULT_DIRECTORY] ?? ''
const planFile = openSync(`${directory}/plan`, 'r')
const logFile = openSync(`${directory}/log`, 'a')
const planBytes = Buffer.alloc(PLAN_BYTES)
let isDaemon = false
let planText = ''
let plan: FaultPlan = { mode: 'off' }
let count = 0

/** This process is the one that plans are for, and not the one that makes them. */
export function followPlans(): void {
  isDaemon = true
}

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

const loadReally = koffi.load.bind(koffi)
const libc = loadReally(null)
const kill = libc.func('int kill(int pid, int signal)') as (pid: number, signal: number) => number
const getpid = libc.func('int getpid()') as () => number
const SIGKILL = 9

/** By the C library: what Node says of the process was true before it forked. */
function die(): void {
  kill(getpid(), SIGKILL)
}

/** A call as the log has it: its name and kinds. */
function describe(name: string, args: readonly (number | Buffer)[], kinds: Kinds): string {
  const called = name === 'syscall' ? bySyscallNumber.get(Number(args[0]))?.[0] : name
  return `${called ?? name} ${kinds.join(' ')}`
}

function wrap(name: string, real: Call, kindsFor: KindsOf): Call {
  return (...args) => {
    if (!isDaemon) return real(...args)
    const now = currentPlan()
    if (now.mode === 'off') return real(...args)
    const kinds = kindsFor(args)
    if (kinds.length > 0) note(describe(name, args, kinds))
    if (now.mode === 'record' || !isHit(now.calls, now.at, kinds)) return real(...args)
    note(HIT)
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

koffi.load = (...args: Parameters<typeof koffi.load>) => {
  const library = loadReally(...args)
  const bind = (signature: string): unknown => {
    const real = library.func(signature) as unknown as Call
    const name = /(\w+)\s*\(/.exec(signature)?.[1] ?? ''
    const kindsFor = kindsOf[name]
    if (kindsFor !== undefined) return wrap(name, real, kindsFor)
    if (!unharmed.has(name)) throw new Error(`the fault suite does not know ${name}`)
    return real
  }
  return { func: bind } as unknown as ReturnType<typeof loadReally>
}
