/** The other process: takes operations from standard input, one a line, until it is killed. */
import { writeSync } from 'node:fs'
import { native } from '../../src/sys/native.js'
import { Executor } from './executor.js'
import { type ElsewhereRequest, readLine } from './other-process.js'

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
native.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
const executors = new Map<string, Executor>()

function serve({ root, operation }: ElsewhereRequest): string {
  let executor = executors.get(root)
  if (operation === null) {
    executors.delete(root)
    executor?.close()
    return ''
  }
  if (executor === undefined) executors.set(root, (executor = new Executor(root)))
  return executor.runHere(operation)
}

for (;;) {
  const reply = serve(JSON.parse(readLine(0)) as ElsewhereRequest)
  writeSync(1, `${JSON.stringify(reply)}\n`, null, 'latin1')
}
