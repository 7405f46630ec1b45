/**
 * Options that are understood but not implemented. People are refused, so that they notice; engines,
 * which pass such options by habit, get the plain behaviour and a warning, unless data would be
 * misread.
 */
import { EINVAL } from '../sys/errno.js'
import { LayerError } from './layer-error.js'
import type { OverlayOptions } from './options.js'

/**
 * The options as they can be served.
 * @param warnings receives what was left out
 * @throws LayerError EINVAL for an option that cannot be left out
 */
export function supportedOptions(options: OverlayOptions, warnings: string[]): OverlayOptions {
  const lenient = options.overlap === 'warn'
  for (const name of ['index'] as const) {
    if (!options[name]) continue
    const message = `${name}=on is not supported: leave it out or mount with ${name}=off`
    if (!lenient) throw new LayerError(EINVAL, message)
    warnings.push(`${name}=on is not supported: mounted with ${name}=off`)
  }
  return { ...options, index: false }
}
