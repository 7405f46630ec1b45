/**
 * Errno numbers and names. Constants are positive; a system-call wrapper returns `-errno`, and only
 * the reply writer of the FUSE session puts that sign on the wire.
 */
import { constants } from 'node:os'

const table = constants.errno as Readonly<Record<string, number>>

function number(name: string): number {
  const value = table[name]
  if (value === undefined) throw new Error(`errno ${name} is unknown on this platform`)
  return value
}

export const EPERM = number('EPERM')
export const ENOENT = number('ENOENT')
export const EINTR = number('EINTR')
export const EIO = number('EIO')
export const ENXIO = number('ENXIO')
export const E2BIG = number('E2BIG')
export const EBADF = number('EBADF')
export const EAGAIN = number('EAGAIN')
export const ENOMEM = number('ENOMEM')
export const EACCES = number('EACCES')
export const EBUSY = number('EBUSY')
export const EEXIST = number('EEXIST')
export const EXDEV = number('EXDEV')
export const ENODEV = number('ENODEV')
export const ENOTDIR = number('ENOTDIR')
export const EISDIR = number('EISDIR')
export const EINVAL = number('EINVAL')
export const ENFILE = number('ENFILE')
export const EMFILE = number('EMFILE')
export const ENOTTY = number('ENOTTY')
export const ETXTBSY = number('ETXTBSY')
export const EFBIG = number('EFBIG')
export const ENOSPC = number('ENOSPC')
export const EROFS = number('EROFS')
export const EMLINK = number('EMLINK')
export const ERANGE = number('ERANGE')
export const ENAMETOOLONG = number('ENAMETOOLONG')
export const ENOSYS = number('ENOSYS')
export const ENOTEMPTY = number('ENOTEMPTY')
export const ELOOP = number('ELOOP')
export const ENODATA = number('ENODATA')
export const EOVERFLOW = number('EOVERFLOW')
export const EOPNOTSUPP = number('EOPNOTSUPP')
export const ENOTCONN = number('ENOTCONN')
export const ECONNABORTED = number('ECONNABORTED')
export const ESTALE = number('ESTALE')
export const EDQUOT = number('EDQUOT')

const names = new Map<number, string>()
for (const [name, value] of Object.entries(table)) {
  if (!names.has(value) && name !== 'EWOULDBLOCK' && name !== 'ENOTSUP') names.set(value, name)
}

/** Name an errno, given with either sign: `-2` and `2` are `ENOENT`; `0` is `OK`. */
export function errnoName(errno: number): string {
  if (errno === 0) return 'OK'
  return names.get(Math.abs(errno)) ?? `errno ${String(Math.abs(errno))}`
}

/**
 * A failed operation with its errno, for set-up code and for the unexpected; the request path hands
 * errnos up as negative return values instead.
 */
export class FsError extends Error {
  override readonly name = 'FsError'
  /** Positive errno. */
  readonly errno: number
  readonly syscall: string

  constructor(errno: number, syscall: string, detail = '', options?: ErrorOptions) {
    const what = detail === '' ? syscall : `${syscall} ${detail}`
    super(`${what}: ${errnoName(errno)}`, options)
    this.errno = Math.abs(errno)
    this.syscall = syscall
  }
}
