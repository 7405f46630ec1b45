/** Names: mknod, mkdir, symlink, link, unlink, rmdir, rename, create. */
import type { Adapter } from '../adapter.js'
import { isHiding, parentOf, nameOf } from '../path-table.js'

/** The kernel has applied the umask already. */
const NO_UMASK = 0

/** Keep the node of a new name. */
function enter(x: Adapter, path: string, result: number): number {
  if (result < 0) return result
  x.paths.add(path, x.entry.nodeid)
  return 0
}

/** Make a file, a device, a pipe or a socket. @param rdev packed as the kernel does */
export function mknod(x: Adapter, path: string, mode: number, rdev: number): number {
  const place = x.paths.locate(path)
  if (typeof place === 'number') return place
  const { parent, name } = place
  const { filesystem, request, entry } = x
  return enter(x, path, filesystem.mknod(request, parent, name, mode, rdev, NO_UMASK, entry))
}

/** Make a directory. */
export function mkdir(x: Adapter, path: string, mode: number): number {
  const place = x.paths.locate(path)
  if (typeof place === 'number') return place
  const { filesystem, request, entry } = x
  return enter(x, path, filesystem.mkdir(request, place.parent, place.name, mode, NO_UMASK, entry))
}

/** Make a symlink. */
export function symlink(x: Adapter, target: string, path: string): number {
  const place = x.paths.locate(path)
  if (typeof place === 'number') return place
  const { filesystem, request, entry } = x
  return enter(x, path, filesystem.symlink(request, place.parent, place.name, target, entry))
}

/** Give a file another name. */
export function link(x: Adapter, from: string, to: string): number {
  const nodeid = x.paths.resolve(from)
  if (nodeid < 0) return nodeid
  const place = x.paths.locate(to)
  if (typeof place === 'number') return place
  const { filesystem, request, entry } = x
  return enter(x, to, filesystem.link(request, nodeid, place.parent, place.name, entry))
}

/** Remove a name that is no directory's. */
export function unlink(x: Adapter, path: string): number {
  if (x.paths.unhide(path)) return 0
  const place = x.paths.locate(path)
  if (typeof place === 'number') return place
  const result = x.filesystem.unlink(x.request, place.parent, place.name)
  if (result === 0) x.paths.drop(path)
  return result
}

/** Remove a directory. */
export function rmdir(x: Adapter, path: string): number {
  const place = x.paths.locate(path)
  if (typeof place === 'number') return place
  const result = x.filesystem.rmdir(x.request, place.parent, place.name)
  if (result === 0) x.paths.dropTree(path)
  return result
}

/** Remove a file that is open; libfuse knows it by another name from now on. */
function hide(x: Adapter, nodeid: number, from: string, to: string): number {
  const parent = x.paths.resolve(parentOf(from))
  if (parent < 0) return parent
  const result = x.filesystem.unlink(x.request, parent, nameOf(from))
  if (result < 0) return result
  x.paths.hide(to, nodeid)
  x.paths.drop(from)
  return 0
}

/** Give something another name; what has that name is replaced. */
export function rename(x: Adapter, from: string, to: string): number {
  const nodeid = x.paths.resolve(from)
  if (nodeid < 0) return nodeid
  if (isHiding(from, to) && x.handles.isOpen(nodeid)) return hide(x, nodeid, from, to)
  const source = x.paths.locate(from)
  if (typeof source === 'number') return source
  const target = x.paths.locate(to)
  if (typeof target === 'number') return target
  const { filesystem, request } = x
  const result = filesystem.rename(
    request,
    source.parent,
    source.name,
    target.parent,
    target.name,
    0,
  )
  if (result === 0) x.paths.move(from, to)
  return result
}

/** Make a file and open it. Returns the handle's number, or -errno. @param flags O_* */
export function create(x: Adapter, path: string, flags: number, mode: number): number {
  const place = x.paths.locate(path)
  if (typeof place === 'number') return place
  const { filesystem, request, entry, opened } = x
  const result = enter(
    x,
    path,
    filesystem.create(request, place.parent, place.name, flags, mode, NO_UMASK, 0, entry, opened),
  )
  return result < 0 ? result : x.handles.add({ nodeid: entry.nodeid, fh: opened.fh, flags })
}
