/**
 * The process that injects faults: its system calls are synchronous and may hang with a daemon under
 * test, so the suite stands outside and can end it. Daemons are its children. The order of imports
 * matters: functions are bound once faults can be put between.
 */
import './calls.js'
import { mkdirSync } from 'node:fs'
import { errnoName } from '../../../src/sys/errno.js'
import { native } from '../../../src/sys/native.js'
import { mountImage } from '../image.js'
import { mount } from '../syscalls.js'
import { FaultyDaemons } from './daemon.js'
import { failEverywhere } from './errors.js'
import { killEverywhere } from './kill.js'
import { FAULT_DIRECTORY } from './plan.js'
import type { FaultReply, FaultRequest } from './report.js'
import { Scene } from './scene.js'

const PR_SET_PDEATHSIG = 1
const SIGKILL = 9
const IMAGE_BYTES = 64 << 20
const IMAGE_INODES = 8000
// A system call that hangs must not outlive the suite.
native.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)
const directory = process.env[FAULT_DIRECTORY] ?? ''
const memory = `${directory}/tmpfs`
const disk = `${directory}/disk`
for (const path of [memory, disk]) mkdirSync(path)
const result = mount('tmpfs', memory, 'tmpfs', 0, 'mode=755,size=256m')
if (result < 0) throw new Error(`mount a tmpfs: ${errnoName(result)}`)
mountImage(`${memory}/ext4.image`, disk, IMAGE_BYTES, IMAGE_INODES)
const daemons = new FaultyDaemons(directory)

let scenes = 0

function serve({ part, faultCase }: FaultRequest): FaultReply {
  scenes += 1
  try {
    const scene = new Scene(faultCase, `${disk}/${scenes}`, daemons)
    const report = part === 'kill' ? killEverywhere(scene) : failEverywhere(scene)
    scene.remove()
    return { report }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (message) => {
  process.send?.(serve(message as FaultRequest))
})
process.on('disconnect', () => process.exit(0))
