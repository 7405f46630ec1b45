// @ts-check
// Container engines with stores of their own, each on one overlay: podman as root, and dockerd.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isAlive, run, sleep } from './processes.mjs'

/**
 * @typedef {object} EngineSubject
 * @property {string} name
 * @property {string} title
 * @property {'ours' | 'kernel' | 'peer'} kind
 * @property {string | null} program what serves the mounts; null is the kernel
 */
/**
 * @typedef {object} Store
 * @property {string} base name of the base image
 * @property {(archive: string) => Promise<number>} importBase seconds
 * @property {(context: string) => Promise<{ steps: number[], seconds: number }>} build one figure for
 *   each line of the Containerfile
 * @property {() => Promise<number>} runContainer seconds
 * @property {() => Promise<void>} forget remove all images
 * @property {() => Promise<void>} stop
 */

const READY_MS = 40_000
const STEP = /^step (\d+)\/\d+ ?:/i

/**
 * Run a build and take the time at which it announces each step.
 * @param {string} program @param {readonly string[]} words @param {NodeJS.ProcessEnv} env
 */
async function timeSteps(program, words, env) {
  /** @type {number[]} */
  const begins = []
  const onLine = (/** @type {string} */ line, /** @type {number} */ seconds) => {
    if (STEP.test(line)) begins.push(seconds)
  }
  const { seconds } = await run(program, words, { env, onLine, keepOutput: true })
  const steps = begins.map((begin, n) => (begins[n + 1] ?? seconds) - begin)
  return { steps, seconds }
}

/** @param {string} dir @param {string | null} program @returns {NodeJS.ProcessEnv} */
function configurePodman(dir, program) {
  const limits = readFileSync('/proc/self/limits', 'latin1')
  const files = /^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? '1024'
  const processes = readFileSync('/proc/sys/kernel/pid_max', 'latin1').trim()
  const storage = ['[storage]', 'driver="overlay"']
  storage.push(`graphroot="${dir}/root"`, `runroot="${dir}/run"`)
  if (program !== null) storage.push('[storage.options.overlay]', `mount_program="${program}"`)
  writeFileSync(join(dir, 'storage.conf'), storage.join('\n'))
  const containers = ['[containers]', 'netns="none"', 'log_driver="k8s-file"']
  containers.push(
    `default_ulimits=["nofile=${files}:${files}","nproc=${processes}:${processes}"]`,
    '[engine]',
    'runtime="runc"',
    'cgroup_manager="cgroupfs"',
    'events_logger="file"',
    'lock_type="file"',
    `tmp_dir="${dir}/tmp"`,
    `volume_path="${dir}/volumes"`,
  )
  writeFileSync(join(dir, 'containers.conf'), containers.join('\n'))
  return {
    CONTAINERS_STORAGE_CONF: join(dir, 'storage.conf'),
    CONTAINERS_CONF: join(dir, 'containers.conf'),
  }
}

/** @param {string} dir @param {EngineSubject} subject @returns {Promise<Store>} */
export async function startPodman(dir, subject) {
  const env = configurePodman(dir, subject.program)
  const podman = (/** @type {string[]} */ ...words) => run('podman', words, { env })
  const base = 'localhost/base:1'
  const image = 'localhost/built:1'
  return {
    base,
    importBase: async (archive) => (await podman('import', '-q', archive, base)).seconds,
    build: (context) => {
      const words = ['build', '--no-cache', '--layers', '--network', 'none', '-t', image, context]
      return timeSteps('podman', words, env)
    },
    runContainer: async () => (await podman('run', '--rm', image, '/bin/true')).seconds,
    async forget() {
      await podman('rmi', '-fa')
    },
    stop: async () => {},
  }
}

/** @param {string} dir @param {EngineSubject} subject */
function spawnDockerd(dir, { program }) {
  const driver = program === null ? 'overlay2' : 'fuse-overlayfs'
  mkdirSync(join(dir, 'bin'))
  if (program !== null) symlinkSync(program, join(dir, 'bin/fuse-overlayfs'))
  // Otherwise it makes a key in /etc/docker.
  const settings = { 'deprecated-key-path': join(dir, 'key.json') }
  writeFileSync(join(dir, 'daemon.json'), JSON.stringify(settings))
  const words = ['--config-file', join(dir, 'daemon.json'), '--data-root', join(dir, 'data')]
  words.push('--exec-root', join(dir, 'x'), '-H', `unix://${dir}/d.sock`, '-p', join(dir, 'pid'))
  words.push('--iptables=false', '--ip6tables=false', '--bridge=none', '--storage-driver', driver)
  const log = openSync(join(dir, 'log'), 'a')
  const daemon = spawn('dockerd', words, {
    env: { ...process.env, PATH: `${dir}/bin:${process.env['PATH'] ?? ''}` },
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return daemon
}

/** @param {string} dir @param {EngineSubject} subject @returns {Promise<Store>} */
export async function startDocker(dir, subject) {
  const daemon = spawnDockerd(dir, subject)
  const env = {
    DOCKER_HOST: `unix://${dir}/d.sock`,
    // BuildKit needs a plugin of the client, and mounts all steps at once.
    DOCKER_BUILDKIT: '0',
    DOCKER_CONFIG: join(dir, 'client'),
  }
  const docker = (/** @type {string[]} */ ...words) => run('docker', words, { env })
  const isReady = () =>
    docker('version').then(
      () => true,
      () => false,
    )
  for (const deadline = Date.now() + READY_MS; !(await isReady()); await sleep(100)) {
    if (Date.now() > deadline || daemon.exitCode !== null) {
      throw new Error(
        `dockerd does not start: ${readFileSync(join(dir, 'log'), 'utf8').slice(-2000)}`,
      )
    }
  }
  const base = 'base:1'
  const image = 'built:1'
  return {
    base,
    importBase: async (archive) => (await docker('import', archive, base)).seconds,
    build: (context) => {
      const words = ['build', '--no-cache', '--network', 'none', '-t', image, context]
      return timeSteps('docker', words, env)
    },
    runContainer: async () =>
      (await docker('run', '--rm', '--network', 'none', image, '/bin/true')).seconds,
    async forget() {
      await docker('rmi', '-f', image, base)
    },
    async stop() {
      daemon.kill('SIGTERM')
      for (let waitedMs = 0; isAlive(daemon.pid ?? 0) && waitedMs < 10_000; waitedMs += 50) {
        await sleep(50)
      }
    },
  }
}
