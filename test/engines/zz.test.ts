import t from 'tap'
import { programUnderTest } from '../helpers/engines/engine.js'
import { startRootless } from '../helpers/engines/rootless.js'
import { EnginePlace } from '../helpers/engines/place.js'
import { makeRootfs } from '../helpers/engines/rootfs.js'
void t.test('x', async (t) => {
  const place = new EnginePlace(); t.teardown(() => place.close())
  makeRootfs(`${place.path}/rootfs`, `${place.path}/rootfs.tar`)
  const e = await startRootless(place, programUnderTest())
  const a = (e as any).raw
  await e.importImage(`${place.path}/rootfs.tar`, 'localhost/base:1')
  const r = await a('--log-level=debug', 'run', '--rm', 'localhost/base:1', '/bin/sh', '-c', 'echo hi')
  console.error(r.stderr, r.stdout)
  await e.stop()
})
