/**
 * Messages to the kernel that answer nobody (notifications), and replies written outside the
 * request that caused them. Each instance has a buffer of its own, so that a message can be sent
 * while a reply is being built.
 *
 * Which thread may send what: `invalidateAttributes` and `bumpEpoch` take no lock and are safe
 * anywhere. `invalidateEntry` and `deleteEntry` take the parent directory's inode lock, which the
 * caller of an unanswered request may hold; `invalidatePages` may wait for a page whose READ is
 * unanswered. Sent from the thread that serves requests they deadlock it beyond the reach of
 * SIGKILL: use them from another thread, over an instance made there.
 * @mirrors fs/fuse/dev.c:fuse_notify()
 */
import { EINVAL } from '../../sys/errno.js'
import { NativeMemory } from '../../sys/memory.js'
import { MAX_REPLY_ERRNO, OUT_HEADER, OUT_HEADER_SIZE } from '../protocol/abi.js'
import {
  FUSE_EXPIRE_ONLY,
  FUSE_NOTIFY_DELETE,
  FUSE_NOTIFY_INC_EPOCH,
  FUSE_NOTIFY_INVAL_ENTRY,
  FUSE_NOTIFY_INVAL_INODE,
  FUSE_NOTIFY_RESEND,
} from '../protocol/flags/notify.js'
import { put64, putHeader } from '../protocol/writer.js'
import type { Transport } from '../transport/transport.js'

const FIRST_ROOM = 1024

/** See the file's header. All methods return 0 or -errno. */
export class KernelNotifier {
  readonly #transport: Transport
  #memory = new NativeMemory(FIRST_ROOM)

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Drop cached attributes and ACLs of a node. @errno ENOENT the kernel does not know it */
  invalidateAttributes(nodeid: number): number {
    return this.#invalidateInode(nodeid, -1, 0)
  }

  /**
   * Drop cached attributes and pages of a node, from `offset` on for `length` bytes (0: to the end).
   * @precondition not on the thread that serves requests
   */
  invalidatePages(nodeid: number, offset: number, length: number): number {
    return this.#invalidateInode(nodeid, offset, length)
  }

  #invalidateInode(nodeid: number, offset: number, length: number): number {
    const memory = this.#room(OUT_HEADER_SIZE + 24)
    put64(memory, OUT_HEADER_SIZE, nodeid)
    put64(memory, OUT_HEADER_SIZE + 8, offset)
    put64(memory, OUT_HEADER_SIZE + 16, length)
    return this.#send(FUSE_NOTIFY_INVAL_INODE, OUT_HEADER_SIZE + 24)
  }

  /**
   * Make the kernel ask again for a name. @errno ENOENT it is not cached
   * @param how `expire` keeps what is in use in place
   * @precondition not on the thread that serves requests
   */
  invalidateEntry(parent: number, name: string, how: 'invalidate' | 'expire'): number {
    const size = OUT_HEADER_SIZE + 16 + name.length + 1
    const memory = this.#room(size)
    put64(memory, OUT_HEADER_SIZE, parent)
    memory.u32[(OUT_HEADER_SIZE + 8) >> 2] = name.length
    memory.u32[(OUT_HEADER_SIZE + 12) >> 2] = how === 'expire' ? FUSE_EXPIRE_ONLY : 0
    putName(memory, OUT_HEADER_SIZE + 16, name)
    return this.#send(FUSE_NOTIFY_INVAL_ENTRY, size)
  }

  /**
   * Tell that a name is gone. @errno ENOENT it is not cached, or names another node
   * @precondition not on the thread that serves requests
   */
  deleteEntry(parent: number, child: number, name: string): number {
    const size = OUT_HEADER_SIZE + 24 + name.length + 1
    const memory = this.#room(size)
    put64(memory, OUT_HEADER_SIZE, parent)
    put64(memory, OUT_HEADER_SIZE + 8, child)
    memory.u32[(OUT_HEADER_SIZE + 16) >> 2] = name.length
    memory.u32[(OUT_HEADER_SIZE + 20) >> 2] = 0
    putName(memory, OUT_HEADER_SIZE + 24, name)
    return this.#send(FUSE_NOTIFY_DELETE, size)
  }

  /** Make every cached dentry stale at once. @errno EINVAL before Linux 6.16 */
  bumpEpoch(): number {
    return this.#send(FUSE_NOTIFY_INC_EPOCH, OUT_HEADER_SIZE)
  }

  /** Have every unanswered request sent again, marked. @errno EINVAL before Linux 6.9 */
  resend(): number {
    return this.#send(FUSE_NOTIFY_RESEND, OUT_HEADER_SIZE)
  }

  /**
   * Answer a request whose operation returned DEFERRED.
   * @param error 0 or -errno
   * @param body of a successful reply
   */
  reply(uniqueLo: number, uniqueHi: number, error: number, body?: Buffer): number {
    if (error > 0 || error < -MAX_REPLY_ERRNO) return -EINVAL
    const size = OUT_HEADER_SIZE + (error === 0 && body !== undefined ? body.length : 0)
    const memory = this.#room(size)
    putHeader(memory, size, -error, uniqueLo, uniqueHi)
    if (error === 0) body?.copy(memory.bytes, OUT_HEADER_SIZE)
    return this.#transport.write(memory, size)
  }

  #room(size: number): NativeMemory {
    if (size > this.#memory.bytes.length) this.#memory = new NativeMemory(size * 2)
    return this.#memory
  }

  #send(code: number, size: number): number {
    putHeader(this.#memory, size, 0, 0, 0)
    this.#memory.i32[OUT_HEADER.error >> 2] = code
    return this.#transport.write(this.#memory, size)
  }
}

function putName(memory: NativeMemory, at: number, name: string): void {
  memory.bytes.latin1Write(name, at)
  memory.bytes[at + name.length] = 0
}
