/** LOOKUP, FORGET and the operations that make names: symlink, mknod, mkdir, link, create, tmpfile. */
import type { Entry, OpenReply, RawFilesystem } from '../../fuse/raw-filesystem.js'
import {
  O_ACCMODE,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_TMPFILE,
  O_TRUNC,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from '../../sys/constants.js'
import { actAsSelf, useUmask } from '../../sys/creds.js'
import { EEXIST, EISDIR, ENOENT, ENOTDIR, EPERM, EROFS, ESTALE } from '../../sys/errno.js'
import { close, openAt, reopen } from '../../sys/open.js'
import { FileStat } from '../../sys/stat.js'
import { fillEntry } from '../attributes.js'
import { addAlias, lookupChild, upperKeyOf } from '../children.js'
import type { OverlayContext } from '../context.js'
import { copyUpDir } from '../copy-up/copy-up.js'
import { actAsCaller, createOnDisk, newObject, registerNew } from '../create.js'
import type { NewObject } from '../create.js'
import { linkOnDisk, readyToLink } from '../link.js'
import { locate, makeLocation } from '../location.js'
import { type DirNode, FileNode, type Node } from '../node.js'
import { admit, openNode } from '../open-file.js'
import { dressNew } from '../override-objects.js'
import { STAND_IN_MODE, statShown } from '../override-stat.js'
import { mayWrite } from '../protection.js'
import { takeBack } from '../remove.js'

type NameOps = Pick<
  RawFilesystem,
  'lookup' | 'forget' | 'symlink' | 'mknod' | 'mkdir' | 'link' | 'create' | 'tmpfile'
>
type Request = Parameters<RawFilesystem['lookup']>[0]

/** A directory node by id, or -errno. */
export function dirOf(ctx: OverlayContext, id: number): DirNode | number {
  const node = ctx.nodes.get(id)
  if (node === undefined) return -ESTALE
  return node.isDir ? node : -ENOTDIR
}

/** A non-directory node by id, or -errno. */
export function fileOf(ctx: OverlayContext, id: number): FileNode | number {
  const node = ctx.nodes.get(id)
  if (node === undefined) return -ESTALE
  return node.isDir ? -EISDIR : node
}

/** Operations on names, over one overlay. */
export function nameOps(ctx: OverlayContext): NameOps {
  const stat = new FileStat()
  const place = makeLocation()

  /** Stat what was just created, make its node, fill its entry; or take it back. */
  function enter(parent: DirNode, name: string, what: NewObject, out: Entry): Node | number {
    if (parent.upper === null) return -ESTALE
    const dirfd = what.fd >= 0 ? what.fd : ctx.fds.fd(parent.upper)
    const seen = dirfd < 0 ? dirfd : statShown(ctx.upper, dirfd, what.fd >= 0 ? '' : name, stat)
    if (seen < 0) {
      // The VFS holds that there is no such name, and asks no more.
      takeBack(ctx, parent, name, (what.mode & S_IFMT) === S_IFDIR ? 'dir' : 'file')
      return seen
    }
    const node = registerNew(ctx, parent, name, stat, false)
    if (typeof node !== 'number') fillEntry(ctx, node, stat, out)
    return node
  }

  function make(req: Request, parentId: number, name: string, what: NewObject, out: Entry): number {
    const parent = dirOf(ctx, parentId)
    if (typeof parent === 'number') return parent
    const made = createOnDisk(ctx, req, parent, name, what)
    if (made < 0) return made
    const node = enter(parent, name, what, out)
    return typeof node === 'number' ? node : 0
  }

  function lookup(parentId: number, name: string, out: Entry): number {
    const parent = dirOf(ctx, parentId)
    if (typeof parent === 'number') return parent
    const node = lookupChild(ctx, parent, name, stat)
    if (node === -ENOENT) {
      out.nodeid = 0
      out.entryTtlSec = ctx.ttlSec
      out.attrTtlSec = ctx.ttlSec
      return ctx.ttlSec > 0 ? 0 : -ENOENT
    }
    if (typeof node === 'number') return node
    fillEntry(ctx, node, stat, out)
    return 0
  }

  /** The name exists after all (another instance made it): open it as it is. */
  function openExisting(
    req: Request,
    parent: DirNode,
    name: string,
    flags: number,
    openFlags: number,
    entry: Entry,
    out: OpenReply,
  ): number {
    if ((flags & O_EXCL) !== 0) return -EEXIST
    parent.listing?.add(name, S_IFREG >>> 12)
    const node = lookupChild(ctx, parent, name, stat)
    if (typeof node === 'number') return node
    if (node.isDir) return -EISDIR
    const opened = openNode(ctx, req, node, flags, openFlags, out)
    if (opened < 0) return opened
    fillEntry(ctx, node, stat, entry)
    return 0
  }

  return {
    lookup: (_req, parent, name, out) => lookup(parent, name, out),
    forget: (nodeid, count) => {
      ctx.nodes.forget(nodeid, count)
    },
    symlink: (req, parent, name, target, out) =>
      make(req, parent, name, { ...newObject(S_IFLNK | 0o777, 0), target }, out),
    mknod: (req, parent, name, mode, rdev, umask, out) => {
      const rdevMajor = (rdev >>> 8) & 0xfff
      const rdevMinor = (rdev & 0xff) | ((rdev >>> 12) & 0xfff00)
      const type = mode & S_IFMT
      // A character device 0/0 is a whiteout: nobody else may make one.
      if (type === 0o020000 && rdev === 0) return -EPERM
      const full = type === 0 ? mode | S_IFREG : mode
      return make(req, parent, name, { ...newObject(full, umask), rdevMajor, rdevMinor }, out)
    },
    mkdir: (req, parent, name, mode, umask, out) =>
      make(req, parent, name, newObject((mode & 0o7777) | S_IFDIR, umask), out),

    link: (req, nodeid, parentId, name, out) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const node = fileOf(ctx, nodeid)
      if (typeof node === 'number') return node === -EISDIR ? -EPERM : node
      if (ctx.work === null) return -EROFS
      // The last name of a lower file is gone: it has no copy to be linked, and gets none any more.
      if (node.parent === null && !node.inUpper && !node.lowerHardLink) return -ENOENT
      let result = readyToLink(ctx, node, parent, place)
      if (result === 0) result = statShown(ctx.upper, place.fd, place.name, stat)
      if (result < 0) return result
      const made = linkOnDisk(ctx, req, { node, stat, place }, parent, name)
      if (made < 0) return made
      addAlias(node, parent, name)
      parent.listing?.add(name, node.type >>> 12)
      // What was seen before must do if it cannot be looked at any more: the name is there.
      const links = stat.nlink + 1
      result = locate(ctx, node, place)
      if (result === 0) result = statShown(ctx.upper, place.fd, place.name, stat)
      if (result < 0) stat.nlink = links
      if (node.indexed) node.unionNlink += 1
      else if (stat.nlink > 1) ctx.nodes.setUpperKey(node, upperKeyOf(stat))
      fillEntry(ctx, node, stat, out)
      return 0
    },

    create: (req, parentId, name, flags, mode, umask, openFlags, entry, out) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const how = (flags & ~(O_TRUNC | O_ACCMODE)) | O_RDWR | O_CREAT | O_EXCL
      const what = { ...newObject((mode & 0o7777) | S_IFREG, umask), openFlags: how & CREATE_FLAGS }
      const made = createOnDisk(ctx, req, parent, name, what)
      if (made === -EEXIST) return openExisting(req, parent, name, flags, openFlags, entry, out)
      if (made < 0) return made
      const node = enter(parent, name, what, entry)
      if (typeof node === 'number' || node.isDir) {
        if (what.fd >= 0) close(what.fd)
        return typeof node === 'number' ? node : -EISDIR
      }
      keepOrPass(ctx, node, what.fd, flags, out)
      return 0
    },

    tmpfile: (req, parentId, flags, mode, umask, _openFlags, entry, out) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      if (ctx.work === null) return -EROFS
      let result = mayWrite(ctx, parent)
      if (result === 0) result = copyUpDir(ctx, parent)
      if (result < 0) return result
      actAsCaller(ctx, req)
      if (parent.upper === null) return -ESTALE
      // What a file system says to a removed directory differs: ext4 refuses, tmpfs does not.
      const dirfd = parent.orphanFd >= 0 ? parent.orphanFd : ctx.fds.fd(parent.upper)
      if (dirfd < 0) return dirfd
      const override = ctx.upper?.override ?? null
      if (override !== null) actAsSelf()
      useUmask(override === null ? umask : 0)
      const excl = flags & O_EXCL
      const bits = override === null ? mode & 0o7777 : STAND_IN_MODE
      const fd = openAt(dirfd, '.', O_TMPFILE | O_RDWR | excl, bits)
      if (fd < 0) return fd
      if (override !== null)
        result = dressNew(ctx, req, parent, newObject(S_IFREG | mode, umask), fd, '')
      if (result === 0) result = statShown(ctx.upper, fd, '', stat)
      if (result < 0) {
        close(fd)
        return result
      }
      const node = new FileNode(ctx.nodes.nextId(), null, '', S_IFREG, true)
      node.orphanFd = fd
      ctx.nodes.add(node)
      fillEntry(ctx, node, stat, entry)
      keepOrPass(ctx, node, reopen(fd, O_RDWR), flags, out)
      return 0
    },
  }
}

/** The flags that matter for making a file; the rest is the handle's business. */
const CREATE_FLAGS = O_CREAT | O_EXCL | O_RDWR

/** Open a new file: its descriptor becomes the backing file, or serves cached handles. */
function keepOrPass(
  ctx: OverlayContext,
  node: FileNode,
  fd: number,
  flags: number,
  out: OpenReply,
): void {
  if (ctx.passthroughUpper && ctx.connection !== null && fd >= 0) {
    const id = ctx.connection.openBacking(fd)
    if (id > 0) {
      node.backingId = id
      node.backingUpper = true
    }
  }
  admit(ctx, node, flags, out)
  if (fd < 0) return
  if (node.backingId !== 0) {
    close(fd)
    return
  }
  node.fd = fd
  node.fdWritable = true
  node.fdUpper = true
}
