/**
 * A connection without a kernel: requests are queued by the caller, replies are collected. The
 * connection counts as unmounted once the queue is empty.
 */
import { EINVAL, ENODEV } from '../../sys/errno.js'
import type { NativeMemory } from '../../sys/memory.js'
import { READY_REQUEST, type Transport } from './transport.js'

/** What a queued element makes readRequest do: deliver bytes, or fail with -errno. */
export type QueuedRequest = Buffer | number

/** See the file's header. */
export class MemoryTransport implements Transport {
  readonly pageSizeBytes: number = 4096
  /** Delivered in this order. */
  readonly requests: QueuedRequest[] = []
  /** Everything written: replies and notifications. */
  readonly written: Buffer[] = []
  /** Results of the next writes, -errno or 0; when it is empty, writes succeed. */
  readonly writeResults: number[] = []
  /** Results of the next waits; when it is empty, a request is ready. */
  readonly waitResults: number[] = []
  /** Descriptors registered as backing files; the id is the index plus one. */
  readonly backing: number[] = []
  closed = false

  readRequest(memory: NativeMemory): number {
    const next = this.requests.shift()
    if (next === undefined) return -ENODEV
    if (typeof next === 'number') return next
    if (next.length > memory.bytes.length) return -EINVAL
    next.copy(memory.bytes)
    return next.length
  }

  write(memory: NativeMemory, lengthBytes: number): number {
    this.written.push(Buffer.from(memory.bytes.subarray(0, lengthBytes)))
    return this.writeResults.shift() ?? 0
  }

  wait(): number {
    return this.waitResults.shift() ?? READY_REQUEST
  }

  openBacking(fd: number): number {
    return this.backing.push(fd)
  }

  closeBacking(id: number): number {
    return id >= 1 && id <= this.backing.length ? 0 : -EINVAL
  }

  close(): void {
    this.closed = true
  }
}
