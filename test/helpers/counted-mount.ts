/** Mounts that tell how many descriptors their server has open, and how many nodes were left. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { bundle } from './bundle.js'
import { checkout } from './harness.js'
import { type MountRequest, kernelSubject, optionText } from './subject.js'

/** To the process with the mount. */
export type CountedRequest =
  | {
      readonly kind: 'mount'
      readonly target: string
      readonly options: string
      readonly worker: string
    }
  | { readonly kind: 'unmount' }

/** Its answer; `nodes` is what the kernel still held at the end, the root included. */
export type CountedEvent =
  { readonly end: string; readonly nodes: number } | { readonly error: string }

/** What the mount left when it ended. */
export interface Remains {
  readonly end: string
  readonly nodes: number
}

/** A live mount. */
export interface CountedMount {
  /** Descriptors the server has open; null where the kernel serves. */
  descriptors: () => number | null
  /** Unmount; null where the kernel served. */
  unmount: () => Promise<Remains | null>
}

/** Kernel overlayfs, in the place of ours. */
export async function mountKernel(request: MountRequest): Promise<CountedMount> {
  const mounted = await kernelSubject().mount(request)
  return {
    descriptors: () => null,
    unmount: async () => {
      await mounted.unmount()
      return null
    },
  }
}

/** Mount ours in a process of its own. */
export async function mountCounted(request: MountRequest): Promise<CountedMount> {
  const entry = bundle(checkout, 'test/helpers/counted-mount-host.ts')
  const worker = bundle(checkout, 'src/worker-entry.ts')
  const child = fork(entry, [], { execArgv: ['--enable-source-maps'] })
  const ask = async (message: CountedRequest): Promise<Remains> => {
    const answer = Promise.race([
      once(child, 'message').then(([event]) => event as CountedEvent),
      once(child, 'exit').then((): CountedEvent => ({ error: 'the server ended' })),
    ])
    child.send(message)
    const event = await answer
    if ('error' in event) throw new Error(event.error)
    return event
  }
  await ask({ kind: 'mount', target: request.target, options: optionText(request), worker })
  return {
    descriptors: () => readdirSync(`/proc/${String(child.pid)}/fd`).length,
    unmount: async () => {
      const remains = await ask({ kind: 'unmount' })
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
      return remains
    },
  }
}
