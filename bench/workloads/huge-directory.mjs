// @ts-check
import { directoryWorkload } from '../big-directory.mjs'

/** A directory of 1,000,000 names: ten times big-directory, so each name should cost the same. */
export default directoryWorkload({ name: 'huge-directory', full: 1_000_000, quick: 20_000 })
