/** Open files: open, read, write, flush, fsync, release. */
import { EBADF } from '../../../../sys/errno.js'
import { FUSE_WRITE_CACHE } from '../../../protocol/flags/request.js'
import type { Adapter } from '../adapter.js'

/** Open a file. Returns the handle's number, or -errno. @param flags O_* */
export function open(x: Adapter, path: string, flags: number): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  const result = x.filesystem.open(x.request, nodeid, flags, 0, x.opened)
  return result < 0 ? result : x.handles.add({ nodeid, fh: x.opened.fh, flags })
}

/** Read into a buffer. Returns the count. @errno EBADF no such handle */
export function read(x: Adapter, number: number, into: Buffer, offsetBytes: number): number {
  const handle = x.handles.get(number)
  if (handle === undefined) return -EBADF
  const { filesystem, request, memory } = x
  const { nodeid, fh } = handle
  let done = 0
  while (done < into.length) {
    const size = Math.min(into.length - done, memory.bytes.length)
    const count = filesystem.read(request, nodeid, fh, offsetBytes + done, size, memory, 0)
    if (count < 0) return done > 0 ? done : count
    into.set(memory.bytes.subarray(0, count), done)
    done += count
    if (count < size) break
  }
  return done
}

/**
 * Write from a buffer.
 * @param isMapped the bytes were written through a mapping
 * @returns the count @errno EBADF no such handle
 */
export function write(
  x: Adapter,
  number: number,
  from: Buffer,
  offsetBytes: number,
  isMapped: boolean,
): number {
  const handle = x.handles.get(number)
  if (handle === undefined) return -EBADF
  const { filesystem, request, memory } = x
  const { nodeid, fh, flags } = handle
  const writeFlags = isMapped ? FUSE_WRITE_CACHE : 0
  let done = 0
  while (done < from.length) {
    const size = Math.min(from.length - done, memory.bytes.length)
    memory.bytes.set(from.subarray(done, done + size))
    const at = offsetBytes + done
    const count = filesystem.write(request, nodeid, fh, at, size, memory, 0, writeFlags, flags)
    if (count < 0) return done > 0 ? done : count
    done += count
    if (count < size) break
  }
  return done
}

/** A descriptor of an open file was closed. @errno EBADF no such handle */
export function flush(x: Adapter, number: number): number {
  const handle = x.handles.get(number)
  if (handle === undefined) return -EBADF
  return x.filesystem.flush(x.request, handle.nodeid, handle.fh)
}

/** Make an open file's data safe. @errno EBADF no such handle */
export function fsync(x: Adapter, number: number, datasync: boolean): number {
  const handle = x.handles.get(number)
  if (handle === undefined) return -EBADF
  return x.filesystem.fsync(x.request, handle.nodeid, handle.fh, datasync)
}

/** An open file was closed for the last time. @errno EBADF no such handle */
export function release(x: Adapter, number: number): number {
  const handle = x.handles.get(number)
  if (handle === undefined) return -EBADF
  const { nodeid, fh, flags } = handle
  const result = x.filesystem.release(x.request, nodeid, fh, flags)
  if (x.handles.remove(number)) x.paths.unhideNode(nodeid)
  return result
}
