/** `tsoverlayfs doctor`: what this machine allows, and what to do about the rest. */
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { Command } from 'commander'
import { examine, showReport } from '../../src/doctor/doctor.js'
import type { Machine, RunResult } from '../../src/doctor/machine.js'
import { launcherOf } from '../../src/install/launcher.js'
import { absolute, bytes, hostBelow, say } from './host.js'

const EXAMPLES = `
Looks at the kernel, /dev/fuse, fusermount3, user namespaces and passthrough; tries what the file
system of the directory offers (private attributes, whiteouts, rename flags) and an overlay on it; and
tells which engines there are and whether they use tsoverlayfs. Leaves nothing behind.

Examples:
  tsoverlayfs doctor
  sudo tsoverlayfs doctor /var/lib/containers
  tsoverlayfs doctor --json ~/.local/share/containers

Lines begin with ok, -- (works, with something less) or NO; what to do follows after ->.
Exit status: 0 no line begins with NO; 1 one does; 2 the command line is wrong.`

function run(program: string, words: readonly string[], timeoutMs: number): RunResult {
  const text = (word: string): string => Buffer.from(word, 'latin1').toString('utf8')
  const { status, stdout, stderr, error } = spawnSync(text(program), words.map(text), {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  })
  return { code: status, stdout, stderr: error === undefined ? stderr : error.message }
}

/** The command with its flags. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Tell what this machine allows, and what to do about the rest.')
    .argument('[directory]', 'where layers would lie', tmpdir())
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', EXAMPLES)
    .action((directory: string, flags: { json?: boolean }) => {
      const machine: Machine = {
        ...hostBelow(''),
        launcher: launcherOf(bytes(__filename)),
        run,
      }
      const report = examine(machine, absolute(directory))
      if (flags.json === true) say(JSON.stringify(report, null, 2))
      else for (const line of showReport(report)) say(line)
      process.exitCode = report.healthy ? 0 : 1
    })
}
