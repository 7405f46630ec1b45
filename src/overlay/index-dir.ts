/**
 * work/index: the copies of lower hard links, each under the file handle of the lower inode, so that
 * all its names find the one copy. The names in upper are hard links to it.
 * @mirrors fs/overlayfs/namei.c:ovl_get_index_name_fh
 */
import { close } from '../sys/open.js'

/** Name of the entry for the lower object that an origin value names: its bytes in hexadecimal. */
export function indexNameOf(origin: string): string {
  return Buffer.from(origin, 'latin1').toString('hex')
}

/** The index directory of one mount. */
export class IndexDir {
  /** O_PATH descriptor. */
  readonly fd: number

  constructor(fd: number) {
    this.fd = fd
  }

  close(): void {
    close(this.fd)
  }
}
