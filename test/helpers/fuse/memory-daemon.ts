/**
 * Mounts a MemoryFilesystem and serves it until the mount ends: the other process of the session's
 * mounting tests.
 *
 * Usage: memory-daemon.ts MOUNTPOINT main|worker [allow_other]. Prints one JSON line when mounted and one at
 * the end.
 */
import { writeSync } from 'node:fs'
import { Worker, isMainThread, workerData } from 'node:worker_threads'
import { mountFuse } from '../../../src/fuse/mount/mount.js'
import { Session } from '../../../src/fuse/session/session.js'
import { openDevFuseTransport } from '../../../src/fuse/transport/dev-fuse.js'
import { MemoryFilesystem } from './memory-filesystem.js'

function tell(message: unknown): void {
  writeSync(1, `${JSON.stringify(message)}\n`)
}

function serve(fd: number): void {
  const filesystem = new MemoryFilesystem()
  const transport = openDevFuseTransport(fd)
  const session = new Session({ transport, filesystem, init: { posixAcl: true } })
  const end = session.run()
  transport.close()
  tell({ end, destroyed: filesystem.destroyed })
}

function mount(mountpoint: string, allowOther: boolean): number {
  const { fd, method } = mountFuse({
    mountpoint,
    source: 'memory, of course',
    subtype: 'tsoverlayfs-test',
    allowOther,
    defaultPermissions: true,
    noatime: true,
  })
  tell({ method })
  return fd
}

function fail(error: unknown): void {
  tell({ error: error instanceof Error ? error.message : String(error) })
  process.exitCode = 1
}

if (isMainThread) {
  const [mountpoint = '', thread, option] = process.argv.slice(2)
  try {
    const fd = mount(Buffer.from(mountpoint, 'utf8').toString('latin1'), option === 'allow_other')
    if (thread === 'worker')
      new Worker(new URL(import.meta.url), { workerData: fd }).on('error', fail)
    else serve(fd)
  } catch (error) {
    fail(error)
  }
} else {
  serve(workerData as number)
}
