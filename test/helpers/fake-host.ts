/** A machine below a temporary directory: files, symlinks and programs, and nothing of the real one. */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'
import type { Test } from 'tap'
import type { Host } from '../../src/install/host.js'

/** Path to content: a file's text, `-> TARGET`, `program`, or `/` for a directory. */
export type Tree = Readonly<Record<string, string>>

/** Put a tree below a directory. */
export function plant(root: string, tree: Tree): void {
  for (const [path, content] of Object.entries(tree)) {
    const place = root + path
    mkdirSync(content === '/' ? place : dirname(place), { recursive: true })
    if (content === '/') continue
    if (content.startsWith('-> ')) symlinkSync(content.slice(3), place)
    else if (content === 'program') {
      writeFileSync(place, '#!/bin/sh\n')
      chmodSync(place, 0o755)
    } else writeFileSync(place, content, 'latin1')
  }
}

/** What is below a directory, in the form of {@link plant}. */
export function harvest(root: string, below = ''): Tree {
  const found: Record<string, string> = {}
  for (const name of readdirSync(root + below).sort()) {
    const path = `${below}/${name}`
    const stat = lstatSync(root + path)
    if (stat.isSymbolicLink()) found[path] = `-> ${readlinkSync(root + path)}`
    else if (stat.isDirectory()) {
      found[path] = '/'
      Object.assign(found, harvest(root, path))
    } else if ((stat.mode & 0o111) !== 0) found[path] = 'program'
    else found[path] = readFileSync(root + path, 'latin1')
  }
  return found
}

/** A machine of its own for a test; it is removed with it. */
export function fakeHost(t: Test, tree: Tree = {}, about: Partial<Omit<Host, 'root'>> = {}): Host {
  const root = mkdtempSync(`${realpathSync(tmpdir())}/tsoverlayfs-host-`)
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  plant(root, tree)
  return { root, uid: 0, home: '/root', env: {}, ...about }
}
