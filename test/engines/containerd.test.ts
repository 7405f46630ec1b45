/** containerd, with a snapshotter whose mounts are of the type `fuse3./absolute/program`. */
import t from 'tap'
import { startContainerd } from '../helpers/engines/containerd.js'
import { programUnderTest } from '../helpers/engines/engine.js'
import { engineSuite } from '../helpers/engines/suite.js'

void t.test('containerd', { timeout: 240_000 }, (t) =>
  engineSuite(t, (place) => startContainerd(place, programUnderTest())),
)
