/** Operations without an object: forgetting, interrupting, the end; and what is not served. */
import { ENOSYS } from '../../../sys/errno.js'
import { BATCH_FORGET_IN, FORGET_IN, FORGET_ONE_SIZE, INTERRUPT_IN } from '../../protocol/abi.js'
import { type Exchange, NO_REPLY } from '../exchange.js'

/** FUSE_FORGET: the kernel drops `nlookup` of the references LOOKUP and its kin gave. */
export function forget(x: Exchange): number {
  x.filesystem.forget(x.request.nodeid, x.request.u64(FORGET_IN.nlookup))
  return NO_REPLY
}

/** FUSE_BATCH_FORGET: as many as are announced and present. */
export function batchForget(x: Exchange): number {
  const { request, filesystem } = x
  const present = Math.floor((request.bodySize - BATCH_FORGET_IN.items) / FORGET_ONE_SIZE)
  const count = Math.min(request.u32(BATCH_FORGET_IN.count), present)
  for (let i = 0; i < count; i++) {
    const at = BATCH_FORGET_IN.items + i * FORGET_ONE_SIZE
    filesystem.forget(request.u64(at), request.u64(at + 8))
  }
  return NO_REPLY
}

/**
 * FUSE_INTERRUPT: arrives only for requests not answered yet, hence deferred ones. Needs no answer
 * of its own.
 */
export function interrupt(x: Exchange): number {
  const { request } = x
  x.filesystem.interrupt(request.u32(INTERRUPT_IN.unique), request.u32(INTERRUPT_IN.unique + 4))
  return NO_REPLY
}

/** FUSE_DESTROY: acknowledged; the end of the connection releases everything. */
export function destroy(): number {
  return 0
}

/**
 * Locks (kept by the kernel), ACCESS (default_permissions checks), POLL (always ready), BMAP and
 * DAX mappings: the kernel remembers the refusal and does the right thing itself.
 */
export function notServed(): number {
  return -ENOSYS
}
