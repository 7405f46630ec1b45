/** buildah as root, with the overlay under test as mount_program. */
import t from 'tap'
import { startBuildah } from '../helpers/engines/buildah.js'
import { programUnderTest } from '../helpers/engines/engine.js'
import { engineSuite } from '../helpers/engines/suite.js'

void t.test('buildah', { timeout: 240_000 }, (t) =>
  engineSuite(t, (place) => startBuildah(place, programUnderTest())),
)
