/** The text of the program and its libraries, in memory: most of it is needed for the start alone. */
import { readText } from './files.js'
import { native } from './native.js'

const MADV_DONTNEED = 4
/** A line of /proc/self/maps: executable, never written to, of a file. */
const TEXT_OF_FILE = /^([0-9a-f]+)-([0-9a-f]+) r-xp \S+ \S+ [1-9]/

/**
 * Let go of the pages of text mapped so far. They are clean: what is called again comes back from the
 * page cache, and the rest no longer counts as this process's memory. Best effort.
 * @mirrors madvise(2) MADV_DONTNEED
 */
export function releaseProgramText(): void {
  for (const line of (readText('/proc/self/maps') ?? '').split('\n')) {
    const [, first, end] = TEXT_OF_FILE.exec(line) ?? []
    if (first === undefined || end === undefined) continue
    const address = Number.parseInt(first, 16)
    native.madvise(address, Number.parseInt(end, 16) - address, MADV_DONTNEED)
  }
}
