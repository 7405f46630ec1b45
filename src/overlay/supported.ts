/**
 * Options that are understood but not served to everyone. Engines, which pass such options by habit,
 * get the plain behaviour and a warning.
 */
import type { OverlayOptions } from './options.js'

/**
 * The options as they can be served. fuse-overlayfs knows no index, and may mount the layers next.
 * @param warnings receives what was left out
 */
export function supportedOptions(options: OverlayOptions, warnings: string[]): OverlayOptions {
  if (!options.index || options.overlap !== 'warn') return options
  warnings.push('index=on is not supported with engines: mounted with index=off')
  return { ...options, index: false }
}
