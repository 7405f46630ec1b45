/** What the doctor finds: one line a matter, as data. All texts are byte strings (latin1). */

/**
 * ok: as it should be. limited: works, with something less, or for some. missing: an overlay cannot
 * be mounted, or an engine that is told to use us will fail.
 */
export type Status = 'ok' | 'limited' | 'missing'

/** What a look at one matter gave. */
export interface Finding {
  readonly status: Status
  readonly found: string
  /** What to do about it; null when there is nothing. */
  readonly remedy: string | null
}

/** A line of the report. */
export interface Line extends Finding {
  /** Name for programs that read the report; stays the same from version to version. */
  readonly id: string
  readonly title: string
}

/** As it should be. */
export function ok(found: string): Finding {
  return { status: 'ok', found, remedy: null }
}

/** Works, with something less. */
export function limited(found: string, remedy: string | null): Finding {
  return { status: 'limited', found, remedy }
}

/** Does not work. */
export function missing(found: string, remedy: string): Finding {
  return { status: 'missing', found, remedy }
}
