/** Which transport a mount gets, with servers that only say how it went. */
import { mkdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { splitOptions } from '../../src/config/option-words.js'
import { parseOptions } from '../../src/config/parse-options.js'
import { type Mounted, mount } from '../../src/mount.js'

// The servers need nothing of what loads this test.
process.execArgv.length = 0

type Outcome = 'works' | 'no way to the kernel' | 'bad layers'

/** A program that is both servers: a thread for `kernel`, a process for `libfuse`. */
function makeProgram(t: Test, kernel: Outcome, libfuse: Outcome): string {
  const directory = t.testdir()
  const path = `${directory}/server.mjs`
  writeFileSync(
    path,
    `
    import { isMainThread, parentPort } from 'node:worker_threads'
    const mounted = { kind: 'mounted', warnings: ['a warning'], userxattr: false }
    const ended = { kind: 'ended', end: 'unmounted', nodes: 1 }
    const failed = (name, outcome) => ({
      kind: 'failed', errno: 13, message: name + ': ' + outcome, transport: outcome !== 'bad layers',
    })
    const reports = (name, outcome) =>
      outcome === 'works' ? [mounted, ended] : [failed(name, outcome)]
    if (isMainThread) {
      process.once('message', ({ mount }) => {
        if (mount.allowOther) throw new Error('others are not to be let in')
        const told = reports('libfuse', ${JSON.stringify(libfuse)})
        const tell = (report) => process.send(report, () => {
          if (told.length === 0) process.exit()
          else tell(told.shift())
        })
        tell(told.shift())
      })
    } else {
      for (const report of reports('kernel', ${JSON.stringify(kernel)})) parentPort.postMessage(report)
    }
    `,
  )
  mkdirSync(`${directory}/mnt`)
  return directory
}

async function tryMount(directory: string, transport: string): Promise<Mounted> {
  const options = parseOptions({
    dialect: 'kernel',
    words: splitOptions(`lowerdir=/a,transport=${transport}`),
    mountpoint: `${directory}/mnt`,
    source: 'tsoverlayfs',
    subtype: 'tsoverlayfs',
    foreground: true,
    debug: false,
    isRoot: process.geteuid?.() === 0,
  })
  return mount(options, `${directory}/server.mjs`)
}

await t.test('auto takes the kernel transport where it works', async (t) => {
  const mounted = await tryMount(makeProgram(t, 'works', 'bad layers'), 'auto')
  t.equal(mounted.transport, 'kernel')
  t.strictSame(mounted.warnings, ['a warning'])
  t.strictSame(await mounted.ended, { end: 'unmounted', nodes: 1 })
})

await t.test('auto resorts to libfuse, and says why', async (t) => {
  const mounted = await tryMount(makeProgram(t, 'no way to the kernel', 'works'), 'auto')
  t.equal(mounted.transport, 'libfuse')
  t.equal(mounted.warnings[1], 'libfuse serves, since: kernel: no way to the kernel')
  t.strictSame(await mounted.ended, { end: 'unmounted', nodes: 1 })
})

await t.test('what no transport cures is told at once', async (t) => {
  const directory = makeProgram(t, 'bad layers', 'works')
  await t.rejects(tryMount(directory, 'auto'), { errno: 13, message: 'kernel: bad layers' })
})

await t.test('both reasons are told where neither works', async (t) => {
  const directory = makeProgram(t, 'no way to the kernel', 'no way to the kernel')
  await t.rejects(tryMount(directory, 'auto'), {
    name: 'MountFailure',
    message: 'kernel: no way to the kernel; libfuse: no way to the kernel',
  })
})

await t.test('a transport that is asked for is the only one tried', async (t) => {
  const directory = makeProgram(t, 'works', 'no way to the kernel')
  await t.rejects(tryMount(directory, 'libfuse'), {
    name: 'MountFailure',
    message: 'libfuse: no way to the kernel',
  })
})
