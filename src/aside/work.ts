/** The long work itself, done by the threads of Node's pool. */
import type { SyncKind } from '../overlay/aside.js'
import { EIO } from '../sys/errno.js'
import { close } from '../sys/open.js'
import { fdatasyncThreaded, fsyncThreaded, syncfsThreaded } from '../sys/threaded-io.js'
import { openLog } from '../util/debug.js'
import { copyAside } from './copy.js'
import type { AsideJob } from './messages.js'

const log = openLog('aside')

const syncs: Readonly<Record<SyncKind, (fd: number) => Promise<number>>> = {
  fsync: fsyncThreaded,
  fdatasync: fdatasyncThreaded,
  syncfs: syncfsThreaded,
}

/**
 * Do a job, and close its descriptors.
 * @param isWanted asked now and then whether to go on
 * @returns 0 or -errno
 */
export async function perform(job: AsideJob, isWanted: () => boolean): Promise<number> {
  const fds = job.kind === 'copy' ? [job.source, job.target] : [job.fd]
  try {
    return job.kind === 'copy' ? await copyAside(job, isWanted) : await syncs[job.how](job.fd)
  } catch (error) {
    log('%s: %s', job.kind, error instanceof Error ? error.stack : error)
    return -EIO
  } finally {
    for (const fd of fds) close(fd)
  }
}
