/**
 * A proxy snapshotter for containerd, kept in memory: enough to have containerd mount through the
 * type `fuse3./absolute/program`. Layers are directories; what mounts them is the program.
 */
import { chownSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import {
  type Message,
  bytesField,
  decodeMessage,
  mapField,
  mapOf,
  messagesOf,
  numberField,
  textOf,
} from './protobuf.js'

const NOT_FOUND = 5
const ALREADY_EXISTS = 6
const FAILED_PRECONDITION = 9
const UNIMPLEMENTED = 12
const UNKNOWN = 2

type Kind = 'view' | 'active' | 'committed'
const KINDS: Readonly<Record<Kind, number>> = { view: 1, active: 2, committed: 3 }

interface Snapshot {
  readonly name: string
  readonly parent: string
  readonly kind: Kind
  readonly labels: ReadonlyMap<string, string>
  /** Directory with `fs` and `work`. */
  readonly directory: string
}

/** A gRPC status other than OK. */
class Status extends Error {
  override readonly name = 'Status'
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

class Store {
  readonly #root: string
  readonly #program: string
  readonly #snapshots = new Map<string, Snapshot>()
  #made = 0

  constructor(root: string, program: string) {
    this.#root = root
    this.#program = program
  }

  find(name: string): Snapshot {
    const found = this.#snapshots.get(name)
    if (found === undefined) throw new Status(NOT_FOUND, `snapshot ${name} does not exist`)
    return found
  }

  all(): readonly Snapshot[] {
    return [...this.#snapshots.values()]
  }

  add(kind: 'view' | 'active', request: Message): Snapshot {
    const name = textOf(request, 2)
    const parent = textOf(request, 3)
    if (this.#snapshots.has(name)) throw new Status(ALREADY_EXISTS, `snapshot ${name} exists`)
    const directory = `${this.#root}/${++this.#made}`
    mkdirSync(`${directory}/fs`, { recursive: true, mode: 0o755 })
    if (kind === 'active') mkdirSync(`${directory}/work`, { mode: 0o711 })
    if (parent !== '') {
      const { uid, gid } = statSync(`${this.find(parent).directory}/fs`)
      chownSync(`${directory}/fs`, uid, gid)
    }
    const snapshot = { name, parent, kind, labels: mapOf(request, 4), directory }
    this.#snapshots.set(name, snapshot)
    return snapshot
  }

  commit(request: Message): void {
    const name = textOf(request, 2)
    const active = this.find(textOf(request, 3))
    if (active.kind !== 'active')
      throw new Status(FAILED_PRECONDITION, `${active.name} is not active`)
    if (this.#snapshots.has(name)) throw new Status(ALREADY_EXISTS, `snapshot ${name} exists`)
    this.#snapshots.delete(active.name)
    this.#snapshots.set(name, { ...active, name, kind: 'committed', labels: mapOf(request, 4) })
  }

  remove(name: string): void {
    const { directory } = this.find(name)
    const child = this.all().find(({ parent }) => parent === name)
    if (child !== undefined) throw new Status(FAILED_PRECONDITION, `${name} has a child`)
    this.#snapshots.delete(name)
    rmSync(directory, { recursive: true })
  }

  relabel(info: Message): Snapshot {
    const found = { ...this.find(textOf(info, 1)), labels: mapOf(info, 6) }
    this.#snapshots.set(found.name, found)
    return found
  }

  #lowers(snapshot: Snapshot): string[] {
    const lowers: string[] = []
    for (let name = snapshot.parent; name !== '';) {
      const parent = this.find(name)
      lowers.push(`${parent.directory}/fs`)
      name = parent.parent
    }
    return lowers
  }

  mounts(snapshot: Snapshot): Buffer {
    const lowers = this.#lowers(snapshot)
    const own = `${snapshot.directory}/fs`
    const writable = snapshot.kind === 'active'
    const [only] = lowers
    if (only === undefined || (lowers.length === 1 && !writable)) {
      return mountField('bind', only ?? own, [writable ? 'rw' : 'ro', 'rbind'])
    }
    const options = [`lowerdir=${lowers.join(':')}`]
    if (writable) options.unshift(`workdir=${snapshot.directory}/work`, `upperdir=${own}`)
    return mountField(`fuse3.${this.#program}`, 'overlay', options)
  }
}

function mountField(type: string, source: string, options: readonly string[]): Buffer {
  const fields = [bytesField(1, type), bytesField(2, source)]
  return bytesField(
    1,
    Buffer.concat([...fields, ...options.map((option) => bytesField(4, option))]),
  )
}

function infoField(snapshot: Snapshot): Buffer {
  const created = numberField(1, 1_000_000_000)
  const fields = [bytesField(1, snapshot.name), bytesField(2, snapshot.parent)]
  fields.push(numberField(3, KINDS[snapshot.kind]), bytesField(4, created), bytesField(5, created))
  return bytesField(1, Buffer.concat([...fields, mapField(6, snapshot.labels)]))
}

const NOTHING = Buffer.alloc(0)

/** What each call of containerd.services.snapshots.v1.Snapshots answers. */
const calls: Readonly<Record<string, (store: Store, request: Message) => Buffer>> = {
  Prepare: (store, request) => store.mounts(store.add('active', request)),
  View: (store, request) => store.mounts(store.add('view', request)),
  Mounts: (store, request) => store.mounts(store.find(textOf(request, 2))),
  Commit(store, request) {
    store.commit(request)
    return NOTHING
  },
  Remove(store, request) {
    store.remove(textOf(request, 2))
    return NOTHING
  },
  Stat: (store, request) => infoField(store.find(textOf(request, 2))),
  Update(store, request) {
    const [info] = messagesOf(request, 2)
    return infoField(store.relabel(info ?? new Map<number, readonly Buffer[]>()))
  },
  List(store, request) {
    if (request.has(2)) throw new Status(UNIMPLEMENTED, 'filters')
    return Buffer.concat(store.all().map(infoField))
  },
  Usage: () => Buffer.concat([numberField(1, 4096), numberField(2, 1)]),
  Cleanup: () => NOTHING,
}

const FRAME_HEADER = 5

function answer(stream: ServerHttp2Stream, reply: Buffer | null, status: Status | null): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => {
    const message = encodeURIComponent(status?.message ?? '')
    stream.sendTrailers({ 'grpc-status': String(status?.code ?? 0), 'grpc-message': message })
  })
  if (reply !== null) {
    const header = Buffer.alloc(FRAME_HEADER)
    header.writeUInt32BE(reply.length, 1)
    stream.write(Buffer.concat([header, reply]))
  }
  stream.end()
}

function serve(store: Store, stream: ServerHttp2Stream, method: string): void {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A client that goes away resets its stream.
  stream.on('error', () => undefined)
  stream.on('end', () => {
    try {
      const call = calls[method]
      if (call === undefined) throw new Status(UNIMPLEMENTED, method)
      const request = decodeMessage(Buffer.concat(chunks).subarray(FRAME_HEADER))
      answer(stream, call(store, request), null)
    } catch (error) {
      const status = error instanceof Status ? error : new Status(UNKNOWN, String(error))
      answer(stream, null, status)
    }
  })
}

/** Serve snapshots below `root` on a socket, mounted by `program`. */
export function startSnapshotter(
  root: string,
  socket: string,
  program: string,
): Promise<{ close: () => Promise<void> }> {
  const store = new Store(root, program)
  const server: Http2Server = createServer()
  const sessions = new Set<{ destroy: () => void }>()
  server.on('session', (session) => sessions.add(session))
  server.on('stream', (stream, headers) => {
    serve(store, stream, String(headers[':path']).replace(/^.*\//, ''))
  })
  return new Promise((resolve) => {
    server.listen(socket, () => {
      resolve({
        close: () =>
          new Promise((closed) => {
            for (const session of sessions) session.destroy()
            server.close(() => closed())
          }),
      })
    })
  })
}
