/**
 * The work directory: where everything is built before it is moved into place, so that nothing
 * half-done is ever visible in upper. Temporaries live in `work/work` under names no other overlay
 * uses; one character device 0/0 there is the whiteout that is hard-linked wherever one is needed.
 *
 * Crash safety: a name in `work/work` means nothing to anyone; whatever a killed daemon leaves there
 * is removed by the next mount. Leftovers are removed only by a mount that is alone: each mount
 * holds a shared flock on `work/work`, and cleaning takes the exclusive one.
 * @mirrors fs/overlayfs/super.c:ovl_workdir_create, fs/overlayfs/dir.c:ovl_whiteout
 */
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '../sys/constants.js'
import {
  EACCES,
  EEXIST,
  EINVAL,
  EMLINK,
  ENOENT,
  ENOTDIR,
  EOPNOTSUPP,
  EPERM,
  errnoName,
} from '../sys/errno.js'
import { chmodAt, chownAt } from '../sys/attr.js'
import { actAsSelf, useUmask } from '../sys/creds.js'
import { readDirents } from '../sys/dirents.js'
import { tryExclusiveLock, takeSharedLock } from '../sys/lock.js'
import { linkAt, mkdirAt, mknodAt, renameAt, rmdirAt, unlinkAt } from '../sys/node.js'
import { close, openAt, openDirPath, openDirRead, openPath } from '../sys/open.js'
import { FileStat, statAt } from '../sys/stat.js'
import { lacksXattr, removeXattr } from '../sys/xattr.js'
import { placeWh, removeWh } from '../whiteout/aufs.js'
import { noteXattrWhiteouts } from '../whiteout/opaque.js'
import { makeXattrWhiteout } from '../whiteout/whiteout.js'
import { LayerError } from './layer-error.js'

const MAX_CLEAN_DEPTH = 64

/** All names in a directory, or -errno. */
export function namesIn(dirfd: number): string[] | number {
  const fd = openDirRead(dirfd)
  if (fd < 0) return fd
  const names: string[] = []
  const result = readDirents(fd, (name) => names.push(name))
  close(fd)
  return result < 0 ? result : names
}

/** Remove `name` and all below it. Returns 0 or -errno. */
export function removeTree(dirfd: number, name: string, depth = 0): number {
  const plain = unlinkAt(dirfd, name)
  if (plain === 0 || plain === -ENOENT) return 0
  const removed = rmdirAt(dirfd, name)
  if (removed === 0 || removed === -ENOENT || depth > MAX_CLEAN_DEPTH) return removed
  const fd = openDirPath(dirfd, name)
  if (fd < 0) return fd === -ENOTDIR ? plain : fd
  const names = namesIn(fd)
  if (typeof names !== 'number') for (const child of names) removeTree(fd, child, depth + 1)
  close(fd)
  return rmdirAt(dirfd, name)
}

/** How names are hidden: see whiteout.ts and aufs.ts in src/whiteout. */
export type WhiteoutForm = 'device' | 'xattr' | 'wh-file'

/** The work directory of one mount. */
export class WorkDir {
  /** O_PATH descriptor of `work/work`. */
  readonly fd: number
  /** Nobody else had it in use when it was opened. */
  readonly alone: boolean
  /** Holds the shared lock for the mount's life. */
  readonly #lockFd: number
  readonly #unique: string
  #counter = 0
  /** Name of the shared whiteout in this directory; '' = not made yet. */
  #whiteout = ''
  #form: WhiteoutForm = 'device'
  /** Prefix of the private xattrs; of use in the xattr form only. */
  #prefix = ''

  private constructor(fd: number, lockFd: number, alone: boolean) {
    this.fd = fd
    this.alone = alone
    this.#lockFd = lockFd
    const random = Math.floor(Math.random() * 0xffffffff)
    this.#unique = `#${process.pid.toString(16)}.${random.toString(16)}.`
  }

  /**
   * Make `work/work` in the user's workdir, remove what earlier mounts left in it, and hold it.
   * @param patienceMs how long to wait for a mount that is ending
   * @throws LayerError EINVAL when it carries an incompatible feature; else the errno of making it
   */
  static open(parent: number, path: string, patienceMs = 0): WorkDir {
    const stat = new FileStat()
    if (statAt(parent, 'work', stat) === 0 && (stat.mode & S_IFMT) !== S_IFDIR) {
      unlinkAt(parent, 'work')
    }
    actAsSelf()
    useUmask(0)
    const made = mkdirAt(parent, 'work', 0)
    if (made < 0 && made !== -EEXIST) {
      throw new LayerError(-made, `workdir '${path}': cannot create work in it: ${errnoName(made)}`)
    }
    const fd = openDirPath(parent, 'work')
    const lockFd = fd < 0 ? fd : openOwn(fd)
    if (lockFd < 0) {
      if (fd >= 0) close(fd)
      throw new LayerError(-lockFd, `workdir '${path}/work': ${errnoName(lockFd)}`)
    }
    const release = (): void => {
      close(fd)
      close(lockFd)
    }
    checkIncompat(fd, path, release)
    disinherit(fd, `${path}/work`, release)
    const alone = waitUntilAlone(lockFd, patienceMs)
    if (alone) {
      const names = namesIn(fd)
      if (typeof names !== 'number') for (const name of names) removeTree(fd, name)
    }
    takeSharedLock(lockFd)
    return new WorkDir(fd, lockFd, alone)
  }

  /** A name in this directory that nobody else uses. */
  tempName(): string {
    this.#counter += 1
    return this.#unique + this.#counter.toString(16)
  }

  /** Remove a temporary of ours, of any kind. Best effort: the next mount removes what stays. */
  discard(name: string): void {
    removeTree(this.fd, name)
  }

  /** How names are hidden here. */
  get form(): WhiteoutForm {
    return this.#form
  }

  /**
   * Find out by trying which whiteouts the file system and the namespace allow.
   * @param prefix of the private xattrs; null where they cannot be written
   * @param whFiles `.wh.` files may be written if need be, or always
   * @returns whether names can be hidden at all
   */
  chooseForm(prefix: string | null, whFiles: 'no' | 'last' | 'always'): boolean {
    if (whFiles === 'always') {
      this.#form = 'wh-file'
      return true
    }
    for (const form of ['device', 'xattr'] as const) {
      if (form === 'xattr' && prefix === null) continue
      this.#form = form
      this.#prefix = prefix ?? ''
      const name = this.tempName()
      if (this.#makeWhiteout(name) < 0) continue
      unlinkAt(this.fd, name)
      return true
    }
    this.#form = whFiles === 'last' ? 'wh-file' : 'device'
    return whFiles === 'last'
  }

  /**
   * Put a whiteout at `name` in an upper directory that has nothing of that name.
   * @returns 0 or -errno
   */
  linkWhiteout(dirfd: number, name: string): number {
    if (this.#form !== 'device') {
      actAsSelf()
      useUmask(0)
      if (this.#form === 'wh-file') return placeWh(dirfd, name)
      const noted = dirfd === this.fd ? 0 : noteXattrWhiteouts(dirfd, this.#prefix)
      if (noted < 0) return noted
    }
    const ready = this.#ensureWhiteout()
    if (ready < 0) return ready
    const linked = linkAt(this.fd, this.#whiteout, dirfd, name)
    if (linked === -EPERM || linked === -EOPNOTSUPP) return this.#ownWhiteout(dirfd, name)
    if (linked !== -EMLINK && linked !== -ENOENT) return linked
    this.#whiteout = ''
    const again = this.#ensureWhiteout()
    return again < 0 ? again : linkAt(this.fd, this.#whiteout, dirfd, name)
  }

  /** A whiteout of its own, for file systems without hard links. */
  #ownWhiteout(dirfd: number, name: string): number {
    const temp = this.tempName()
    const made = this.#makeWhiteout(temp)
    if (made < 0) return made
    const result = this.install(temp, dirfd, name, RENAME_NOREPLACE)
    if (result < 0) this.discard(temp)
    return result
  }

  /**
   * Put a whiteout in the place of an upper object; a directory must show no names.
   * @returns 0 or -errno; the object is where it was then
   */
  replaceByWhiteout(dirfd: number, name: string, kind: 'file' | 'dir'): number {
    if (this.#form === 'wh-file') return this.#replaceByWhFile(dirfd, name, kind)
    const noted = this.#form === 'xattr' ? noteXattrWhiteouts(dirfd, this.#prefix) : 0
    const temp = noted < 0 ? noted : this.tempWhiteout()
    if (typeof temp === 'number') return temp
    const result = this.install(temp, dirfd, name, kind === 'dir' ? RENAME_EXCHANGE : 0)
    // After the exchange the temporary is the old directory; after a failure, the whiteout.
    if (kind === 'dir' || result < 0) this.discard(temp)
    return result
  }

  /** The whiteout first: beside it the object still shows, so a crash in between changes nothing. */
  #replaceByWhFile(dirfd: number, name: string, kind: 'file' | 'dir'): number {
    const placed = this.linkWhiteout(dirfd, name)
    if (placed < 0) return placed
    const temp = this.tempName()
    const result = kind === 'file' ? unlinkAt(dirfd, name) : renameAt(dirfd, name, this.fd, temp, 0)
    if (result < 0) removeWh(dirfd, name)
    else if (kind === 'dir') this.discard(temp)
    return result
  }

  /** A fresh whiteout under a temporary name here, to be moved into place; name or -errno. */
  tempWhiteout(): string | number {
    const name = this.tempName()
    const result = this.linkWhiteout(this.fd, name)
    return result < 0 ? result : name
  }

  #ensureWhiteout(): number {
    if (this.#whiteout !== '') return 0
    const name = this.tempName()
    const made = this.#makeWhiteout(name)
    if (made === 0) this.#whiteout = name
    return made
  }

  #makeWhiteout(name: string): number {
    actAsSelf()
    useUmask(0)
    if (this.#form === 'device') return mknodAt(this.fd, name, S_IFCHR, 0, 0)
    return makeXattrWhiteout(this.fd, name, `${this.#prefix}whiteout`)
  }

  /** Give a directory below this one the group and setgid bit that new objects in it inherit. */
  dressNursery(fd: number, gid: number, setgid: boolean): number {
    const owned = chownAt(fd, '', 0xffffffff, gid)
    return owned < 0 || !setgid ? owned : chmodAt(fd, '', 0o2700)
  }

  /** Move an entry of a directory below this one to this one, keeping its name. */
  moveUp(fd: number, name: string): number {
    return renameAt(fd, name, this.fd, name, 0)
  }

  /** Leave the mark of a volatile mount: its data may not have reached the disk. */
  markVolatile(): number {
    for (const [parent, name] of [
      ['.', 'incompat'],
      ['incompat', 'volatile'],
    ] as const) {
      const dir = parent === '.' ? this.fd : openAt(this.fd, parent, O_PATH | O_DIRECTORY)
      const made = dir < 0 ? dir : mkdirAt(dir, name, 0)
      if (dir !== this.fd && dir >= 0) close(dir)
      if (made < 0 && made !== -EEXIST) return made
    }
    const dirfd = openPath(
      `/proc/self/fd/${String(this.fd)}/incompat/volatile`,
      O_PATH | O_DIRECTORY,
    )
    if (dirfd < 0) return dirfd
    const made = mknodAt(dirfd, 'dirty', S_IFREG, 0, 0)
    close(dirfd)
    return made === -EEXIST ? 0 : made
  }

  /**
   * Move a temporary into place.
   * @param flags RENAME_NOREPLACE, RENAME_EXCHANGE or 0
   * @returns 0 or -errno
   */
  install(temp: string, dirfd: number, name: string, flags: number): number {
    const result = renameAt(this.fd, temp, dirfd, name, flags)
    return result === -EINVAL && flags !== 0
      ? this.#installBySteps(temp, dirfd, name, flags)
      : result
  }

  /** For file systems without RENAME_NOREPLACE and RENAME_EXCHANGE (NFS, 9p): in more than one step. */
  #installBySteps(temp: string, dirfd: number, name: string, flags: number): number {
    if (flags === RENAME_NOREPLACE) {
      const seen = statAt(dirfd, name, new FileStat())
      if (seen !== -ENOENT) return seen === 0 ? -EEXIST : seen
      return renameAt(this.fd, temp, dirfd, name, 0)
    }
    const aside = this.tempName()
    const moved = renameAt(dirfd, name, this.fd, aside, 0)
    if (moved < 0) return moved
    const result = renameAt(this.fd, temp, dirfd, name, 0)
    renameAt(this.fd, aside, result < 0 ? dirfd : this.fd, result < 0 ? name : temp, 0)
    return result
  }

  close(): void {
    close(this.fd)
    close(this.#lockFd)
  }
}

/**
 * Open `work/work` for reading. Its mode is 0000 like the kernel's; whoever is not allowed to ignore
 * that makes it 0700.
 */
function openOwn(fd: number): number {
  const opened = openDirRead(fd)
  if (opened !== -EACCES) return opened
  const changed = chmodAt(fd, '', 0o700)
  return changed < 0 ? changed : openDirRead(fd)
}

const RETRY_MS = 10
const pause = new Int32Array(new SharedArrayBuffer(4))

/** Take the exclusive lock. Returns false when others hold theirs for longer. */
function waitUntilAlone(fd: number, patienceMs: number): boolean {
  const end = performance.now() + patienceMs
  while (!tryExclusiveLock(fd)) {
    if (performance.now() >= end) return false
    Atomics.wait(pause, 0, 0, RETRY_MS)
  }
  return true
}

/**
 * Take from the directory what it got from the one it was made in: what is built in it is to have the
 * ACLs of what it is a copy of, and no others.
 * @throws LayerError when that cannot be done; `release` has been called then
 * @mirrors fs/overlayfs/super.c:ovl_workdir_create
 */
export function disinherit(fd: number, path: string, release: () => void): void {
  for (const name of ['system.posix_acl_default', 'system.posix_acl_access']) {
    const removed = removeXattr(fd, '', name)
    if (removed === 0 || lacksXattr(removed)) continue
    release()
    throw new LayerError(
      -removed,
      `workdir '${path}': cannot remove ${name} from it: ${errnoName(removed)}`,
    )
  }
}

function checkIncompat(fd: number, path: string, release: () => void): void {
  const incompat = openAt(fd, 'incompat', O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  if (incompat < 0) return
  const names: string[] = []
  readDirents(incompat, (name) => names.push(name))
  close(incompat)
  const [feature] = names
  if (feature === undefined) return
  release()
  const remedy =
    feature === 'volatile'
      ? `the last mount was volatile and may have lost data: check upperdir, then remove '${path}/work/incompat/volatile'`
      : 'it was written by an overlay with a feature this one does not know'
  throw new LayerError(
    EINVAL,
    `workdir '${path}' has the incompatible feature '${feature}': ${remedy}`,
  )
}
