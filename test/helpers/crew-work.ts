/** What the tasks of crews share: the root, random choices, results judged and counted. */
import { O_CREAT, O_DIRECTORY, O_EXCL, O_PATH, O_WRONLY } from '../../src/sys/constants.js'
import { errnoName } from '../../src/sys/errno.js'
import { pread, pwrite } from '../../src/sys/io.js'
import { NativeMemory } from '../../src/sys/memory.js'
import { close, openAt, openPath } from '../../src/sys/open.js'
import type { CrewOrder } from './crew-protocol.js'
import { type Random, seededRandom } from './random.js'

const MAX_COMPLAINTS = 5

/** The state of one member. */
export class CrewWork {
  readonly root: number
  readonly member: number
  readonly random: Random
  readonly #memory = new NativeMemory(1 << 16)
  readonly #complaints = new Set<string>()
  readonly #counts = new Map<string, number>()

  constructor({ root, seed, member }: CrewOrder) {
    this.member = member
    this.random = seededRandom(seed + member * 7919)
    this.root = openPath(root, O_PATH | O_DIRECTORY)
    if (this.root < 0) throw new Error(`open ${root}: ${errnoName(this.root)}`)
  }

  close(): void {
    close(this.root)
  }

  complaints(): string[] {
    return [...this.#complaints]
  }

  counts(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }

  count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by)
  }

  complain(text: string): void {
    if (this.#complaints.size < MAX_COMPLAINTS) this.#complaints.add(`${this.member}: ${text}`)
  }

  /** Judge a result: success, or an error that a race with the others explains. */
  expect(what: string, result: number, ...explained: readonly string[]): boolean {
    if (result >= 0) return true
    const name = errnoName(result)
    if (!explained.includes(name)) this.complain(`${what}: ${name}`)
    return false
  }

  /** Make a file with a content. Returns 0 or -errno. */
  make(path: string, text: string): number {
    const fd = openAt(this.root, path, O_CREAT | O_EXCL | O_WRONLY, 0o644)
    if (fd < 0) return fd
    const written = this.write(fd, text)
    close(fd)
    return Math.min(0, written)
  }

  /** Write at the start, or the end with O_APPEND. */
  write(fd: number, text: string): number {
    this.#memory.bytes.latin1Write(text, 0)
    return pwrite(fd, this.#memory.address, text.length, 0)
  }

  /** Read from the start; the text or -errno. */
  read(fd: number, size = 4096): string | number {
    const got = pread(fd, this.#memory.address, size, 0)
    return got < 0 ? got : this.#memory.bytes.latin1Slice(0, got)
  }
}
