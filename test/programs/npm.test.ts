/** npm ci of a small project whose packages are tarballs beside it: nothing comes from the network. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

const PACKAGES = 12
const FILES = 15
const flags = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error']

async function buildProject(root: string): Promise<void> {
  mkdirSync(`${root}/packages`)
  mkdirSync(`${root}/project`)
  const dependencies: Record<string, string> = {}
  for (let p = 0; p < PACKAGES; p++) {
    mkdirSync(`${root}/package/lib`, { recursive: true })
    const name = `package-${p}`
    const manifest = { name, version: '1.0.0', main: 'lib/f0.js', bin: { [name]: 'lib/f1.js' } }
    writeFileSync(`${root}/package/package.json`, JSON.stringify(manifest))
    for (let f = 0; f < FILES; f++) {
      writeFileSync(`${root}/package/lib/f${f}.js`, `module.exports = ${p * f}\n`)
    }
    await runCommand('tar', ['-C', root, '-czf', `${root}/packages/p${p}.tgz`, 'package'])
    rmSync(`${root}/package`, { recursive: true })
    dependencies[name] = `file:../packages/p${p}.tgz`
  }
  const manifest = { name: 'project', version: '1.0.0', private: true, dependencies }
  writeFileSync(`${root}/project/package.json`, JSON.stringify(manifest))
  const options = { cwd: `${root}/project`, env: { npm_config_cache: `${root}/cache` } }
  await runCommand('npm', ['install', '--package-lock-only', ...flags], options)
  rmSync(`${root}/cache`, { recursive: true })
}

void t.test('npm ci, twice', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'npm', 'tar', 'cp')) return
  await compareWithPlain(t, {
    buildLower: buildProject,
    async work(tree, { outside }) {
      const options = { cwd: `${tree}/project`, env: { npm_config_cache: outside } }
      await runCommand('npm', ['ci', ...flags], options)
      // The second run first removes node_modules.
      await runCommand('npm', ['ci', ...flags], options)
      const program = 'let sum = 0; for (let p = 0; p < 12; p++) sum += require(`package-${p}`)'
      await runCommand('node', ['-e', program], options)
      return runCommand('npm', ['ls', '--all', '--parseable=false'], options).then((text) =>
        text.replaceAll(tree, ''),
      )
    },
  })
})
