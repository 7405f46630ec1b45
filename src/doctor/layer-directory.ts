/**
 * What the file system of a directory offers an upper layer, found out by trying: in a directory of
 * our own, which is removed again.
 */
import { at } from '../install/host.js'
import {
  O_DIRECTORY,
  O_PATH,
  O_RDWR,
  O_TMPFILE,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  S_IFCHR,
} from '../sys/constants.js'
import { FsError, errnoName } from '../sys/errno.js'
import { filesystemMagic, kindOf, makeDirectory, makeFile, removeTree } from '../sys/files.js'
import { fileHandle } from '../sys/handle.js'
import { mknodAt, renameAt } from '../sys/node.js'
import { close, openAt, openPath } from '../sys/open.js'
import { writeXattr } from '../sys/xattr.js'
import { type Finding, type Line, limited, missing, ok } from './finding.js'
import type { Visit } from './machine.js'

const NAMES: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x2fc12fc1: 'zfs',
  0xf2f52010: 'f2fs',
  0xca451a4e: 'bcachefs',
  0x794c7630: 'overlayfs',
  0x65735546: 'FUSE',
  0x6969: 'NFS',
  0x517b: 'SMB',
  0xff534d42: 'CIFS',
  0xfe534d42: 'SMB2',
  0x4d44: 'FAT',
  0x2011bab0: 'exFAT',
  0x01021997: '9p',
}
const ELSEWHERE =
  'keep upperdir and workdir on ext4, xfs, btrfs or tmpfs (doctor takes a directory as argument)'

/** A matter to try: 0 or a count when it works, else -errno. */
interface Trial {
  readonly id: string
  readonly title: string
  readonly fact: string
  readonly attempt: (dirfd: number) => number
  /** What is less without it. */
  readonly without: string
  readonly remedy: string
}

function tryTemporaryFile(dirfd: number): number {
  const fd = openAt(dirfd, '.', O_TMPFILE | O_RDWR, 0o600)
  return fd < 0 ? fd : close(fd)
}

function tryHandle(dirfd: number): number {
  const handle = fileHandle(dirfd, 'two')
  return typeof handle === 'number' ? handle : 0
}

const TRIALS: readonly Trial[] = [
  {
    id: 'trusted-xattrs',
    title: 'trusted xattrs',
    fact: 'trusted xattrs',
    attempt: (dirfd) => writeXattr(dirfd, 'one', 'trusted.overlay.origin', ''),
    without: 'private attributes go to user.overlay., as with the option userxattr',
    remedy: 'mount as root of the host, on a file system that has them',
  },
  {
    id: 'user-xattrs',
    title: 'user xattrs',
    fact: 'user xattrs',
    attempt: (dirfd) => writeXattr(dirfd, 'one', 'user.overlay.origin', ''),
    without: 'ordinary users cannot mark opaque directories and renames',
    remedy: ELSEWHERE,
  },
  {
    id: 'whiteouts',
    title: 'whiteouts (mknod 0:0)',
    fact: 'whiteouts',
    attempt: (dirfd) => mknodAt(dirfd, 'whiteout', S_IFCHR, 0, 0),
    without: 'deleted names are kept as xattr whiteouts or .wh. files',
    remedy: ELSEWHERE,
  },
  {
    id: 'tmpfile',
    title: 'O_TMPFILE',
    fact: 'O_TMPFILE',
    attempt: tryTemporaryFile,
    without: 'programs in the mount cannot open files without a name',
    remedy: ELSEWHERE,
  },
  {
    id: 'rename-noreplace',
    title: 'RENAME_NOREPLACE',
    fact: 'rename flags',
    attempt: (dirfd) => renameAt(dirfd, 'one', dirfd, 'three', RENAME_NOREPLACE),
    without: 'a name that is made twice at the same moment is not refused for certain',
    remedy: ELSEWHERE,
  },
  {
    id: 'rename-exchange',
    title: 'RENAME_EXCHANGE',
    fact: 'rename flags',
    attempt: (dirfd) => renameAt(dirfd, 'two', dirfd, 'four', RENAME_EXCHANGE),
    without: 'replacing a directory takes more than one step, and a crash in between shows',
    remedy: ELSEWHERE,
  },
  {
    id: 'file-handles',
    title: 'file handles',
    fact: 'file handles',
    attempt: tryHandle,
    without: 'a file gets another inode number when it is copied up and mounted again',
    remedy: ELSEWHERE,
  },
]

function checkType({ machine, directory }: Visit): Finding {
  const magic = filesystemMagic(at(machine, directory))
  const found = NAMES[magic] ?? `type 0x${magic.toString(16)}`
  const isRemote = ['NFS', 'SMB', 'CIFS', 'SMB2', '9p', 'FUSE'].includes(found)
  if (isRemote)
    return limited(`${found}: for lower layers; what it lacks as upper is below`, ELSEWHERE)
  return ok(found)
}

function tryAll(visit: Visit, place: string): Line[] {
  const dirfd = openPath(place, O_PATH | O_DIRECTORY)
  if (dirfd < 0) throw new FsError(dirfd, 'open', place)
  try {
    return TRIALS.map(({ id, title, fact, attempt, without, remedy }) => {
      const result = attempt(dirfd)
      visit.facts[fact] = result >= 0 && visit.facts[fact] !== false
      const finding = result >= 0 ? ok('yes') : limited(`${errnoName(result)}: ${without}`, remedy)
      return { id, title, ...finding }
    })
  } finally {
    close(dirfd)
  }
}

/** Look at the directory where layers would lie. */
export function checkDirectory(visit: Visit): Line[] {
  const { machine, directory } = visit
  const title = 'directory'
  const line = (finding: Finding): Line => ({ id: 'directory', title, ...finding })
  if (kindOf(at(machine, directory)) !== 'directory') {
    return [line(missing(`${directory}: no such directory`, 'give one that exists'))]
  }
  const place = at(machine, `${directory}/.tsoverlayfs-doctor-${String(process.pid)}`)
  try {
    makeDirectory(place)
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return [
      line(
        limited(
          `${directory}: cannot be written (${errnoName(error.errno)}), so not tried`,
          'give a directory of yours, or run as its owner',
        ),
      ),
    ]
  }
  try {
    for (const name of ['one', 'two', 'four']) makeFile(`${place}/${name}`, '')
    const type = { id: 'file-system', title: 'file system', ...checkType(visit) }
    return [line(ok(directory)), type, ...tryAll(visit, place)]
  } finally {
    removeTree(place)
  }
}
