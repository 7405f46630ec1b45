#!/usr/bin/env node
// @ts-check
// Usage: npm run demo   (or: node scripts/demo.mjs)
// Shows what an overlay does, on a mount over temporary directories: trees before and after each
// step, and every statement checked. Exit status 0: all hold; 1: something differs; 2: no mount is
// possible here.
// Needs /dev/fuse, and root or permission to make a user namespace (it then runs in one by itself).
// Leaves nothing behind: the mount, its process and the directories are removed in any case.
// TSOVERLAYFS_BIN names another program to show instead of bin/tsoverlayfs.
import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tell } from './demo/story.mjs'

const self = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const storyTimeoutMs = 180_000

if (process.argv[2] === '--story') {
  await story(String(process.argv[3]))
} else {
  process.exitCode = await stageManager()
}

/**
 * The story runs in a process of its own, so that a mount that hangs can be ended from outside.
 * @param {string} directory
 */
async function story(directory) {
  const stage = await tell(directory)
  const held = stage.claims - stage.failures.length
  console.log(`\n${held} of ${stage.claims} statements hold.`)
  for (const failure of stage.failures) console.log(`differs: ${failure}`)
  process.exitCode = stage.failures.length === 0 ? 0 : 1
}

/** @returns {Promise<number>} exit status */
async function stageManager() {
  const wrapper = wrapperCommand()
  if (wrapper === null) return 2
  if (process.env['TSOVERLAYFS_BIN'] === undefined && !ensureBuilt()) return 2
  const directory = fs.mkdtempSync(join(fs.realpathSync(scratch()), 'tsoverlayfs-demo-'))
  try {
    console.log(`tsoverlayfs demonstration, in ${directory}`)
    return await play(wrapper, directory)
  } finally {
    await clear(directory)
  }
}

/** @param {string[]} wrapper @param {string} directory @returns {Promise<number>} */
function play(wrapper, directory) {
  const [program = process.execPath, ...words] = [
    ...wrapper,
    process.execPath,
    self,
    '--story',
    directory,
  ]
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit'] })
  const stop = () => child.kill('SIGKILL')
  const timer = setTimeout(() => {
    console.error(`\nthe demonstration has not ended in ${storyTimeoutMs / 1000} s; ending it`)
    stop()
  }, storyTimeoutMs)
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])
  for (const signal of signals) process.on(signal, stop)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      clearTimeout(timer)
      for (const signal of signals) process.off(signal, stop)
      resolve(code ?? 1)
    })
  })
}

/**
 * How to get the right to mount: nothing for root, a user namespace for others.
 * @returns {string[] | null} command to put in front, or null after saying why there is none
 */
function wrapperCommand() {
  if (!canUseFuse()) return null
  if (process.getuid?.() === 0) return []
  const wrapper = ['unshare', '--user', '--map-root-user', '--mount', '--kill-child']
  const trial = spawnSync(wrapper[0] ?? '', [...wrapper.slice(1), 'true'], { encoding: 'utf8' })
  if (trial.status === 0) {
    console.log('Not root: running in a user namespace (unshare --user --map-root-user --mount).\n')
    return wrapper
  }
  const reason = trial.error?.message ?? trial.stderr.trim()
  console.error(`A mount needs root or a user namespace, and neither is to be had here:
  unshare: ${reason}
What helps: run "sudo npm run demo"; or allow user namespaces
  (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces > 0,
  kernel.apparmor_restrict_unprivileged_userns=0); "npm run doctor" tells more.`)
  return null
}

function canUseFuse() {
  try {
    fs.closeSync(fs.openSync('/dev/fuse', 'r+'))
    return true
  } catch (error) {
    console.error(`/dev/fuse cannot be opened: ${error instanceof Error ? error.message : error}
What helps: "modprobe fuse" as root; in a container, start it with --device /dev/fuse;
  as an ordinary user, mode 0666 on /dev/fuse (the usual setting); "npm run doctor" tells more.`)
    return false
  }
}

function ensureBuilt() {
  if (fs.existsSync(join(root, 'dist', 'tsoverlayfs.cjs'))) return true
  console.log('Building first (npm run build) ...')
  const build = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--bundle-only'], {
    stdio: 'inherit',
  })
  if (build.status === 0) return true
  console.error('The build failed; run "npm ci", then "npm run demo" again.')
  return false
}

/** A directory on a file system that holds whiteouts and private attributes. */
function scratch() {
  const places = [tmpdir(), '/var/tmp', '/dev/shm']
  return places.find((place) => filesystemSuits(place)) ?? tmpdir()
}

/** Not on another overlay, as the root of a container is. @param {string} place */
function filesystemSuits(place) {
  if (!fs.existsSync(place)) return false
  const overlayfsMagic = 0x794c7630
  return fs.statfsSync(place).type !== overlayfsMagic
}

/** Remove the mount, what serves it, and the directory. @param {string} directory */
async function clear(directory) {
  const quiet = { stdio: /** @type {const} */ ('ignore'), timeout: 10_000 }
  for (let attempt = 0; attempt < 5 && isMountPoint(join(directory, 'merged')); attempt += 1) {
    spawnSync('umount', ['-l', join(directory, 'merged')], quiet)
    spawnSync('fusermount3', ['-uz', join(directory, 'merged')], quiet)
  }
  if (isMountPoint(join(directory, 'merged'))) {
    console.error(`still mounted, please unmount: ${join(directory, 'merged')}`)
    process.exitCode = 1
    return
  }
  makeSearchable(directory)
  fs.rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** @param {string} path */
function isMountPoint(path) {
  const escaped = path.replaceAll(' ', '\\040')
  const lines = fs.readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
  return lines.some((line) => line.split(' ')[4] === escaped)
}

/** work/work has mode 0000, which stops its owner from removing it unless root. @param {string} directory */
function makeSearchable(directory) {
  fs.chmodSync(directory, 0o700)
  for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) makeSearchable(join(directory, entry.name))
  }
}
