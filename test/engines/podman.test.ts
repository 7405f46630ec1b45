/** podman as root, with the overlay under test as mount_program. */
import t from 'tap'
import { programUnderTest } from '../helpers/engines/engine.js'
import { startPodman } from '../helpers/engines/podman.js'
import { engineSuite } from '../helpers/engines/suite.js'

void t.test('podman, rootful', { timeout: 240_000 }, (t) =>
  engineSuite(t, (place) => startPodman(place, programUnderTest())),
)
