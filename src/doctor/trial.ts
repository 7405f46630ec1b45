/** The proof: an overlay below the directory, mounted, read, written and unmounted as users do. */
import { at } from '../install/host.js'
import { FsError } from '../sys/errno.js'
import { makeDirectory, makeFile, readText, removeTree } from '../sys/files.js'
import { type Finding, limited, missing, ok } from './finding.js'
import type { Machine, Visit } from './machine.js'

const TIMEOUT_MS = 30_000

/** Arguments: the launcher, and the directory of the layers. */
const SCRIPT = `cd "$2" || exit 1
"$1" mount -o lowerdir=lower,upperdir=upper,workdir=work merged || exit 1
cat merged/file && echo written >>merged/file
code=$?
"$1" umount merged || { umount -l merged; exit 1; }
exit $code`

/** How a mount can be made here: the words before the shell; null when there is no way. */
function wayToMount({
  facts,
}: Visit): { readonly words: readonly string[]; readonly how: string } | null {
  if (facts['admin']) return { words: [], how: 'by mount(2)' }
  if (facts['fusermount3']) return { words: [], how: 'through fusermount3' }
  if (facts['userns']) {
    return {
      words: ['unshare', '--user', '--map-root-user', '--mount'],
      how: 'in a user namespace',
    }
  }
  return null
}

function runScript(machine: Machine, before: readonly string[], place: string): string | null {
  const [program, ...words] = [...before, 'sh', '-c', SCRIPT, 'sh', machine.launcher ?? '', place]
  const result = machine.run(program, words, TIMEOUT_MS)
  if (result.code === null) {
    machine.run('umount', ['-l', `${place}/merged`], TIMEOUT_MS)
    return `no end within ${String(TIMEOUT_MS / 1000)} s`
  }
  if (result.code !== 0 || result.stdout !== 'text\n') {
    const lines = result.stderr.trim().split('\n')
    return lines.at(-1) ?? ''
  }
  const upper = readText(`${place}/upper/file`)
  const lower = readText(`${place}/lower/file`)
  if (upper === 'text\nwritten\n' && lower === 'text\n') return null
  return 'the layers do not hold what was written'
}

/** Mount an overlay, if anything allows it. */
export function checkMount(visit: Visit): Finding {
  const { machine, directory, facts } = visit
  const way = wayToMount(visit)
  if (!facts['fuse'] || way === null) {
    return missing(
      'not possible',
      facts['fuse']
        ? 'run as root, install fuse3, or allow user namespaces'
        : 'see /dev/fuse above',
    )
  }
  if (machine.launcher === null) {
    return missing('bin/tsoverlayfs is not there', 'install the package anew')
  }
  const place = at(machine, `${directory}/.tsoverlayfs-trial-${String(process.pid)}`)
  try {
    for (const name of ['', '/lower', '/upper', '/work', '/merged']) makeDirectory(place + name)
    makeFile(`${place}/lower/file`, 'text\n')
  } catch (error) {
    if (!(error instanceof FsError)) throw error
    return limited('not tried: the directory cannot be written', 'give a directory of yours')
  }
  const begin = performance.now()
  const failure = runScript(machine, way.words, place)
  const elapsedMs = Math.round(performance.now() - begin)
  removeTree(place)
  facts['mount'] = failure === null
  if (failure !== null) {
    return missing(
      failure,
      "'DEBUG=tsoverlayfs:* tsoverlayfs mount -f ...' tells more; a bug report starts with its output",
    )
  }
  return ok(`mounted ${way.how}, read, written and unmounted in ${String(elapsedMs)} ms`)
}
