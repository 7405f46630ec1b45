// @ts-check
// The stage of the demonstration: the directories, the program under show, the commands that the
// reader sees, and the claims that are checked.
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { coloured, columns, treeOf } from './tree.mjs'

const launcher = fileURLToPath(new URL('../../bin/tsoverlayfs', import.meta.url))
const commandTimeoutMs = 30_000

/** The layers as they lie on disk: path to content. */
const layers = {
  app: {
    'config.txt': 'colour = green   (from app)\n',
    'bin/hello.sh': '#!/bin/sh\necho "hello from layer app"\n',
  },
  base: {
    'config.txt': 'colour = blue   (from base)\n',
    'README.txt': 'first line, from base\n',
    'docs/intro.txt': 'intro\n',
    'docs/usage.txt': 'usage\n',
    'photos/cat.txt': 'a cat\n',
    'photos/dog.txt': 'a dog\n',
  },
}

/** @typedef {ReadonlyMap<string, import('./tree.mjs').Line[]>} Trees */

/** Directories, commands and claims of one demonstration. */
export class Stage {
  /** @type {string[]} */
  failures = []
  /** What merged showed last, for the mounts after it. @type {string[]} */
  merged = []
  claims = 0
  steps = 0

  /** @param {string} directory an empty directory, removed by whoever made it */
  constructor(directory) {
    this.directory = directory
    this.program = process.env['TSOVERLAYFS_BIN'] ?? launcher
  }

  /** Make the two layers and the empty directories. */
  build() {
    for (const name of ['base', 'app', 'upper', 'work', 'merged']) mkdirSync(this.path(name))
    for (const [layer, files] of Object.entries(layers)) {
      for (const [name, content] of Object.entries(files)) {
        const path = this.path(layer, name)
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, content)
        if (name.endsWith('.sh')) chmodSync(path, 0o755)
      }
    }
    this.pristine = { app: treeOf(this.path('app')), base: treeOf(this.path('base')) }
  }

  /** @param {string[]} names */
  path(...names) {
    return join(this.directory, ...names)
  }

  /** @param {string[]} names */
  text(...names) {
    return readFileSync(this.path(...names), 'latin1')
  }

  /** Trees of all directories. @returns {Trees} */
  look() {
    return new Map([
      ['lower: app', treeOf(this.path('app'))],
      ['lower: base', treeOf(this.path('base'))],
      ['upper', treeOf(this.path('upper'))],
      ['work', treeOf(this.path('work'))],
      ['merged', treeOf(this.path('merged'))],
    ])
  }

  /** Print the heading of a step. @param {string} title @param {string} text */
  heading(title, text) {
    this.steps += 1
    console.log(`\n${coloured(`${this.steps}. ${title}`, '1;36')}`)
    console.log(text.replace(/^ */gm, '   ').trimEnd())
  }

  /**
   * Run a piece of shell in the demonstration's directory, showing it and what it prints.
   * @param {string} command
   */
  run(command) {
    console.log(`\n   ${coloured(`$ ${command}`, '1')}`)
    const result = spawnSync('sh', ['-c', command], {
      cwd: this.directory,
      encoding: 'latin1',
      timeout: commandTimeoutMs,
      env: { ...process.env, LC_ALL: 'C', PATH: `${this.path('.tools')}:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output = `${result.stdout}${result.stderr}`.trimEnd()
    if (output !== '') console.log(output.replace(/^/gm, '     '))
    if (result.error !== undefined)
      this.claim(`"${command}" ends in time`, result.error.message, '')
    return { status: result.status, stdout: result.stdout, stderr: result.stderr }
  }

  /** Trees before and after `act`. @param {() => void} act */
  beforeAndAfter(act) {
    const before = this.look()
    act()
    const after = this.look()
    console.log(`\n   before\n${columns(before)}\n`)
    if (JSON.stringify([...after]) === JSON.stringify([...before])) {
      console.log('   after: the same in every column\n')
      return
    }
    console.log(`   after   (+ new, - gone, ~ changed)\n${columns(after, before)}\n`)
  }

  /**
   * Check a statement the text makes.
   * @param {string} statement @param {unknown} actual @param {unknown} expected
   */
  claim(statement, actual, expected) {
    this.claims += 1
    const same = JSON.stringify(actual) === JSON.stringify(expected)
    if (same) {
      console.log(`   ${coloured('ok', '32')}    ${statement}`)
      return
    }
    this.failures.push(statement)
    console.log(`   ${coloured('FAIL', '1;31')}  ${statement}`)
    console.log(`         expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`)
  }

  /** Check that no step has changed a lower layer. */
  claimLowersUntouched() {
    const trees = { app: treeOf(this.path('app')), base: treeOf(this.path('base')) }
    this.claim('both lower layers are as they were', trees, this.pristine)
  }

  /** Whether something is mounted on merged, by the kernel's own list. */
  isMounted() {
    const escaped = this.path('merged').replaceAll(' ', '\\040')
    const lines = readFileSync('/proc/self/mountinfo', 'latin1').split('\n')
    return lines.some((line) => line.split(' ')[4] === escaped)
  }

  /** Processes that name this demonstration's directory on their command line, this one aside. */
  processes() {
    const own = new Set([process.pid, process.ppid].map(String))
    return readdirSync('/proc').filter((pid) => {
      if (!/^\d+$/.test(pid) || own.has(pid)) return false
      return commandLine(pid).includes(this.path('upper'))
    })
  }
}

/** @param {string} pid */
function commandLine(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch (error) {
    // ENOENT, ESRCH: it ended since the listing.
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'ENOENT' || code === 'ESRCH') return ''
    throw error
  }
}
