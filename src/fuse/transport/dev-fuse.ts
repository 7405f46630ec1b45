/** The kernel's /dev/fuse, blocking, one read and one write per request. */
import {
  closeBackingFile,
  openBackingFile,
  pageSize,
  readMessage,
  waitReadable,
  writeMessage,
} from '../../sys/fuse-device.js'
import type { NativeMemory } from '../../sys/memory.js'
import { close } from '../../sys/open.js'
import type { Transport } from './transport.js'

class DevFuseTransport implements Transport {
  readonly pageSizeBytes = pageSize()
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  readRequest(memory: NativeMemory): number {
    return readMessage(this.#fd, memory.address, memory.bytes.length)
  }

  write(memory: NativeMemory, lengthBytes: number): number {
    return writeMessage(this.#fd, memory.address, lengthBytes)
  }

  wait(otherFd: number): number {
    return waitReadable(this.#fd, otherFd)
  }

  openBacking(fd: number): number {
    return openBackingFile(this.#fd, fd)
  }

  closeBacking(id: number): number {
    return closeBackingFile(this.#fd, id)
  }

  close(): void {
    close(this.#fd)
  }
}

/**
 * Speak over a mounted /dev/fuse descriptor, which the transport closes.
 * @precondition no other thread closes `fd`; other threads may write to it
 */
export function openDevFuseTransport(fd: number): Transport {
  return new DevFuseTransport(fd)
}
