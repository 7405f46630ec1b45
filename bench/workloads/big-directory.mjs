// @ts-check
import { directoryWorkload } from '../big-directory.mjs'

/** A directory of 100,000 names. */
export default directoryWorkload({ name: 'big-directory', full: 100_000, quick: 5_000 })
