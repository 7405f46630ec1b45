/** Which of a file's times an operation changes: noted before, compared afterwards. */
import { FileStat, statAt } from '../../src/sys/stat.js'

/** More than a tick of the clock that file systems take their times from. */
const TICK_MS = 12
const sleeper = new Int32Array(new SharedArrayBuffer(4))
const stat = new FileStat()

function timesOf(found: FileStat): Readonly<Record<string, string>> {
  return {
    atime: `${found.atimeSec}.${found.atimeNsec}`,
    mtime: `${found.mtimeSec}.${found.mtimeNsec}`,
    ctime: `${found.ctimeSec}.${found.ctimeNsec}`,
  }
}

/** The times noted in one script, by path. */
export class TimeNotes {
  readonly #noted = new Map<string, Readonly<Record<string, string>>>()

  /** Note the times of an object; whatever happens later is later by the clock. Returns 0 or -errno. */
  note(dirfd: number, path: string): number {
    const result = statAt(dirfd, path, stat)
    if (result < 0) return result
    this.#noted.set(path, timesOf(stat))
    Atomics.wait(sleeper, 0, 0, TICK_MS)
    return 0
  }

  /** The names of the times that are not those noted; or -errno. */
  touched(dirfd: number, path: string): string | number {
    const result = statAt(dirfd, path, stat)
    if (result < 0) return result
    const before = this.#noted.get(path) ?? {}
    const changed = Object.entries(timesOf(stat)).filter(([name, time]) => before[name] !== time)
    return changed.map(([name]) => name).join(' ') || 'nothing'
  }
}
