/** Overlays mounted as engines mount them, without an engine, and what can be asked of them. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { isRunning, processesMentioning, until } from '../processes.js'
import { type Snapshot, snapshotTree } from '../snapshot.js'
import { programUnderTest } from './engine.js'
import type { EnginePlace, Outcome } from './place.js'

/** Layers in a place: `lower1` over `lower0`, `upper`, `work`. */
export interface Layers {
  readonly base: string
  /** The `-o` text. */
  readonly options: string
}

/** Make layers with something in them for every test. */
export function makeLayers(place: EnginePlace, name: string): Layers {
  const base = place.directory(name)
  for (const layer of ['lower0/d/sub', 'lower0/many', 'lower1/d', 'upper', 'work']) {
    mkdirSync(`${base}/${layer}`, { recursive: true })
  }
  for (const file of ['f', 'g', 'd/x', 'd/sub/z', 'large']) {
    writeFileSync(`${base}/lower0/${file}`, `${file}\n`.repeat(file === 'large' ? 200_000 : 1))
  }
  for (let n = 0; n < 40; n++) writeFileSync(`${base}/lower0/many/n${n}`, `${n}\n`)
  writeFileSync(`${base}/lower1/d/y`, 'd/y\n')
  const lowers = `lowerdir=${base}/lower1:${base}/lower0`
  return { base, options: `${lowers},upperdir=${base}/upper,workdir=${base}/work` }
}

/** A live mount. */
export interface LiveMount {
  readonly target: string
  /** Process id of its server. */
  readonly server: number
  /** Run a shell script in it that must succeed; its output. */
  readonly run: (script: string) => Promise<string>
  /** Run a shell script in it, whatever its exit code. */
  readonly attempt: (script: string) => Promise<Outcome>
}

/** The server of the mount at a target; 0 if there is none. */
function serverOf(target: string): number {
  const [found] = processesMentioning(target).filter(({ words }) => words.at(-1) === target)
  return found?.pid ?? 0
}

/** Mount the program under test with the command line of podman. */
export async function mountAt(
  place: EnginePlace,
  target: string,
  options: string,
): Promise<LiveMount> {
  mkdirSync(target, { recursive: true })
  await place.run(programUnderTest(), ['-o', options, target])
  const shell = (script: string): [string, string[], { cwd: string }] => [
    'sh',
    ['-c', `set -e; ${script}`],
    { cwd: target },
  ]
  return {
    target,
    server: serverOf(target),
    run: (script) => place.run(...shell(script)),
    attempt: (script) => place.attempt(...shell(script)),
  }
}

/** Whether a server ends in time after its last unmount. */
export const leaves = ({ server }: LiveMount, ms: number): Promise<boolean> =>
  until(() => !isRunning(server), ms)

/** Whole tree with contents; sizes and link counts of directories are a file system's own. */
export function treeOf(path: string): Snapshot {
  return snapshotTree(path, {
    inodes: false,
    exactTimes: true,
    finish: (_, entry) => {
      const kept: Record<string, string> = { ...entry }
      delete kept['dev']
      if (entry['type'] !== 'dir') return kept
      delete kept['size']
      delete kept['nlink']
      return kept
    },
  })
}

/** What kernel overlayfs shows of the layers. */
export async function treeOnKernel(
  place: EnginePlace,
  { base, options }: Layers,
): Promise<Snapshot> {
  const target = `${base}/kernel`
  mkdirSync(target)
  await place.run('mount', ['-t', 'overlay', 'overlay', '-o', options, target])
  try {
    return treeOf(target)
  } finally {
    await place.run('umount', [target])
  }
}
