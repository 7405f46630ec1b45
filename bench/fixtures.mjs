// @ts-check
// The content of lower layers, made from nothing and the same on every machine. Each fixture is built
// once per run and copied for each round, so that no round meets a layer that another one has used.
import { appendFileSync, mkdirSync, openSync, writeFileSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './processes.mjs'

/**
 * @typedef {object} Fixture
 * @property {string} key names the template directory
 * @property {(dir: string) => void | Promise<void>} build fill an empty directory
 */

/** A small repeatable generator (xorshift): sizes and contents do not depend on the machine. */
export function randomSource(seed = 0x2545f491) {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

const words = 'layer upper lower merged whiteout opaque origin entry inode dentry'.split(' ')

/** @param {() => number} random @param {number} sizeBytes */
function proseOf(random, sizeBytes) {
  let text = ''
  while (text.length < sizeBytes) {
    const word = words[Math.floor(random() * words.length)] ?? ''
    text += random() < 0.1 ? `${word}\n` : `${word} ${Math.floor(random() * 1e6)} `
  }
  return text.slice(0, sizeBytes)
}

/** @returns {Fixture} an empty layer */
export const emptyLayer = { key: 'empty', build: () => {} }

/**
 * Small files, 100 to each directory: `d00/f000` and so on, 100 to 4,000 bytes.
 * @param {number} dirs
 * @returns {Fixture}
 */
export function smallFiles(dirs) {
  return {
    key: `small-${dirs}`,
    build(root) {
      const random = randomSource()
      for (let d = 0; d < dirs; d++) {
        const dir = join(root, `d${String(d).padStart(2, '0')}`)
        mkdirSync(dir)
        for (let f = 0; f < 100; f++) {
          const text = proseOf(random, 100 + Math.floor(random() * 3900))
          writeFileSync(join(dir, `f${String(f).padStart(3, '0')}`), text)
        }
      }
    },
  }
}

/**
 * A tree shaped like a program's sources: nested directories of 20 files.
 * @param {string} root
 * @param {number} files
 */
function writeSourceTree(root, files) {
  const random = randomSource(files)
  for (let made = 0, d = 0; made < files; d++) {
    const dir = join(root, `part${d % 10}`, `module${Math.floor(d / 10) % 25}`, `unit${d}`)
    mkdirSync(dir, { recursive: true })
    for (let f = 0; f < 20 && made < files; f++, made++) {
      const text = proseOf(random, 200 + Math.floor(random() ** 3 * 20_000))
      writeFileSync(join(dir, `source${f}.c`), text)
    }
  }
}

/** @param {number} files @returns {Fixture} the source tree itself */
export function sourceTree(files) {
  return { key: `source-${files}`, build: (root) => writeSourceTree(root, files) }
}

/** @param {number} files @returns {Fixture} `tree.tar` with the source tree in it */
export function sourceArchive(files) {
  return {
    key: `archive-${files}`,
    async build(root) {
      mkdirSync(join(root, 'tree'))
      writeSourceTree(join(root, 'tree'), files)
      await run('tar', ['-C', root, '-cf', join(root, 'tree.tar'), 'tree'])
      await run('rm', ['-rf', join(root, 'tree')])
    },
  }
}

/** What keeps git from reading the user's or the machine's settings. */
export const gitEnvironment = {
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@example.org',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@example.org',
  GIT_TERMINAL_PROMPT: '0',
}

/**
 * A repository with two branches, `one` (checked out) and `two`, that differ in every tenth file.
 * @param {number} files
 * @returns {Fixture}
 */
export function gitRepository(files) {
  return {
    key: `git-${files}`,
    async build(root) {
      const git = (/** @type {string[]} */ ...args) =>
        run('git', ['-C', root, '-c', 'gc.auto=0', ...args], { env: gitEnvironment })
      writeSourceTree(root, files)
      await git('init', '-q', '-b', 'one')
      await git('add', '-A')
      await git('commit', '-q', '-m', 'one')
      await git('checkout', '-q', '-b', 'two')
      for (let d = 0; d * 20 < files; d++) {
        const dir = join(root, `part${d % 10}`, `module${Math.floor(d / 10) % 25}`, `unit${d}`)
        appendFileSync(join(dir, 'source0.c'), 'changed on branch two\n')
        writeFileSync(join(dir, 'added.c'), `only on branch two ${d}\n`)
      }
      await git('add', '-A')
      await git('commit', '-q', '-m', 'two')
      await git('checkout', '-q', 'one')
    },
  }
}

/**
 * An npm project whose dependencies are tarballs beside it (`project/`, `packages/`), with a lock
 * file, so that `npm ci --offline` needs no network.
 * @param {number} packages
 * @param {number} filesEach
 * @returns {Fixture}
 */
export function npmProject(packages, filesEach) {
  return {
    key: `npm-${packages}x${filesEach}`,
    async build(root) {
      const random = randomSource(packages)
      /** @type {Record<string, string>} */
      const dependencies = {}
      mkdirSync(join(root, 'packages'))
      mkdirSync(join(root, 'project'))
      for (let p = 0; p < packages; p++) {
        const staging = join(root, 'staging')
        mkdirSync(join(staging, 'package', 'lib'), { recursive: true })
        const manifest = { name: `bench-package-${p}`, version: '1.0.0', main: 'lib/file0.js' }
        writeFileSync(join(staging, 'package', 'package.json'), JSON.stringify(manifest))
        for (let f = 0; f < filesEach; f++) {
          const text = `module.exports = ${JSON.stringify(proseOf(random, 1500))}\n`
          writeFileSync(join(staging, 'package', 'lib', `file${f}.js`), text)
        }
        const archive = join(root, 'packages', `p${p}.tgz`)
        await run('tar', ['-C', staging, '-czf', archive, 'package'])
        await run('rm', ['-rf', staging])
        dependencies[manifest.name] = `file:../packages/p${p}.tgz`
      }
      const manifest = { name: 'bench-project', version: '1.0.0', private: true, dependencies }
      writeFileSync(join(root, 'project', 'package.json'), JSON.stringify(manifest))
      await run('npm', ['install', '--package-lock-only', ...npmFlags], {
        cwd: join(root, 'project'),
        env: npmEnvironment(join(root, 'cache')),
      })
      await run('rm', ['-rf', join(root, 'cache')])
    },
  }
}

export const npmFlags = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier']

/** @param {string} cache a directory that is not on the mount under test */
export function npmEnvironment(cache) {
  return { npm_config_cache: cache, npm_config_loglevel: 'error', NODE_OPTIONS: '' }
}

/**
 * A C program of so many units, with headers that each unit reads and a Makefile.
 * @param {number} units
 * @returns {Fixture}
 */
export function cProgram(units) {
  return {
    key: `c-${units}`,
    build(root) {
      mkdirSync(join(root, 'include'))
      const headers = Array.from({ length: 40 }, (_, h) => `h${h}.h`)
      headers.forEach((name, h) => {
        const text = `#ifndef H${h}\n#define H${h}\nint shared${h}(int);\n#endif\n`
        writeFileSync(join(root, 'include', name), text)
      })
      const includes = headers.map((name) => `#include "${name}"`).join('\n')
      const system = '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n'
      for (let u = 0; u < units; u++) {
        const body = `int unit${u}(int x) { return x * ${u} + (int) strlen("unit ${u}"); }\n`
        writeFileSync(join(root, `u${u}.c`), `${system}${includes}\n${body}`)
      }
      const names = Array.from({ length: units }, (_, u) => `unit${u}`)
      const declared = names.map((name) => `int ${name}(int);`).join('\n')
      const summed = names.map((name) => `${name}(1)`).join(' + ')
      const main = `${declared}\nint main(void) { return (${summed}) == 0; }\n`
      writeFileSync(join(root, 'main.c'), main)
      const objects = ['main.o', ...names.map((name) => name.replace('unit', 'u') + '.o')]
      const make = `program: ${objects.join(' ')}\n\tcc -o $@ $^\n%.o: %.c\n\tcc -O0 -Iinclude -c $<\n`
      writeFileSync(join(root, 'Makefile'), make)
    },
  }
}

/**
 * One file `data` of bytes that do not compress, and nothing else.
 * @param {number} sizeMiB
 * @returns {Fixture}
 */
export function largeFile(sizeMiB) {
  return {
    key: `large-${sizeMiB}`,
    build(root) {
      const random = randomSource(sizeMiB)
      const chunk = Buffer.alloc(1 << 20)
      for (let at = 0; at < chunk.length; at += 4) chunk.writeUInt32LE(random() * 2 ** 32, at)
      const fd = openSync(join(root, 'data'), 'wx')
      for (let written = 0; written < sizeMiB; written++) {
        chunk.writeUInt32LE(written, 0)
        writeSync(fd, chunk)
      }
      closeSync(fd)
    },
  }
}
