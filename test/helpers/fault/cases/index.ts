/** The operations that take more than one step on disk. */
import type { FaultCase } from '../case.js'
import { copyUpCases } from './copy-up.js'
import { engineCases } from './engine.js'
import { indexedCases } from './indexed.js'
import { nameCases } from './names.js'
import { lookCases } from './looks.js'
import { renameCases } from './rename.js'

/** Those that change something on disk, so that one can be killed half-way. */
export const faultCases: readonly FaultCase[] = [
  ...copyUpCases,
  ...nameCases,
  ...renameCases,
  ...indexedCases,
  ...engineCases,
]

export { lookCases }
