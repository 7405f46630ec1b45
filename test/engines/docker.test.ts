/** dockerd --storage-driver fuse-overlayfs, with the overlay under test under that name in PATH. */
import t from 'tap'
import { startDocker } from '../helpers/engines/docker.js'
import { programUnderTest } from '../helpers/engines/engine.js'
import { engineSuite } from '../helpers/engines/suite.js'

void t.test('dockerd', { timeout: 240_000 }, (t) =>
  engineSuite(t, (place) => startDocker(place, programUnderTest())),
)
