/** Everything on open files: open, read, write, release, sync, space, seeking, copying, ioctl. */
import { DEFERRED, type RawFilesystem, type RequestContext } from '../../fuse/raw-filesystem.js'
import {
  FS_IOC_FSGETXATTR,
  FS_IOC_FSSETXATTR,
  FS_IOC_GETFLAGS,
  FS_IOC_SETFLAGS,
  O_DIRECTORY,
  O_RDONLY,
  S_IFREG,
} from '../../sys/constants.js'
import { EINVAL, ENODATA, ENOSYS, ENOTTY, EROFS, ESTALE } from '../../sys/errno.js'
import {
  copyFileRange,
  fallocate,
  fdatasync,
  fsync,
  lseek,
  pread,
  pwrite,
  syncfs,
} from '../../sys/io.js'
import { close, duplicate, openAt } from '../../sys/open.js'
import { readXattr, writeXattr } from '../../sys/xattr.js'
import type { SyncKind } from '../aside.js'
import type { OverlayContext } from '../context.js'
import { copyUp } from '../copy-up/copy-up.js'
import { FSXATTR_BYTES, readFlags, writeFlags } from '../inode-flags.js'
import { type FileNode, XATTRS_NONE } from '../node.js'
import { closeData, dataFd, openNode, releaseNode } from '../open-file.js'
import { killSuidSgid } from '../privileges.js'
import { mayChange, mayWrite } from '../protection.js'
import { fileOf } from './names.js'

type DataOps = Pick<
  RawFilesystem,
  | 'open'
  | 'read'
  | 'write'
  | 'release'
  | 'flush'
  | 'fsync'
  | 'fsyncdir'
  | 'syncfs'
  | 'fallocate'
  | 'lseek'
  | 'copyFileRange'
  | 'ioctl'
>

/** FALLOC_FL_KEEP_SIZE. */
const KEEP_SIZE = 1
const WRITE_CACHE = 1
const WRITE_KILL_SUIDGID = 4
const CAPABILITY = 'security.capability'

/** Operations on data, over one overlay. */
export function dataOps(ctx: OverlayContext): DataOps {
  const volatile = ctx.options.fsync === 'volatile'

  /** Run `use` on a descriptor of the node's data; passthrough nodes get one for the occasion. */
  function withData(node: FileNode, write: boolean, use: (fd: number) => number): number {
    if (write) {
      if (ctx.work === null) return -EROFS
      const ready = node.orphanFd >= 0 && !node.metacopy ? 0 : copyUp(ctx, node, 'all')
      if (ready < 0) return ready
    }
    const fd = dataFd(ctx, node, write)
    if (fd < 0) return fd
    const result = use(fd)
    if (node.opens === 0) closeData(node)
    return result
  }

  /** Have `fd` synced by whoever does long work; the request is answered then. */
  function syncAside(req: RequestContext, fd: number, kind: SyncKind): number {
    const own = ctx.aside === null ? -1 : duplicate(fd)
    if (ctx.aside === null || own < 0) return own
    const { uniqueLo, uniqueHi } = req
    ctx.aside.sync(own, kind, (result) => {
      ctx.connection?.reply(uniqueLo, uniqueHi, Math.min(0, result))
    })
    return DEFERRED
  }

  function syncNode(req: RequestContext, node: FileNode, datasync: boolean): number {
    if (!node.inUpper) return 0
    if (ctx.aside === null || !ctx.syncsAside) {
      return withData(node, false, datasync ? fdatasync : fsync)
    }
    const kind = datasync ? 'fdatasync' : 'fsync'
    return withData(node, false, (fd) => syncAside(req, fd, kind))
  }

  function syncUpper(req: RequestContext): number {
    if (ctx.upper === null) return 0
    const fd = openAt(ctx.upper.root.fd, '.', O_RDONLY | O_DIRECTORY)
    if (fd < 0) return fd
    const isLong = ctx.aside !== null && ctx.syncsAside
    const result = isLong ? syncAside(req, fd, 'syncfs') : syncfs(fd)
    close(fd)
    return result
  }

  return {
    open: (req, nodeid, flags, openFlags, out) => {
      const node = fileOf(ctx, nodeid)
      return typeof node === 'number' ? node : openNode(ctx, req, node, flags, openFlags, out)
    },

    read: (_req, nodeid, _fh, offset, size, out, outOffset) => {
      const node = fileOf(ctx, nodeid)
      if (typeof node === 'number') return node
      const fd = dataFd(ctx, node, false)
      return fd < 0 ? fd : pread(fd, out.address + outOffset, size, offset)
    },

    write: (req, nodeid, _fh, offset, size, data, dataOffset, writeFlags) => {
      const node = fileOf(ctx, nodeid)
      if (typeof node === 'number') return node
      if (!node.inUpper) return -ESTALE
      const fd = dataFd(ctx, node, true)
      if (fd < 0) return fd
      // What was written through a mapping is no write(2), and takes nothing away.
      const isMapped = (writeFlags & WRITE_CACHE) !== 0 && node.xattrs !== XATTRS_NONE
      const capability = isMapped ? readXattr(fd, '', CAPABILITY) : -ENODATA
      const written = pwrite(fd, data.address + dataOffset, size, offset)
      if (typeof capability === 'string') {
        const restored = writeXattr(fd, '', CAPABILITY, capability)
        if (restored < 0) return restored
      }
      if (written >= 0 && (writeFlags & WRITE_KILL_SUIDGID) !== 0) killSuidSgid(ctx, node, req)
      return written
    },

    release: (_req, nodeid, _fh, flags) => {
      const node = fileOf(ctx, nodeid)
      if (typeof node !== 'number') releaseNode(ctx, node, flags)
      return 0
    },

    flush: () => 0,

    fsync: (req, nodeid, _fh, datasync) => {
      // After ENOSYS the kernel asks no more, and says that all is well.
      if (volatile) return -ENOSYS
      const node = fileOf(ctx, nodeid)
      return typeof node === 'number' ? node : syncNode(req, node, datasync)
    },

    fsyncdir: (_req, nodeid) => {
      if (volatile) return -ENOSYS
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (!node.isDir || node.upper === null || node.removed) return 0
      const dirfd = ctx.fds.fd(node.upper)
      const fd = dirfd < 0 ? dirfd : openAt(dirfd, '.', O_RDONLY | O_DIRECTORY)
      if (fd < 0) return fd
      const result = fsync(fd)
      close(fd)
      return result
    },

    syncfs: (req) => (volatile ? 0 : syncUpper(req)),

    fallocate: (_req, nodeid, _fh, offset, length, mode) => {
      const node = fileOf(ctx, nodeid)
      if (typeof node === 'number') return node
      const allowed = (mode & ~KEEP_SIZE) === 0 ? mayWrite(ctx, node) : mayChange(ctx, node)
      if (allowed < 0) return allowed
      return withData(node, true, (fd) => fallocate(fd, mode, offset, length))
    },

    lseek: (_req, nodeid, _fh, offset, whence) => {
      const node = fileOf(ctx, nodeid)
      if (typeof node === 'number') return node
      return withData(node, false, (fd) => lseek(fd, offset, whence))
    },

    copyFileRange: (_req, nodeidIn, _fhIn, offsetIn, nodeidOut, _fhOut, offsetOut, length) => {
      const source = fileOf(ctx, nodeidIn)
      if (typeof source === 'number') return source
      const target = fileOf(ctx, nodeidOut)
      if (typeof target === 'number') return target
      // Descriptors are one a node: within one file both sides use the writable one.
      return withData(target, true, (out) => {
        if (source === target) return copyFileRange(out, offsetIn, out, offsetOut, length)
        return withData(source, false, (fd) => copyFileRange(fd, offsetIn, out, offsetOut, length))
      })
    },

    ioctl: (_req, nodeid, _fh, _flags, cmd, input, inputOffset, inSize, maxOut, out) => {
      const node = ctx.nodes.get(nodeid)
      if (node === undefined) return -ESTALE
      if (!node.isDir && node.type !== S_IFREG) return -ENOTTY
      out.result = 0
      if (cmd === FS_IOC_GETFLAGS || cmd === FS_IOC_FSGETXATTR) {
        const size = readFlags(ctx, node, cmd, out.data, out.offset)
        if (size < 0) return size
        out.outSize = Math.min(maxOut, size)
        return 0
      }
      const wanted = cmd === FS_IOC_SETFLAGS ? 4 : FSXATTR_BYTES
      if (cmd !== FS_IOC_SETFLAGS && cmd !== FS_IOC_FSSETXATTR) return -ENOTTY
      return inSize < wanted ? -EINVAL : writeFlags(ctx, node, cmd, input, inputOffset)
    },
  }
}
