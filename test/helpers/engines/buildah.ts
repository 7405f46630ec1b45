/** buildah as root: working containers instead of running ones. */
import { mountsBelow } from '../scratch.js'
import type { Engine, RunningContainer } from './engine.js'
import type { EnginePlace, Outcome } from './place.js'
import { writeContext } from './podman.js'
import { makePodmanStore, releaseStore } from './podman-store.js'
import { imageTree } from './steps.js'

/** Start buildah on a store served by `program`. */
export function startBuildah(place: EnginePlace, program: string): Engine {
  const store = makePodmanStore(place, 'buildah', program)
  const { env } = store
  const buildah = (...words: string[]): Promise<string> => place.run('buildah', words, { env })
  const from = async (image: string): Promise<string> =>
    (await buildah('from', '--pull-never', image)).trim()
  const script = (id: string, text: string): string[] => ['run', id, '--', '/bin/sh', '-c', text]

  async function startContainer(image: string): Promise<RunningContainer> {
    const id = await from(image)
    await buildah('mount', id)
    return {
      id,
      attempt: (text): Promise<Outcome> => place.attempt('buildah', script(id, text), { env }),
      async restart() {
        await buildah('umount', id)
        // Mounts are counted, and a run that fails at a dead root (it panics) never gives its back.
        for (const { target, type } of mountsBelow(store.root)) {
          if (type.startsWith('fuse')) await place.run('umount', [target])
        }
        await buildah('mount', id)
      },
      async remove() {
        await buildah('rm', id)
      },
    }
  }

  return {
    name: 'buildah',
    place,
    keepsUserXattrs: true,
    showsLinkCounts: true,
    async importImage(tarball, image) {
      const id = await from('scratch')
      await buildah('add', '-q', id, tarball, '/')
      await buildah('commit', '-q', '--rm', id, image)
    },
    async run(image, text) {
      const id = await from(image)
      try {
        return await buildah(...script(id, text))
      } finally {
        await buildah('rm', id)
      }
    },
    async build(base, image, steps) {
      const context = writeContext(place, base, image, steps)
      await buildah('bud', '-q', '--layers', '--isolation', 'chroot', '-t', image, context)
    },
    async commit(base, text, image) {
      const id = await from(base)
      await buildah(...script(id, text))
      await buildah('commit', '-q', '--rm', id, image)
      // buildah has no diff of its own; podman's is on the same store.
      return (await place.run('podman', ['diff', image], { env })).trim().split('\n')
    },
    async tree(image, options) {
      const id = await from(image)
      try {
        return imageTree((await buildah('mount', id)).trim(), options)
      } finally {
        await buildah('rm', id)
      }
    },
    async save(image, archive) {
      await buildah('push', '-q', image, `docker-archive:${archive}:${image}`)
    },
    startContainer,
    async stop() {
      await buildah('rm', '-a')
      await buildah('rmi', '-a', '-f')
      releaseStore(store)
    },
  }
}
