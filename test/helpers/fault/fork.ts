/**
 * fork(2) for a program on Node: a child process with everything this one has set up, in 10 ms where
 * starting Node anew takes hundreds. The child has this thread alone: it must do without promises,
 * timers and whatever else needs the event loop, and end in one call. Node must run with the flags of
 * fork-flags.ts, so that no other thread of V8's is needed either.
 */
import { openSync, readSync } from 'node:fs'
import koffi from 'koffi'
import { NativeMemory } from '../../../src/sys/memory.js'
import { native, orErrno } from '../../../src/sys/native.js'

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

const MAPS_BYTES = 256 << 10
const maps = Buffer.alloc(MAPS_BYTES)
const mapsBefore = Buffer.alloc(MAPS_BYTES)
const mapsFile = openSync('/proc/self/maps', 'r')
const NEWLINE = 10
const ZERO = 48
const NINE = 57
const LETTERS = 87

/** Read what is mapped into this process into {@link maps}; returns the length. */
function readMaps(): number {
  let length = 0
  for (;;) {
    const got = readSync(mapsFile, maps, length, MAPS_BYTES - length, length)
    if (got === 0) return length
    length += got
  }
}

/** Run `use` on each address range in {@link maps}. Makes as little garbage as can be. */
function forEachRange(length: number, use: (address: number, sizeBytes: number) => void): void {
  let start = 0
  let value = 0
  let inRange = true
  for (let at = 0; at < length; at++) {
    const char = maps[at] ?? 0
    if (char === NEWLINE) {
      inRange = true
      value = 0
    } else if (inRange && char >= ZERO) {
      value = value * 16 + char - (char <= NINE ? ZERO : LETTERS)
    } else if (inRange) {
      // The dash between the addresses, or the space after them.
      if (char === ZERO - 3) start = value
      else {
        use(start, value - start)
        inRange = false
      }
      value = 0
    }
  }
}

/** V8 keeps its heap from children; let them have it. Repeated until nothing is mapped anew. */
function shareHeap(): void {
  for (let before = -1; ;) {
    const length = readMaps()
    if (length === before && maps.compare(mapsBefore, 0, length, 0, length) === 0) return
    before = length
    maps.copy(mapsBefore, 0, 0, length)
    // Fails for ranges of devices and the kernel's own, which are not V8's.
    forEachRange(length, (address, sizeBytes) => void madvise(address, sizeBytes, MADV_DOFORK))
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
