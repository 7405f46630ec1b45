/** Passing a descriptor through a Unix socket: how fusermount3 hands over the device. */
import { NativeMemory } from './memory.js'
import { native, orErrno } from './native.js'

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_CMSG_CLOEXEC = 0x40000000

/** Layout of the scratch area of {@link receiveDescriptor}; the structures are the LP64 ones. */
const MSGHDR = 0
const IOVEC = 64
const BYTE = 80
const CONTROL = 88
const CONTROL_SIZE = 24

/** Make a connected pair, both close-on-exec. Returns both, or -errno. @mirrors socketpair(2) */
export function socketPair(): readonly [number, number] | number {
  const pair = new NativeMemory(8)
  const made = orErrno(native.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.address))
  return made < 0 ? made : [pair.i32[0] ?? -1, pair.i32[1] ?? -1]
}

function put64(memory: NativeMemory, at: number, value: number): void {
  memory.u32[at >> 2] = value
  memory.u32[(at >> 2) + 1] = Math.floor(value / 4294967296)
}

/**
 * Wait for one byte with a descriptor beside it; the descriptor is close-on-exec.
 * @returns the descriptor; null when the other end closed or sent none; or -errno
 * @mirrors recvmsg(2), cmsg(3) SCM_RIGHTS
 */
export function receiveDescriptor(socket: number): number | null {
  const scratch = new NativeMemory(CONTROL + CONTROL_SIZE)
  put64(scratch, IOVEC, scratch.address + BYTE)
  put64(scratch, IOVEC + 8, 1)
  put64(scratch, MSGHDR + 16, scratch.address + IOVEC)
  put64(scratch, MSGHDR + 24, 1)
  put64(scratch, MSGHDR + 32, scratch.address + CONTROL)
  put64(scratch, MSGHDR + 40, CONTROL_SIZE)
  const received = orErrno(native.recvmsg(socket, scratch.address, MSG_CMSG_CLOEXEC))
  if (received < 0) return received
  const { u32, i32 } = scratch
  const controlSize = u32[(MSGHDR + 40) >> 2] ?? 0
  if (received === 0 || controlSize < 20) return null
  if (u32[(CONTROL + 8) >> 2] !== SOL_SOCKET || u32[(CONTROL + 12) >> 2] !== SCM_RIGHTS) return null
  return i32[(CONTROL + 16) >> 2] ?? null
}
