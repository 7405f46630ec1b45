/** One member of a crew: a process that does one task's random steps until its time is up. */
import type { CrewOrder, CrewReport } from './crew-protocol.js'
import { tasks } from './crew-tasks.js'
import { CrewWork } from './crew-work.js'

function work(order: CrewOrder): CrewReport {
  const task = tasks[order.task]
  if (task === undefined) throw new Error(`no task ${order.task}`)
  const crewWork = new CrewWork(order)
  const step = task(crewWork)
  const end = Date.now() + order.limitMs
  let operations = 0
  for (; Date.now() < end; operations++) if (step() === 'done') break
  crewWork.close()
  return { operations, complaints: crewWork.complaints(), counts: crewWork.counts() }
}

let order: CrewOrder | null = null

process.on('message', (message) => {
  if (order === null) {
    order = message as CrewOrder
    process.send?.('ready')
    return
  }
  process.send?.(work(order))
})
