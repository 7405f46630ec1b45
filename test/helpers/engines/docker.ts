/** dockerd with its fuse-overlayfs storage driver, which finds its program by that name in PATH. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { unmount } from '../syscalls.js'
import { mountsBelow } from '../scratch.js'
import type { Engine, RunningContainer } from './engine.js'
import type { EnginePlace, Outcome } from './place.js'
import { until } from './processes.js'
import { writeContext } from './podman.js'
import { imageTree } from './steps.js'

const READY_MS = 40_000
/** The commands a user repeats: the daemon itself trips over the dead mount once. */
const START_ATTEMPTS = 2

/** How to talk to a daemon that runs in a place. */
interface DockerDaemon {
  readonly docker: (...words: string[]) => Promise<string>
  readonly attempt: (...words: string[]) => Promise<Outcome>
  readonly stop: () => Promise<void>
}

/** Start dockerd, with its own containerd; `program` is what its storage driver runs. */
async function startDockerd(place: EnginePlace, program: string): Promise<DockerDaemon> {
  // Short names: the path of the longest socket below must stay under 108 bytes.
  const base = place.directory('dk')
  const programs = place.directory('dk/bin')
  symlinkSync(program, `${programs}/fuse-overlayfs`)
  // Otherwise it makes a key in /etc/docker.
  writeFileSync(
    `${base}/daemon.json`,
    JSON.stringify({ 'deprecated-key-path': `${base}/key.json` }),
  )
  const socket = `unix://${base}/d.sock`
  const words = ['--config-file', `${base}/daemon.json`, '--data-root', `${base}/data`]
  words.push('--exec-root', `${base}/x`, '-H', socket, '-p', `${base}/d.pid`)
  words.push('--iptables=false', '--ip6tables=false', '--bridge=none')
  words.push('--storage-driver', 'fuse-overlayfs')
  const log = 'dk/log'
  const PATH = `${programs}:${process.env['PATH'] ?? ''}`
  const daemon = place.start('dockerd', words, { log, env: { PATH } })
  // The classic builder: BuildKit needs a plugin of the client.
  const env = { DOCKER_HOST: socket, DOCKER_BUILDKIT: '0', DOCKER_CONFIG: `${base}/client` }
  const attempt = (...args: string[]): Promise<Outcome> => place.attempt('docker', args, { env })
  const docker = (...args: string[]): Promise<string> => place.run('docker', args, { env })
  const ready = async (): Promise<boolean> => (await attempt('version')).code === 0
  if (!(await until(ready, READY_MS))) {
    throw new Error(`dockerd is not ready\n${readFileSync(`${place.path}/${log}`, 'latin1')}`)
  }
  return {
    docker,
    attempt,
    async stop() {
      await daemon.end()
      for (const { target, type } of mountsBelow(base)) {
        // The daemon's own bind mount of its data and its containers' network namespaces.
        if (!type.startsWith('fuse')) unmount(target, 'lazy')
      }
    },
  }
}

const short = (image: string): string => image.replace(/^localhost\//, '')

function runningContainer(daemon: DockerDaemon, id: string): RunningContainer {
  const { docker, attempt } = daemon
  return {
    id,
    attempt: (script) => attempt('exec', id, '/bin/sh', '-c', script),
    async restart() {
      let last: Outcome | null = null
      for (let left = START_ATTEMPTS; left > 0; left--) {
        last = await attempt('restart', '-t', '0', id)
        if (last.code === 0) return
      }
      throw new Error(`docker restart: ${last?.stderr ?? 'not tried'}`)
    },
    async remove() {
      await docker('rm', '-f', id)
    },
  }
}

/** Start Docker on the overlay that `program` serves. */
export async function startDocker(place: EnginePlace, program: string): Promise<Engine> {
  const daemon = await startDockerd(place, program)
  const { docker } = daemon
  const startContainer = async (image: string): Promise<RunningContainer> => {
    const words = ['run', '-d', '--network', 'none', short(image), '/bin/sleep', '1000']
    return runningContainer(daemon, (await docker(...words)).trim())
  }
  return {
    name: 'docker',
    place,
    keepsUserXattrs: false,
    showsLinkCounts: true,
    async importImage(tarball, image) {
      await docker('import', tarball, short(image))
    },
    run: (image, script) =>
      docker('run', '--rm', '--network', 'none', short(image), '/bin/sh', '-c', script),
    async build(base, image, steps) {
      const context = writeContext(place, short(base), short(image), steps)
      await docker('build', '-q', '--network', 'none', '-t', short(image), context)
    },
    async commit(base, script, image) {
      const words = ['--network', 'none', short(base), '/bin/sh', '-c', script]
      const id = (await docker('create', ...words)).trim()
      await docker('start', '-a', id)
      const diff = await docker('diff', id)
      await docker('commit', id, short(image))
      await docker('rm', id)
      return diff.trim().split('\n')
    },
    async tree(image, options) {
      const container = await startContainer(image)
      try {
        const format = '{{.GraphDriver.Data.MergedDir}}'
        const path = (await docker('inspect', '-f', format, container.id)).trim()
        return imageTree(path, options)
      } finally {
        await container.remove()
      }
    },
    async save(image, archive) {
      await docker('save', short(image), '-o', archive)
    },
    startContainer,
    stop: () => daemon.stop(),
  }
}
