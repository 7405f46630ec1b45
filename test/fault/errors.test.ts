/** System calls fail in the middle of an operation. */
import { faultCases } from '../helpers/fault/cases.js'
import { runFaults } from '../helpers/fault/suite.js'

await runFaults('errors', faultCases)
