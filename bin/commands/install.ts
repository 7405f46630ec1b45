/** `tsoverlayfs install`: make engines and mount(8) use this program, or no longer. */
import { Argument, Command, Option } from 'commander'
import type { Host } from '../../src/install/host.js'
import {
  type InstallRequest,
  type Target,
  applyPlan,
  findTargets,
  planAll,
} from '../../src/install/install.js'
import { launcherNotes, launcherOf, unfit } from '../../src/install/launcher.js'
import { showPlan } from '../../src/install/show.js'
import { absolute, bytes, hostBelow, say } from './host.js'

const EXAMPLES = `
Engines: podman, buildah, cri-o (one storage.conf for the three) and docker; without any, those that
are found on this machine. As root the change holds for the system, otherwise for you alone.

Examples:
  tsoverlayfs install --dry-run              show what would be changed
  sudo tsoverlayfs install podman            /etc/containers/storage.conf
  tsoverlayfs install podman                 ~/.config/containers/storage.conf (rootless)
  sudo tsoverlayfs install docker            /usr/local/bin/fuse-overlayfs
  sudo tsoverlayfs install --mount-helper    mount -t tsoverlayfs, and /etc/fstab
  sudo tsoverlayfs install --uninstall       put everything back

Exit status: 0 done, or nothing to do; 1 refused or failed, the output says why and what to do;
2 the command line is wrong.`

const ENGINES: Readonly<Record<string, Target>> = {
  podman: 'containers',
  buildah: 'containers',
  'cri-o': 'containers',
  docker: 'docker',
}

interface Flags {
  uninstall?: boolean
  dryRun?: boolean
  force?: boolean
  mountHelper?: boolean
  storageConf?: string
  binDir?: string
  program?: string
  root: string
}

function targetsOf(host: Host, engines: readonly string[], flags: Flags): Target[] {
  const named = engines.flatMap((engine) => ENGINES[engine] ?? [])
  if (flags.mountHelper === true) named.push('mount-helper')
  if (named.length > 0) return [...new Set(named)]
  // What is not there any more may still have been installed for.
  return flags.uninstall === true ? ['containers', 'docker', 'mount-helper'] : findTargets(host)
}

function optional(path: string | undefined): string | null {
  return path === undefined ? null : absolute(path)
}

function carryOut(host: Host, request: InstallRequest, dryRun: boolean): boolean {
  let succeeded = true
  for (const plan of planAll(host, request)) {
    const failure = dryRun || plan.refusal !== null ? null : applyPlan(host, plan)
    for (const line of showPlan(plan, dryRun ? 'dry-run' : 'done', failure)) say(line)
    succeeded &&= failure === null && plan.refusal === null
  }
  return succeeded
}

function run(engines: readonly string[], flags: Flags): void {
  const fail = (message: string): void => {
    process.stderr.write(Buffer.from(`tsoverlayfs: ${message}\n`, 'latin1'))
    process.exitCode = 1
  }
  const host = hostBelow(flags.root)
  const launcher = optional(flags.program) ?? launcherOf(bytes(__filename))
  if (launcher === null) {
    fail('bin/tsoverlayfs is not beside dist: install the package anew, or give --program')
    return
  }
  const action = flags.uninstall === true ? 'uninstall' : 'install'
  const reason = unfit(launcher)
  if (reason !== null && action === 'install') {
    fail(reason)
    return
  }
  const targets = targetsOf(host, engines, flags)
  if (targets.length === 0) {
    fail('no engine is found in PATH: name one, as in: tsoverlayfs install podman')
    return
  }
  const request: InstallRequest = {
    action,
    targets,
    launcher,
    storageConf: optional(flags.storageConf),
    binDir: optional(flags.binDir),
    force: flags.force === true,
  }
  if (!carryOut(host, request, flags.dryRun === true)) process.exitCode = 1
  if (action === 'install') for (const note of launcherNotes(host, launcher)) say(`note: ${note}`)
}

/** The command with its flags. */
export function installCommand(): Command {
  return new Command('install')
    .description('Make container engines, or mount(8), use this program; or no longer.')
    .addArgument(new Argument('[engines...]', 'which').choices(Object.keys(ENGINES)))
    .option('--uninstall', 'put everything back as it was')
    .option('--dry-run', 'only show what would be changed')
    .option('--mount-helper', 'let mount -t tsoverlayfs and /etc/fstab find it')
    .option('--storage-conf <file>', 'change this storage.conf')
    .option('--bin-dir <dir>', 'directory in PATH of dockerd for the name fuse-overlayfs')
    .option('--program <path>', 'what engines are to run, if not this program')
    .option('--force', 'switch a store that another driver filled')
    .addOption(
      new Option('--root <dir>', 'change the files below this directory, of an image').default(
        '',
        '/',
      ),
    )
    .addHelpText('after', EXAMPLES)
    .action(run)
}
