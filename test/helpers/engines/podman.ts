/** podman, and images on kernel overlayfs to compare with. */
import { mkdirSync, writeFileSync } from 'node:fs'
import type { Engine, RunningContainer } from './engine.js'
import type { EnginePlace, Outcome } from './place.js'
import { makePodmanStore, releaseStore } from './podman-store.js'
import { imageTree } from './steps.js'

/** A Containerfile with one RUN a step, and its directory. */
export function writeContext(
  place: EnginePlace,
  base: string,
  image: string,
  steps: readonly string[],
): string {
  const context = place.directory(`context-${image.replace(/\W/g, '-')}`)
  // The exec form leaves quoting to JSON.
  const run = steps.map((step) => `RUN ${JSON.stringify(['/bin/sh', '-c', step])}`)
  writeFileSync(`${context}/Dockerfile`, [`FROM ${base}`, ...run, ''].join('\n'))
  return context
}

/** How podman is called: as root, or as an ordinary user. */
export interface PodmanCaller {
  readonly name: string
  readonly place: EnginePlace
  readonly attempt: (...words: string[]) => Promise<Outcome>
  readonly tree: Engine['tree']
  readonly showsLinkCounts: boolean
  /** After containers and images are gone. */
  readonly release: () => void | Promise<void>
}

function runner(caller: PodmanCaller): (...words: string[]) => Promise<string> {
  return async (...words) => {
    const { code, stdout, stderr } = await caller.attempt(...words)
    if (code === 0) return stdout
    throw new Error(`podman ${words.join(' ')}: exit ${String(code)}\n${stderr}${stdout}`)
  }
}

async function startContainer(caller: PodmanCaller, image: string): Promise<RunningContainer> {
  const podman = runner(caller)
  const id = (await podman('run', '-d', image, '/bin/sleep', '1000')).trim()
  return {
    id,
    attempt: (script) => caller.attempt('exec', id, '/bin/sh', '-c', script),
    async restart() {
      await podman('stop', '-t', '0', id)
      await podman('start', id)
    },
    async remove() {
      await podman('rm', '-f', '-t', '0', id)
    },
  }
}

/** podman, however it is called. */
export function podmanEngine(caller: PodmanCaller): Engine {
  const podman = runner(caller)
  const { name, place, tree, showsLinkCounts } = caller
  return {
    name,
    place,
    keepsUserXattrs: true,
    showsLinkCounts,
    async importImage(tarball, image) {
      await podman('import', '-q', tarball, image)
    },
    run: (image, script) => podman('run', '--rm', image, '/bin/sh', '-c', script),
    async build(base, image, steps) {
      const context = writeContext(place, base, image, steps)
      await podman('build', '-q', '--network', 'none', '--layers', '-t', image, context)
    },
    async commit(base, script, image) {
      const id = (await podman('create', base, '/bin/sh', '-c', script)).trim()
      await podman('start', '-a', id)
      const diff = await podman('diff', id)
      await podman('commit', '-q', id, image)
      await podman('rm', id)
      return diff.trim().split('\n')
    },
    tree,
    async save(image, archive) {
      await podman('save', '-q', '--format', 'docker-archive', '-o', archive, image)
    },
    startContainer: (image) => startContainer(caller, image),
    async stop() {
      await podman('rm', '-fa', '-t', '0')
      await podman('rmi', '-fa')
      await caller.release()
    },
  }
}

/** Start podman as root, on a store served by `program`. */
export function startPodman(place: EnginePlace, program: string): Engine {
  const store = makePodmanStore(place, 'podman', program)
  const { env } = store
  const podman = (...words: string[]): Promise<string> => place.run('podman', words, { env })
  return podmanEngine({
    name: 'podman',
    place,
    showsLinkCounts: true,
    attempt: (...words) => place.attempt('podman', words, { env }),
    async tree(image, options) {
      const path = (await podman('image', 'mount', image)).trim()
      try {
        return imageTree(path, options)
      } finally {
        await podman('image', 'unmount', image)
      }
    },
    release: () => releaseStore(store),
  })
}

/** Load an archive into a store on kernel overlayfs; its tree. */
export async function loadOnKernelOverlay(
  place: EnginePlace,
  archive: string,
  options: Parameters<typeof imageTree>[1],
): Promise<ReturnType<typeof imageTree>> {
  mkdirSync(`${place.path}/kernel`, { recursive: true })
  const store = makePodmanStore(place, 'kernel', null)
  const podman = (...words: string[]): Promise<string> =>
    place.run('podman', words, { env: store.env })
  const loaded = await podman('load', '-q', '-i', archive)
  const image = loaded.trim().replace(/^Loaded image: /, '')
  const driver = await podman(
    'info',
    '--format',
    '{{index .Store.GraphStatus "Native Overlay Diff"}}',
  )
  if (driver.trim() !== 'true') throw new Error(`not kernel overlayfs: ${driver}`)
  const path = (await podman('image', 'mount', image)).trim()
  try {
    return imageTree(path, options)
  } finally {
    await podman('image', 'unmount', image)
    await podman('rmi', '-fa')
    releaseStore(store)
  }
}
