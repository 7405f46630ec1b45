/** containerd and ctr, with layers mounted through the type `fuse3./absolute/program`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { mountsBelow } from '../scratch.js'
import { unmount } from '../syscalls.js'
import { writeImageArchive } from './archive.js'
import type { Engine, RunningContainer } from './engine.js'
import type { EnginePlace, Outcome } from './place.js'
import { until } from './processes.js'
import { startSnapshotter } from './snapshotter.js'
import { imageTree } from './steps.js'

const READY_MS = 40_000
const SNAPSHOTTER = ['--snapshotter', 'tsov']
const LAYER = 'application/vnd.oci.image.layer.v1.tar'

function writeConfiguration(base: string): void {
  const lines = ['version=2', `root="${base}/root"`, `state="${base}/state"`]
  lines.push('disabled_plugins=["io.containerd.grpc.v1.cri"]')
  lines.push('[grpc]', `address="${base}/c.sock"`)
  lines.push('[plugins."io.containerd.internal.v1.opt"]', `path="${base}/opt"`)
  lines.push('[proxy_plugins.tsov]', 'type="snapshot"', `address="${base}/s.sock"`)
  writeFileSync(`${base}/c.toml`, lines.join('\n'))
}

/** Names in a layer archive as lines of `docker diff`. */
function changesOf(listing: string): string[] {
  return listing
    .trim()
    .split('\n')
    .map((line) => {
      if (line.endsWith('/')) return `C /${line.slice(0, -1)}`
      return line.includes('/.wh.') ? `D /${line.replace('/.wh.', '/')}` : `A /${line}`
    })
}

/** The client, with the steps that take several of its commands. */
class Client {
  readonly place: EnginePlace
  readonly #base: string
  #count = 0
  /** Layer archives of each image, lowest first. */
  readonly layers = new Map<string, readonly string[]>()

  constructor(place: EnginePlace, base: string) {
    this.place = place
    this.#base = base
  }

  attempt(...words: string[]): Promise<Outcome> {
    return this.place.attempt('ctr', words, { env: { CONTAINERD_ADDRESS: `${this.#base}/c.sock` } })
  }

  async run(...words: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(...words)
    if (code === 0) return stdout
    throw new Error(`ctr ${words.join(' ')}: exit ${String(code)}\n${stderr}${stdout}`)
  }

  name(prefix: string): string {
    return `${prefix}${++this.#count}`
  }

  /** `ctr run` with every directory of its own below the place. */
  container(flags: readonly string[], image: string, id: string, words: readonly string[]) {
    const own = ['--runc-root', `${this.#base}/runc`, '--fifo-dir', `${this.#base}/fifo`]
    return this.run('run', ...flags, ...own, ...SNAPSHOTTER, image, id, ...words)
  }

  execute(id: string, script: string): Promise<Outcome> {
    const own = ['--fifo-dir', `${this.#base}/fifo`, '--exec-id', this.name('e')]
    return this.attempt('tasks', 'exec', ...own, id, '/bin/sh', '-c', script)
  }

  /** Import an image made of layer archives. */
  async load(image: string, layers: readonly string[]): Promise<void> {
    const archive = `${this.#base}/${this.name('image')}.tar`
    writeImageArchive(`${this.#base}/image`, archive, image, layers)
    await this.run('images', 'import', ...SNAPSHOTTER, archive)
    this.layers.set(image, layers)
  }

  /** Run a script on an image, and make an image of what it changed; the changed names. */
  async commit(base: string, script: string, image: string): Promise<string[]> {
    const id = this.name('c')
    await this.container([], base, id, ['/bin/sh', '-c', script])
    const layer = `${this.#base}/${this.name('layer')}.tar`
    const words = ['snapshots', ...SNAPSHOTTER, 'diff', '--media-type', LAYER, id]
    writeFileSync(layer, await this.run(...words), 'latin1')
    await this.run('containers', 'rm', id)
    await this.load(image, [...(this.layers.get(base) ?? []), layer])
    return changesOf(await this.place.run('tar', ['-tf', layer]))
  }
}

async function startContainer(client: Client, image: string): Promise<RunningContainer> {
  const id = client.name('c')
  await client.container(['-d'], image, id, ['/bin/sleep', '1000'])
  const end = async (): Promise<void> => {
    await client.run('tasks', 'kill', '-s', 'SIGKILL', id)
    const stopped = async (): Promise<boolean> =>
      new RegExp(`^${id} .*STOPPED`, 'm').test(await client.run('tasks', 'ls'))
    await until(stopped, READY_MS)
    await client.run('tasks', 'rm', id)
  }
  return {
    id,
    attempt: (script) => client.execute(id, script),
    async restart() {
      await end()
      await client.run('tasks', 'start', '-d', id)
    },
    async remove() {
      await end()
      await client.run('containers', 'rm', id)
    },
  }
}

/** Start containerd with a snapshotter whose mounts `program` serves. */
export async function startContainerd(place: EnginePlace, program: string): Promise<Engine> {
  const base = place.directory('ctd')
  writeConfiguration(base)
  place.directory('ctd/fifo')
  const snapshotter = await startSnapshotter(place.directory('ctd/s'), `${base}/s.sock`, program)
  const daemon = place.start('containerd', ['-c', `${base}/c.toml`], { log: 'ctd/log' })
  const client = new Client(place, base)
  if (!(await until(async () => (await client.attempt('version')).code === 0, READY_MS))) {
    throw new Error(`containerd is not ready\n${readFileSync(`${base}/log`, 'latin1')}`)
  }
  return {
    name: 'containerd',
    place,
    keepsUserXattrs: false,
    showsLinkCounts: true,
    importImage: (tarball, image) => client.load(image, [tarball]),
    run: (image, script) =>
      client.container(['--rm'], image, client.name('c'), ['/bin/sh', '-c', script]),
    async build(from, image, steps) {
      let last = from
      for (const [index, step] of steps.entries()) {
        const next = index === steps.length - 1 ? image : `localhost/step:${index}`
        await client.commit(last, step, next)
        last = next
      }
    },
    commit: (from, script, image) => client.commit(from, script, image),
    async tree(image, options) {
      const directory = place.directory(client.name('ctd/tree'))
      await client.run('images', 'mount', ...SNAPSHOTTER, image, directory)
      try {
        return imageTree(directory, options)
      } finally {
        await client.run('images', 'unmount', ...SNAPSHOTTER, '--rm', directory)
      }
    },
    async save(image, archive) {
      await client.run('images', 'export', archive, image)
    },
    startContainer: (image) => startContainer(client, image),
    async stop() {
      await daemon.end()
      await snapshotter.close()
      for (const { target, type } of mountsBelow(base)) {
        if (!type.startsWith('fuse')) unmount(target, 'lazy')
      }
    },
  }
}
