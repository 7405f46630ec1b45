/** Why layers cannot be mounted, in words for the person who asked. */
import { showBytes } from '../util/debug.js'

/** A layer that cannot be used: kernel overlayfs's errno, and a message with the remedy. */
export class LayerError extends Error {
  override readonly name = 'LayerError'
  /** Positive errno. */
  readonly errno: number

  constructor(errno: number, message: string) {
    super(message)
    this.errno = errno
  }
}

/** A path as shown in a message. */
export function quotePath(path: string): string {
  return `'${showBytes(path)}'`
}
