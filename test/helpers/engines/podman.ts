/** podman as root. */
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

/** Start podman on a store served by `program`. */
export function startPodman(place: EnginePlace, program: string): Engine {
  const store = makePodmanStore(place, 'podman', program)
  const { env } = store
  const podman = (...words: string[]): Promise<string> => place.run('podman', words, { env })
  const attempt = (...words: string[]): Promise<Outcome> => place.attempt('podman', words, { env })
  return {
    name: 'podman',
    place,
    keepsUserXattrs: true,
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
    async tree(image, options) {
      const path = (await podman('image', 'mount', image)).trim()
      try {
        return imageTree(path, options)
      } finally {
        await podman('image', 'unmount', image)
      }
    },
    async save(image, archive) {
      await podman('save', '-q', '--format', 'docker-archive', '-o', archive, image)
    },
    async startContainer(image): Promise<RunningContainer> {
      const id = (await podman('run', '-d', image, '/bin/sleep', '1000')).trim()
      return {
        id,
        attempt: (script) => attempt('exec', id, '/bin/sh', '-c', script),
        async restart() {
          await podman('stop', '-t', '0', id)
          await podman('start', id)
        },
        async remove() {
          await podman('rm', '-f', '-t', '0', id)
        },
      }
    },
    async stop() {
      await podman('rm', '-fa', '-t', '0')
      await podman('rmi', '-fa')
      releaseStore(store)
    },
  }
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
