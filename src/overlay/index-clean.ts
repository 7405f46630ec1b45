/**
 * What an earlier mount left in the index: temporaries, entries of lower objects that are gone, entries
 * of files whose last name is gone. What cannot be understood stops the mount.
 * @mirrors fs/overlayfs/readdir.c:ovl_indexdir_cleanup, fs/overlayfs/namei.c:ovl_verify_index
 */
import { S_IFDIR, S_IFMT } from '../sys/constants.js'
import { EINVAL, EIO, ENODATA, ENOENT, ESTALE } from '../sys/errno.js'
import { rmdirAt, unlinkAt } from '../sys/node.js'
import { FileStat, statAt } from '../sys/stat.js'
import { lacksXattr, readXattr } from '../sys/xattr.js'
import { isWhiteoutDevice } from '../whiteout/whiteout.js'
import type { Layer } from './layer.js'
import { HEADER_BYTES, checkOriginHead, statOrigin } from './origin.js'
import { readUnionNlink } from './union-nlink.js'
import { namesIn, removeTree } from './workdir.js'

const stat = new FileStat()
const lowerStat = new FileStat()

/** What an index is checked with. */
export interface IndexCheck {
  /** O_PATH descriptor of the index. */
  readonly fd: number
  /** Of the private xattrs. */
  readonly prefix: string
  /** All lower layers. */
  readonly layers: readonly Layer[]
}

/** The origin value that a name stands for, or -errno. */
function originOfName(name: string): string | number {
  if (name.length < HEADER_BYTES * 2 || !/^(?:[0-9a-fA-F]{2})+.?$/.test(name)) return -EINVAL
  const origin = Buffer.from(name.slice(0, name.length & ~1), 'hex').toString('latin1')
  const head = checkOriginHead(origin)
  return head < 0 ? head : origin
}

/**
 * Whether an entry is one to keep.
 * @returns 0; -ESTALE or -ENOENT for one that is to go; else the errno that stops the mount
 */
function verifyEntry({ fd, prefix, layers }: IndexCheck, name: string): number {
  const origin = originOfName(name)
  if (typeof origin === 'number') return origin
  const seen = statAt(fd, name, stat)
  if (seen < 0) return seen
  // Left by a mount with nfs_export=on.
  if (isWhiteoutDevice(stat) || (stat.mode & S_IFMT) === S_IFDIR) return 0
  const marked = readXattr(fd, name, `${prefix}origin`)
  if (typeof marked === 'number') return lacksXattr(marked) ? -ENODATA : marked
  if (marked === '') return -ENODATA
  if (marked !== origin) return -ESTALE
  if (stat.nlink > 1) return 0
  const layer = statOrigin(layers, origin, lowerStat)
  if (typeof layer === 'number') return layer
  if (layer === null) return -ESTALE
  if ((lowerStat.mode & S_IFMT) !== (stat.mode & S_IFMT)) return -EIO
  const links = { upper: stat.nlink, lower: lowerStat.nlink, fallback: 0 }
  const count = readUnionNlink(fd, name, `${prefix}nlink`, links)
  if (count < 0) return count
  return count === 0 ? -ENOENT : 0
}

/**
 * Remove what does not belong into the index.
 * @returns the name that stops the mount, with the reason as -errno; null when all is well
 */
export function cleanIndex(check: IndexCheck): { name: string; errno: number } | null {
  const names = namesIn(check.fd)
  if (typeof names === 'number') return { name: '.', errno: names }
  for (const name of names) {
    if (name.startsWith('#')) {
      removeTree(check.fd, name)
      continue
    }
    let result = verifyEntry(check, name)
    if (result === -ESTALE || result === -ENOENT) result = remove(check.fd, name)
    if (result < 0) return { name, errno: result }
  }
  return null
}

function remove(fd: number, name: string): number {
  const isDir = statAt(fd, name, stat) === 0 && (stat.mode & S_IFMT) === S_IFDIR
  return isDir ? rmdirAt(fd, name) : unlinkAt(fd, name)
}
