/** Extended attributes: getxattr, listxattr, setxattr, removexattr. */
import { E2BIG } from '../../../../sys/errno.js'
import type { Adapter } from '../adapter.js'

/** A value into a buffer, or its length if that is empty. Returns the length. */
export function getxattr(x: Adapter, path: string, name: string, into: Buffer): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  const { filesystem, request, memory } = x
  const room = Math.min(into.length, memory.bytes.length)
  const length = filesystem.getxattr(request, nodeid, name, room, memory, 0)
  if (length > 0 && into.length > 0) into.set(memory.bytes.subarray(0, length))
  return length
}

/** The NUL-separated names into a buffer, or their length if that is empty. Returns the length. */
export function listxattr(x: Adapter, path: string, into: Buffer): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  const { filesystem, request, memory } = x
  const room = Math.min(into.length, memory.bytes.length)
  const length = filesystem.listxattr(request, nodeid, room, memory, 0)
  if (length > 0 && into.length > 0) into.set(memory.bytes.subarray(0, length))
  return length
}

/** Set a value. @param flags XATTR_CREATE 1, XATTR_REPLACE 2 @errno E2BIG beyond the kernel's limit */
export function setxattr(
  x: Adapter,
  path: string,
  name: string,
  value: Buffer,
  flags: number,
): number {
  const nodeid = x.paths.resolve(path)
  if (nodeid < 0) return nodeid
  const { filesystem, request, memory } = x
  if (value.length > memory.bytes.length) return -E2BIG
  memory.bytes.set(value)
  return filesystem.setxattr(request, nodeid, name, memory, 0, value.length, flags, 0)
}

/** Remove an attribute. */
export function removexattr(x: Adapter, path: string, name: string): number {
  const nodeid = x.paths.resolve(path)
  return nodeid < 0 ? nodeid : x.filesystem.removexattr(x.request, nodeid, name)
}
