/** The caller and its machine, and its texts: inside, all of them are byte strings (latin1). */
import type { Host } from '../../src/install/host.js'

/** Text of the command line or the environment as bytes. */
export function bytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Write a line to standard output. */
export function say(line: string): void {
  process.stdout.write(Buffer.from(`${line}\n`, 'latin1'))
}

/** A path of the command line, from the root. */
export function absolute(path: string): string {
  return bytes(path.startsWith('/') ? path : `${process.cwd()}/${path}`)
}

/** This machine, or the image below `root`, in the caller's name. */
export function hostBelow(root: string): Host {
  const env = Object.entries(process.env).map(([name, value]) => [name, bytes(value ?? '')])
  return {
    root: bytes(root).replace(/\/+$/, ''),
    uid: process.geteuid?.() ?? 0,
    home: bytes(process.env['HOME'] ?? '/root'),
    env: Object.fromEntries(env) as Record<string, string>,
  }
}
