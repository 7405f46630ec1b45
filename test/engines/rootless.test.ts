/** podman of an ordinary user, with the overlay under test as mount_program. */
import t from 'tap'
import { programUnderTest } from '../helpers/engines/engine.js'
import { startRootless } from '../helpers/engines/rootless.js'
import { engineSuite } from '../helpers/engines/suite.js'

void t.test('podman, rootless', { timeout: 240_000 }, (t) =>
  engineSuite(t, (place) => startRootless(place, programUnderTest())),
)
