/**
 * Operations in a process other than the one that compares: locks and ETXTBSY are between processes.
 * The comparison is synchronous, so requests and replies go through fifos, one line each.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { bundle } from './bundle.js'
import type { Operation } from './operation.js'

/** A request: run the operation on a root, or (none) close what is open there. */
export interface ElsewhereRequest {
  readonly root: string
  readonly operation: Operation | null
}

interface Other {
  readonly child: ChildProcess
  readonly requests: number
  readonly replies: number
}

let other: Other | null = null
const inUse = new Set<string>()

function start(): Other {
  const directory = mkdtempSync(`${process.env['TMPDIR'] ?? '/tmp'}/tsoverlayfs-test-fifos-`)
  const paths = [`${directory}/requests`, `${directory}/replies`] as const
  execFileSync('mkfifo', [...paths])
  // Both ends each, so that no open waits for the other side; descriptors of its own for each process,
  // since Node makes those it starts with non-blocking when it likes to.
  const open = (): [number, number] => [openSync(paths[0], 'r+'), openSync(paths[1], 'r+')]
  const [requests, replies] = open()
  const theirs = open()
  const entry = bundle(process.cwd(), 'test/helpers/other-process-main.ts')
  const child = spawn(process.execPath, [entry], { stdio: [...theirs, 'inherit'] })
  for (const fd of theirs) closeSync(fd)
  child.unref()
  process.once('exit', () => child.kill('SIGKILL'))
  rmSync(directory, { recursive: true })
  return { child, requests, replies }
}

/** Send one line and wait for the line that answers it. */
function exchange(request: ElsewhereRequest): string {
  other ??= start()
  const { requests, replies } = other
  writeSync(requests, `${JSON.stringify(request)}\n`, null, 'latin1')
  return JSON.parse(readLine(replies)) as string
}

const piece = Buffer.alloc(65_536)

/** Read up to the end of a line; there is never more than one on the way. */
export function readLine(fd: number): string {
  let text = ''
  while (!text.endsWith('\n')) text += piece.latin1Slice(0, readSync(fd, piece))
  return text
}

/** Run one operation in the other process; its handles live there until {@link closeElsewhere}. */
export function runElsewhere(root: string, operation: Operation): string {
  inUse.add(root)
  return exchange({ root, operation })
}

/** Close what the other process has open on a root. */
export function closeElsewhere(root: string): void {
  if (inUse.delete(root)) exchange({ root, operation: null })
}
