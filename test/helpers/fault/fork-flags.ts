/** How Node is started for a program that forks: see fork.ts. */

/**
 * V8 does everything on the thread that runs and maps new space at once; and all is compiled before a
 * child is made, which would have to do it anew.
 */
export const forkFlags = [
  '--single-threaded',
  '--min-semi-space-size=4',
  '--max-semi-space-size=4',
  '--no-lazy',
]
