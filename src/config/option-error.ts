/** Option text that cannot be used, in words for the person who wrote it. */

/** A refused option: kernel overlayfs's errno, the option's name, and a message with the remedy. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
  /** Positive errno. */
  readonly errno: number
  /** Name of the option at fault, without its value. */
  readonly option: string

  constructor(errno: number, option: string, message: string) {
    super(message)
    this.errno = errno
    this.option = option
  }
}
