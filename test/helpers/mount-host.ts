/**
 * A process that hosts many sessions of ours: each mount is served by a worker, so a mount costs
 * milliseconds instead of a process start. Runs until its parent disconnects.
 */
import { parseOptions } from '../../src/config/parse-options.js'
import { splitOptions } from '../../src/config/option-words.js'
import { type Mounted, mount } from '../../src/mount.js'
import type { HostEvent, HostRequest } from './mount-host-protocol.js'

const workerProgram = process.argv[2] ?? ''

function tell(event: HostEvent): void {
  if (process.connected) process.send?.(event)
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function serve({ id, mount: { target, options } }: HostRequest): Promise<void> {
  let mounted: Mounted
  try {
    const request = {
      dialect: 'kernel',
      words: splitOptions(options),
      mountpoint: target,
      source: 'tsoverlayfs',
      subtype: 'tsoverlayfs',
      foreground: true,
      debug: false,
      isRoot: true,
    } as const
    mounted = await mount(parseOptions(request), workerProgram)
  } catch (error) {
    tell({ kind: 'mounted', id, error: text(error) })
    return
  }
  tell({ kind: 'mounted', id, error: null })
  const { end } = await mounted.ended
  tell({ kind: 'ended', id, error: end === 'unmounted' ? null : end })
}

process.on('message', (message) => void serve(message as HostRequest))
process.on('disconnect', () => process.exit(0))
