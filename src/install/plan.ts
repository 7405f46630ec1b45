/** What is to be done to a host, as data: decided first, then shown, then applied. */

/** One thing to change. Paths are the host's. */
export type Change =
  | {
      readonly kind: 'write'
      readonly path: string
      readonly was: string | null
      readonly text: string
    }
  | {
      readonly kind: 'delete'
      readonly path: string
      readonly was: string
      /** How many of the directories above were made for it. */
      readonly directories: number
    }
  | {
      readonly kind: 'link'
      readonly path: string
      readonly target: string
      readonly was: string | null
    }
  | { readonly kind: 'unlink'; readonly path: string; readonly target: string }

/** The decision for one target: an engine, or the mount helper. */
export interface Plan {
  /** For whom, in words: `podman, buildah, CRI-O`. */
  readonly title: string
  /** Empty when all is as it should be, or when it is refused. */
  readonly changes: readonly Change[]
  /** Why it is refused and what to do; null when it is not. */
  readonly refusal: string | null
  /** What else there is to know or to do. */
  readonly notes: readonly string[]
}

/** A plan that changes nothing, with the reason and the remedy. */
export function refuse(title: string, refusal: string): Plan {
  return { title, changes: [], refusal, notes: [] }
}
