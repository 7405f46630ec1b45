/** A process with one mount of ours, whose descriptors and nodes can be counted from outside. */
import { type Mounted, mount } from '../../src/mount.js'
import { splitOptions } from '../../src/config/option-words.js'
import { parseOptions } from '../../src/config/parse-options.js'
import type { CountedEvent, CountedRequest } from './counted-mount.js'

let mounted: Mounted | null = null

async function serve(request: CountedRequest): Promise<CountedEvent> {
  if (request.kind === 'unmount') {
    if (mounted === null) throw new Error('nothing is mounted')
    const { end, nodes } = await mounted.unmount()
    return { end, nodes }
  }
  const options = parseOptions({
    dialect: 'kernel',
    words: splitOptions(request.options),
    mountpoint: request.target,
    source: 'tsoverlayfs',
    subtype: 'tsoverlayfs',
    foreground: true,
    debug: false,
    isRoot: true,
  })
  mounted = await mount(options, request.worker)
  return { end: '', nodes: 0 }
}

process.on('message', (message) => {
  serve(message as CountedRequest).then(
    (event) => process.send?.(event),
    (error: unknown) => process.send?.({ error: String(error) } satisfies CountedEvent),
  )
})
process.on('disconnect', () => {
  process.exit(0)
})
