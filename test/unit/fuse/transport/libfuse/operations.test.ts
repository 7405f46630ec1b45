/** Every operation of libfuse over a file system in memory: results, and references given back. */
import t from 'tap'
import { Adapter } from '../../../../../src/fuse/transport/libfuse/adapter.js'
import * as attributes from '../../../../../src/fuse/transport/libfuse/operations/attributes.js'
import * as data from '../../../../../src/fuse/transport/libfuse/operations/data.js'
import * as directories from '../../../../../src/fuse/transport/libfuse/operations/directories.js'
import * as names from '../../../../../src/fuse/transport/libfuse/operations/names.js'
import * as xattrs from '../../../../../src/fuse/transport/libfuse/operations/xattrs.js'
import {
  FATTR_ATIME,
  FATTR_ATIME_NOW,
  FATTR_FH,
  FATTR_GID,
  FATTR_MODE,
  FATTR_MTIME,
  FATTR_MTIME_NOW,
  FATTR_SIZE,
  FATTR_UID,
} from '../../../../../src/fuse/protocol/flags/fattr.js'
import type { SetAttributes } from '../../../../../src/fuse/raw-filesystem.js'
import {
  EBADF,
  EEXIST,
  EISDIR,
  ENODATA,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  ERANGE,
} from '../../../../../src/sys/errno.js'
import { MemoryFilesystem } from '../../../../helpers/fuse/memory-filesystem.js'

const S_IFREG = 0o100000
const S_IFDIR = 0o040000
const O_RDWR = 2
const HIDDEN = '.fuse_hidden0000000700000001'

/** Keeps what SETATTR was asked for, and what RELEASE was told. */
class WatchedFilesystem extends MemoryFilesystem {
  readonly sets: SetAttributes[] = []
  readonly released: (readonly [nodeid: number, fh: number, flags: number])[] = []

  override setattr(...[ctx, nodeid, set, out]: Parameters<MemoryFilesystem['setattr']>): number {
    this.sets.push({ ...set })
    return super.setattr(ctx, nodeid, set, out)
  }

  override release(...values: unknown[]): number {
    const [, nodeid, fh, flags] = values as [unknown, number, number, number]
    this.released.push([nodeid, fh, flags])
    return 0
  }
}

function stage(): { x: Adapter; filesystem: WatchedFilesystem } {
  const filesystem = new WatchedFilesystem()
  return { filesystem, x: new Adapter(filesystem, { uid: 12, gid: 34 }) }
}

/** Make a file and close it. */
function makeFile(x: Adapter, path: string, text = ''): void {
  const number = names.create(x, path, O_RDWR, S_IFREG | 0o644)
  data.write(x, number, Buffer.from(text), 0, false)
  data.release(x, number)
}

function read(x: Adapter, number: number, size = 100): string {
  const into = Buffer.alloc(size)
  return into.toString('latin1', 0, data.read(x, number, into, 0))
}

function list(x: Adapter, path: string): string[] | number {
  const found: string[] = []
  const result = directories.readdir(x, path, (name) => found.push(name) > 0)
  return result < 0 ? result : found.filter((name) => name !== '.' && name !== '..')
}

await t.test('names come and go', async (t) => {
  const { x, filesystem } = stage()
  t.equal(names.mkdir(x, '/d', 0o750), 0)
  t.equal(names.mkdir(x, '/d', 0o750), -EEXIST)
  t.equal(names.mkdir(x, '/none/d', 0o750), -ENOENT)
  t.equal(names.mknod(x, '/d/f', S_IFREG | 0o640, 0), 0)
  t.equal(names.symlink(x, 'f\xff', '/d/s'), 0)
  t.equal(x.memory.bytes.latin1Slice(0, attributes.readlink(x, '/d/s')), 'f\xff')
  t.equal(names.link(x, '/d/f', '/d/g'), 0)
  t.equal(names.link(x, '/d/none', '/d/h'), -ENOENT)
  t.strictSame(list(x, '/d'), ['f', 's', 'g'])
  t.equal(attributes.getattr(x, '/d/g'), 0)
  t.match(x.attr.attributes, { nlink: 2, mode: S_IFREG | 0o640, uid: 12, gid: 34 })
  t.equal(names.rmdir(x, '/d'), -ENOTEMPTY)
  t.equal(names.unlink(x, '/d'), -EISDIR)
  t.equal(names.rmdir(x, '/d/f'), -ENOTDIR)
  t.equal(names.rename(x, '/d', '/e'), 0)
  t.equal(attributes.getattr(x, '/d/g'), -ENOENT)
  t.equal(names.rename(x, '/e/none', '/e/x'), -ENOENT)
  for (const name of ['f', 's', 'g']) t.equal(names.unlink(x, `/e/${name}`), 0)
  t.equal(names.unlink(x, '/e/g'), -ENOENT)
  t.equal(names.rmdir(x, '/e'), 0)
  t.strictSame(list(x, '/'), [])
  x.close()
  t.equal(filesystem.outstanding, 0)
  t.equal(filesystem.destroyed, 1)
})

await t.test('a name that is made anew is another file', async (t) => {
  const { x } = stage()
  makeFile(x, '/f', 'old')
  makeFile(x, '/g', 'new')
  t.equal(names.rename(x, '/g', '/f'), 0)
  const number = data.open(x, '/f', O_RDWR)
  t.equal(read(x, number), 'new')
  t.equal(names.unlink(x, '/f'), 0)
  t.equal(data.open(x, '/f', O_RDWR), -ENOENT)
})

await t.test('open files', async (t) => {
  const { x, filesystem } = stage()
  const number = names.create(x, '/f', O_RDWR, S_IFREG | 0o600)
  t.equal(number, 1)
  t.equal(data.write(x, number, Buffer.from('hello'), 0, false), 5)
  t.equal(data.write(x, number, Buffer.from('!'), 5, false), 1)
  t.equal(read(x, number), 'hello!')
  t.equal(read(x, number, 2), 'he')
  const big = Buffer.alloc(x.memory.bytes.length * 2 + 7, 'ab')
  t.equal(data.write(x, number, big, 0, false), big.length, 'in as many pieces as it takes')
  const back = Buffer.alloc(big.length + 10)
  t.equal(data.read(x, number, back, 0), big.length)
  t.ok(back.subarray(0, big.length).equals(big))
  t.equal(data.flush(x, number), 0)
  t.equal(data.fsync(x, number, true), 0)
  t.equal(attributes.fgetattr(x, '/f', number), 0)
  t.equal(x.attr.attributes.sizeBytes, big.length)
  t.equal(attributes.ftruncate(x, number, 3), 0)
  t.match(filesystem.sets.at(-1), { fh: 2, sizeBytes: 3 })
  t.equal(filesystem.sets.at(-1)?.valid, FATTR_SIZE | FATTR_FH | FATTR_MTIME | FATTR_MTIME_NOW)
  const second = data.open(x, '/f', 0)
  t.equal(second, 2)
  t.equal(data.release(x, number), 0)
  t.strictSame(filesystem.released, [[2, 2, O_RDWR]])
  t.equal(data.open(x, '/f', 0), number, 'numbers are used again')
  t.equal(data.open(x, '/none', 0), -ENOENT)
  x.close()
  t.equal(filesystem.outstanding, 0)
})

await t.test('a handle that does not exist', async (t) => {
  const { x } = stage()
  for (const result of [
    attributes.fgetattr(x, '/f', 7),
    attributes.ftruncate(x, 7, 0),
    data.read(x, 7, Buffer.alloc(1), 0),
    data.write(x, 7, Buffer.alloc(1), 0, false),
    data.flush(x, 7),
    data.fsync(x, 7, false),
    data.release(x, 7),
  ]) {
    t.equal(result, -EBADF)
  }
})

await t.test('a file that is removed while it is open', async (t) => {
  const { x, filesystem } = stage()
  names.mkdir(x, '/d', 0o755)
  makeFile(x, '/d/f', 'text')
  const number = data.open(x, '/d/f', O_RDWR)
  t.equal(names.rename(x, '/d/f', `/d/${HIDDEN}`), 0)
  t.strictSame(list(x, '/d'), [], 'removed at once')
  t.equal(attributes.getattr(x, '/d/f'), -ENOENT)
  t.equal(attributes.getattr(x, `/d/${HIDDEN}`), 0)
  t.equal(x.attr.attributes.nlink, 1, 'libfuse takes one away')
  t.equal(attributes.chmod(x, `/d/${HIDDEN}`, 0o400), 0)
  t.equal(read(x, number), 'text')
  t.equal(attributes.fgetattr(x, `/d/${HIDDEN}`, number), 0)
  t.match(x.attr.attributes, { nlink: 1, mode: S_IFREG | 0o400 })
  t.equal(names.rmdir(x, '/d'), 0, 'its directory is empty')
  t.equal(read(x, number), 'text')
  data.release(x, number)
  t.equal(names.unlink(x, `/d/${HIDDEN}`), -ENOENT, 'nothing is left to remove')
  x.close()
  t.equal(filesystem.outstanding, 0)
})

await t.test('a file that is removed while it is open, and closed last by unlink', async (t) => {
  const { x, filesystem } = stage()
  makeFile(x, '/f', 'text')
  data.open(x, '/f', O_RDWR)
  names.rename(x, '/f', `/${HIDDEN}`)
  t.equal(names.unlink(x, `/${HIDDEN}`), 0)
  t.equal(attributes.getattr(x, `/${HIDDEN}`), -ENOENT)
  x.close()
  t.equal(filesystem.outstanding, 0)
})

await t.test('a file that nobody has open may be given such a name', async (t) => {
  const { x } = stage()
  makeFile(x, '/f', 'text')
  t.equal(names.rename(x, '/f', `/${HIDDEN}`), 0)
  t.strictSame(list(x, '/'), [HIDDEN])
  t.equal(names.unlink(x, `/${HIDDEN}`), 0)
  t.strictSame(list(x, '/'), [])
})

await t.test('attributes are set one at a time', async (t) => {
  const { x, filesystem } = stage()
  makeFile(x, '/f', 'text')
  const asked = (): SetAttributes | undefined => filesystem.sets.at(-1)
  t.equal(attributes.chmod(x, '/f', S_IFREG | 0o4711), 0)
  t.match(asked(), { valid: FATTR_MODE, mode: 0o4711, fh: -1 })
  attributes.chown(x, '/f', 5, 0xffffffff)
  t.match(asked(), { valid: FATTR_UID, uid: 5 })
  attributes.chown(x, '/f', 0xffffffff, 6)
  t.match(asked(), { valid: FATTR_GID, gid: 6 })
  attributes.chown(x, '/f', 7, 8)
  t.match(asked(), { valid: FATTR_UID | FATTR_GID, uid: 7, gid: 8 })
  attributes.truncate(x, '/f', 1000)
  t.match(asked(), { valid: FATTR_SIZE, sizeBytes: 1000 })
  attributes.truncate(x, '/f', 0)
  t.match(asked(), { valid: FATTR_SIZE, sizeBytes: 0 }, 'truncate(2)')
  data.open(x, '/f', O_RDWR)
  attributes.truncate(x, '/f', 0)
  t.match(asked(), { valid: FATTR_SIZE | FATTR_MTIME | FATTR_MTIME_NOW }, 'O_TRUNC')
  for (const result of [
    attributes.chmod(x, '/none', 0),
    attributes.chown(x, '/none', 0, 0),
    attributes.truncate(x, '/none', 0),
    attributes.utimens(x, '/none', 0, 0),
    attributes.readlink(x, '/none'),
    attributes.statfs(x, '/none'),
  ]) {
    t.equal(result, -ENOENT)
  }
})

await t.test('times come in ms, and now must not become earlier', async (t) => {
  const { x, filesystem } = stage()
  makeFile(x, '/f')
  const asked = (): SetAttributes | undefined => filesystem.sets.at(-1)
  const now = 1_800_000_000_500
  attributes.utimens(x, '/f', 1_000_123, 2_000_456, now)
  t.match(asked(), {
    valid: FATTR_ATIME | FATTR_MTIME,
    atimeSec: 1000,
    atimeNsec: 123_000_000,
    mtimeSec: 2000,
    mtimeNsec: 456_000_000,
  })
  attributes.utimens(x, '/f', -500, -1500, now)
  t.match(asked(), { atimeSec: -1, atimeNsec: 500_000_000, mtimeSec: -2, mtimeNsec: 500_000_000 })
  attributes.utimens(x, '/f', now - 3, now - 3, now)
  t.match(asked(), { mtimeSec: 1_800_000_000, mtimeNsec: 497_999_999 })
  attributes.utimens(x, '/f', now, now, now)
  t.equal(asked()?.valid, FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW)
  attributes.utimens(x, '/f', now + 1, now + 1, now)
  t.match(asked(), { valid: FATTR_ATIME | FATTR_MTIME, mtimeNsec: 501_000_000 }, 'in the future')
  attributes.utimens(x, '/f', now - 1, now - 2, now)
  t.match(asked(), { atimeNsec: 499_000_000, mtimeNsec: 498_000_000 }, 'two times, not now')
})

await t.test('extended attributes', async (t) => {
  const { x } = stage()
  makeFile(x, '/f')
  t.equal(xattrs.setxattr(x, '/f', 'user.a', Buffer.from('value'), 0), 0)
  t.equal(xattrs.setxattr(x, '/f', 'user.b\xff', Buffer.alloc(0), 0), 0)
  t.equal(xattrs.getxattr(x, '/f', 'user.a', Buffer.alloc(0)), 5, 'its length')
  t.equal(xattrs.getxattr(x, '/f', 'user.a', Buffer.alloc(2)), -ERANGE)
  const value = Buffer.alloc(8)
  t.equal(xattrs.getxattr(x, '/f', 'user.a', value), 5)
  t.equal(value.latin1Slice(0, 5), 'value')
  t.equal(xattrs.getxattr(x, '/f', 'user.none', value), -ENODATA)
  const names = Buffer.alloc(100)
  t.equal(xattrs.listxattr(x, '/f', Buffer.alloc(0)), 15)
  t.equal(names.latin1Slice(0, xattrs.listxattr(x, '/f', names)), 'user.a\0user.b\xff\0')
  t.equal(xattrs.removexattr(x, '/f', 'user.a'), 0)
  t.equal(xattrs.removexattr(x, '/f', 'user.a'), -ENODATA)
  t.equal(xattrs.removexattr(x, '/none', 'user.a'), -ENOENT)
})

await t.test('directories', async (t) => {
  const { x } = stage()
  names.mkdir(x, '/d', 0o755)
  makeFile(x, '/d/a')
  names.mkdir(x, '/d/b', 0o755)
  const found: unknown[] = []
  directories.readdir(x, '/d', (name, inoLo, inoHi, type) => {
    found.push([name, inoLo > 0, inoHi, type])
    return true
  })
  t.match(found.at(-2), ['a', true, 0, S_IFREG >>> 12])
  t.match(found.at(-1), ['b', true, 0, S_IFDIR >>> 12])
  let taken = 0
  directories.readdir(x, '/d', () => ++taken < 1)
  t.equal(taken, 1, 'no more than libfuse takes')
  t.equal(list(x, '/none'), -ENOENT)
  t.equal(directories.fsyncdir(x, '/d', false), 0)
  t.equal(attributes.statfs(x, '/d'), 0)
  t.match(x.statfs, { blocks: 1000, bavail: 500, namelen: 255 })
})
