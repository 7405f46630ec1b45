/** The operations that take more than one step on disk. */
import type { FaultCase } from '../case.js'
import { copyUpCases } from './copy-up.js'
import { engineCases } from './engine.js'
import { nameCases } from './names.js'
import { renameCases } from './rename.js'

export const faultCases: readonly FaultCase[] = [
  ...copyUpCases,
  ...nameCases,
  ...renameCases,
  ...engineCases,
]
