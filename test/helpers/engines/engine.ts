/** What the suite asks of a container engine. */
import type { Snapshot } from '../snapshot.js'
import type { EnginePlace, Outcome } from './place.js'
import type { TreeOptions } from './steps.js'

/** A container that runs until it is removed. */
export interface RunningContainer {
  readonly id: string
  /** Run a shell script in it, whatever its exit code. */
  attempt: (script: string) => Promise<Outcome>
  /** The commands that a user restarts it with, after its root file system died. */
  restart: () => Promise<void>
  remove: () => Promise<void>
}

/** One engine with a store of its own, on the overlay under test. */
export interface Engine {
  readonly name: string
  readonly place: EnginePlace
  /** Engines other than podman and buildah leave `user.` xattrs out of layers. */
  readonly keepsUserXattrs: boolean
  /** Whether {@link Engine.tree} shows link counts; a copy of the tree has its own. */
  readonly showsLinkCounts: boolean
  importImage: (tarball: string, image: string) => Promise<void>
  /** Run a script in a container that is removed afterwards; its output. */
  run: (image: string, script: string) => Promise<string>
  /** Make `image` of `base`, one layer a step. */
  build: (base: string, image: string, steps: readonly string[]) => Promise<void>
  /** Run a script in a container, commit it as `image`; what the engine says has changed. */
  commit: (base: string, script: string, image: string) => Promise<readonly string[]>
  /** The tree of an image, as the overlay under test shows it. */
  tree: (image: string, options: TreeOptions) => Promise<Snapshot>
  /** Write an image as an archive that podman can load. */
  save: (image: string, archive: string) => Promise<void>
  startContainer: (image: string) => Promise<RunningContainer>
  /** End the engine in an orderly way. */
  stop: () => Promise<void>
}

/** Where the program under test is: bin/tsoverlayfs, or TSOVERLAYFS_CANDIDATE. */
export { candidate as programUnderTest } from '../program-mount.js'
