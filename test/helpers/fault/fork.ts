/**
 * fork(2) for a program on Node: a child process with everything this one has set up, in 10 ms where
 * starting Node anew takes hundreds. The child has this thread alone: it must do without promises,
 * timers and whatever else needs the event loop, and end in one call. Run Node with
 * {@link forkFlags}, so that no other thread of V8's is needed either.
 */
import { readFileSync } from 'node:fs'
import koffi from 'koffi'
import { NativeMemory } from '../../../src/sys/memory.js'
import { native, orErrno } from '../../../src/sys/native.js'

/** V8 does everything on the thread that runs; new space is not mapped piecemeal. */
export const forkFlags = ['--single-threaded', '--min-semi-space-size=4', '--max-semi-space-size=4']

const libc = koffi.load(null)
const fork = libc.func('int fork()') as () => number
const waitpid = libc.func('int waitpid(int pid, void *status, int options)') as (
  pid: number,
  status: number,
  options: number,
) => number
const madvise = libc.func('int madvise(uintptr_t address, size_t size, int advice)') as (
  address: number,
  sizeBytes: number,
  advice: number,
) => number

const MADV_DOFORK = 11
const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const word = new NativeMemory(8)

/** Address ranges of this process. */
function readMaps(): string {
  return readFileSync('/proc/self/maps', 'latin1')
}

let inherited = ''

/** V8 keeps its heap from children; let them have it. Repeated until the heap stays as it is. */
function shareHeap(): void {
  for (let maps = readMaps(); maps !== inherited; maps = readMaps()) {
    for (const [, from = '', to = ''] of maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) /gm)) {
      const address = parseInt(from, 16)
      // Fails for ranges of devices and the kernel's own, which are not V8's.
      madvise(address, parseInt(to, 16) - address, MADV_DOFORK)
    }
    inherited = maps
  }
}

/** Run `program` in a child process that dies with this one. Returns its process id. */
export function forkProcess(program: () => number): number {
  // Children go on from the state of the random numbers; none shall repeat another's.
  Math.random()
  shareHeap()
  const pid = orErrno(fork())
  if (pid < 0) throw new Error(`fork: errno ${-pid}`)
  if (pid > 0) return pid
  let code = 1
  try {
    native.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
    code = program()
  } finally {
    native.exitNow(code)
  }
  return 0
}

/** How a process ended. */
export type ProcessEnd = { readonly code: number } | { readonly signal: number }

/** Wait for a child to end. */
export function awaitProcess(pid: number): ProcessEnd {
  const EINTR = 4
  let result: number
  do result = orErrno(waitpid(pid, word.address, 0))
  while (result === -EINTR)
  if (result < 0) throw new Error(`waitpid ${pid}: errno ${-result}`)
  const status = word.u32[0] ?? 0
  const signal = status & 0x7f
  return signal === 0 ? { code: (status >>> 8) & 0xff } : { signal }
}
