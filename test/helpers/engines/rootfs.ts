/**
 * A root file system from the programs of this machine, as a tar archive that every engine imports:
 * busybox, the tools for xattrs and capabilities, and a tree with one of everything.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  lstatSync,
  lutimesSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'

const APPLETS =
  'sh ls cat echo rm rmdir mkdir stat sleep touch mv cp chmod chown ln mkfifo printf find id sync true sed test head tail grep'
const TOOLS = ['setfattr', 'getfattr', 'setcap', 'getcap']

function copyProgram(root: string, name: string): void {
  const path = execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim()
  copyFileSync(path, `${root}/bin/${name}`)
  const libraries = execFileSync('ldd', [path], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)
  for (const [, library] of libraries) {
    if (library === undefined) continue
    mkdirSync(`${root}${library.slice(0, library.lastIndexOf('/'))}`, { recursive: true })
    copyFileSync(library, `${root}${library}`)
  }
}

function buildPrograms(root: string): void {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'run', 'sys', 'tmp'])
    mkdirSync(`${root}/${name}`)
  chmodSync(`${root}/tmp`, 0o1777)
  copyFileSync('/bin/busybox', `${root}/bin/busybox`)
  for (const applet of APPLETS.split(' ')) symlinkSync('busybox', `${root}/bin/${applet}`)
  for (const tool of TOOLS) copyProgram(root, tool)
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFileSync(`${root}/etc/${name}`, '')
  writeFileSync(`${root}/etc/passwd`, 'root:x:0:0:root:/:/bin/sh\n')
  writeFileSync(`${root}/etc/group`, 'root:x:0:\n')
}

/** What the build steps delete, replace, rename and change. */
function buildData(root: string): void {
  const at = (name: string): string => `${root}/srv/${name}`
  for (const name of ['data/d/sub', 'tree/deep/er', 'owned/in', 'to-file', 'old', 'again']) {
    mkdirSync(at(name), { recursive: true })
  }
  for (const name of [
    'data/f1',
    'data/f2',
    'data/f3',
    'data/d/x',
    'data/d/sub/z',
    'file',
    'to-dir',
  ])
    writeFileSync(at(name), `${name}\n`)
  for (const name of ['to-file/a', 'old/b', 'again/c', 'again/d', 'owned/in/e', 'tree/deep/er/g'])
    writeFileSync(at(name), `${name}\n`)
  for (let i = 0; i < 40; i++) writeFileSync(at(`tree/n${i}`), `${i} `.repeat(i * 50))
  writeFileSync(at('large'), Buffer.alloc(3 << 20, 'overlay '))
  writeFileSync(at('suid'), 'suid\n')
  chownSync(at('suid'), 3, 4)
  chmodSync(at('suid'), 0o4755)
  writeFileSync(at('hard1'), 'hard\n')
  linkSync(at('hard1'), at('hard2'))
  symlinkSync('data/f2', at('link'))
  execFileSync('mkfifo', [at('fifo')])
  for (const name of ['note', 'caps', 'caps-lost']) writeFileSync(at(name), `${name}\n`)
  execFileSync('setfattr', ['-n', 'user.note', '-v', 'of the image', at('note')])
  execFileSync('setcap', ['cap_net_raw+ep', at('caps')])
  execFileSync('setcap', ['cap_net_raw+ep', at('caps-lost')])
  writeFileSync(Buffer.concat([Buffer.from(at('byte-')), Buffer.from([0xff, 0xfe])]), 'bytes\n')
  chmodSync(at('tree'), 0o1755)
  chownSync(at('tree/n3'), 1000, 1001)
}

/** Give everything a modification time before 2020, with nanoseconds. */
function settleTimes(path: Buffer): void {
  if (lstatSync(path).isDirectory()) {
    for (const name of readdirSync(path, { encoding: 'buffer' })) {
      settleTimes(Buffer.concat([path, Buffer.from('/'), name]))
    }
  }
  lutimesSync(path, 1_234_567_890, 1_234_567_890.123_456)
}

/** Build the tree in `directory`, which must not exist; `tarball` is the archive made of it. */
export function makeRootfs(directory: string, tarball: string): void {
  mkdirSync(directory, { mode: 0o755 })
  buildPrograms(directory)
  buildData(directory)
  settleTimes(Buffer.from(directory))
  const words = ['--xattrs', '--xattrs-include=*', '--numeric-owner', '--format=posix']
  execFileSync('tar', [...words, '--sort=name', '-C', directory, '-cf', tarball, '.'])
  if (readFileSync(tarball).length < 1 << 20) throw new Error(`${tarball} is too small`)
}
