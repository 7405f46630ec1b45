/** What an engine leaves goes away with its place, also when the test process is killed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import t from 'tap'
import { bundle } from '../helpers/bundle.js'
import { isRunning, killProcess, until } from '../helpers/engines/processes.js'
import { requires } from '../helpers/requires.js'
import { mountsBelow } from '../helpers/scratch.js'

const GONE_MS = 10_000

await t.test('a killed test process leaves nothing behind', async (t) => {
  if (!requires(t, 'root')) return
  const program = bundle(process.cwd(), 'test/helpers/engines/abandoned-place.ts')
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { path, daemon } = JSON.parse(line) as { path: string; daemon: number }
  const readChild = (): number => {
    const file = `${path}/child`
    return existsSync(file) ? Number(readFileSync(file, 'latin1')) : 0
  }
  t.ok(await until(() => readChild() > 0, GONE_MS), 'the daemon has a child')
  const processes = [daemon, readChild()]
  t.strictSame(processes.map(isRunning), [true, true])
  t.strictSame(
    mountsBelow(path).map(({ target }) => target),
    [`${path}/mounted`],
  )
  killProcess(child.pid ?? 0)
  const gone = (): boolean => !processes.some(isRunning) && !existsSync(path)
  t.ok(await until(gone, GONE_MS), 'processes and directory are gone')
  t.strictSame(mountsBelow(path), [])
})
