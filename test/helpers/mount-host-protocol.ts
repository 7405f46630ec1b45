/** Messages between the tests and the process that hosts sessions of ours. */

/** To the host. */
export interface HostRequest {
  readonly id: number
  readonly mount: { readonly target: string; readonly options: string }
}

/** From the host: the mount is live or refused (`error`), or its session is over. */
export type HostEvent =
  | { readonly kind: 'mounted'; readonly id: number; readonly error: string | null }
  | { readonly kind: 'ended'; readonly id: number; readonly error: string | null }
