// @ts-check
// The ratios that the project holds itself to, row by row.

/**
 * @typedef {object} Goal
 * @property {'kernel' | 'peer' | 'absolute'} against
 * @property {number} limit times the other's value (for throughput: at least this share of it), or
 *   the value itself, in the row's unit, when absolute
 */

const kernel = (/** @type {number} */ limit) => ({
  against: /** @type {const} */ ('kernel'),
  limit,
})
const peer = (/** @type {number} */ limit) => ({ against: /** @type {const} */ ('peer'), limit })
const absolute = (/** @type {number} */ limit) => ({
  against: /** @type {const} */ ('absolute'),
  limit,
})

const writing = [peer(0.5), kernel(3)]

/** @type {Readonly<Record<string, readonly Goal[]>>} goals of tsoverlayfs with default options */
export const goals = {
  'stat-cached/stat': [kernel(1.15)],
  'stat-negative/stat': [kernel(1.15)],
  'find/warm': [kernel(1.15)],
  'read-small/warm': [kernel(1.15)],
  'find/cold': [peer(0.5)],
  'list-long/cold': [peer(0.5)],
  'create/create': writing,
  'append/append': writing,
  'rename/rename': writing,
  'unlink/unlink': writing,
  'remove-tree/lower': writing,
  'remove-tree/new': writing,
  'untar/untar': writing,
  'copy-up/copyUp': [kernel(1.1)],
  'git/status': [kernel(1.3)],
  'git/checkout': [kernel(1.3)],
  'npm-ci/ci': [kernel(1.3)],
  'compile/make': [kernel(1.3)],
  'sequential/readCold': [kernel(0.95)],
  'sequential/readWarm': [kernel(0.95)],
  'sequential/write': [kernel(0.95)],
  'sequential/readDirect': [kernel(0.95)],
  'sequential/writeDirect': [kernel(0.95)],
  'random/readPsync': [kernel(0.95)],
  'random/writePsync': [kernel(0.95)],
  'random/readMmap': [kernel(0.95)],
  'random/writeMmap': [kernel(0.95)],
  'mount-ready/ready': [absolute(150)],
  'idle/resident': [absolute(60)],
  'latency/statRatio': [absolute(3)],
}

/** @type {Readonly<Record<string, readonly Goal[]>>} goals of tsoverlayfs with passthrough=off */
export const goalsWithoutPassthrough = Object.fromEntries(
  Object.keys(goals)
    .filter((id) => id.startsWith('sequential/') || id.startsWith('random/'))
    .map((id) => [id, [peer(1)]]),
)
