/** System calls fail in the middle of an operation. */
import { faultCases, lookCases } from '../helpers/fault/cases/index.js'
import { runFaults } from '../helpers/fault/suite.js'

await runFaults('errors', [...faultCases, ...lookCases])
