/**
 * The names a merged directory shows, with positions that stay valid while names come and go: each
 * name has a cookie that is never given to another, a removed name leaves a hole, a new one goes to
 * the end. A reader that comes back with a cookie continues after it, whatever happened in between.
 * A name that comes back takes its old place, so that no reader meets it twice.
 */

/** Cookies of `.` and `..`; names follow. */
export const COOKIE_DOT = 1
export const COOKIE_DOTDOT = 2
const FIRST_COOKIE = 3

/** Holes are closed when they are more than this many and half of all places. */
const MIN_HOLES = 64

/** What one pass over a listing saw of entries that carry an origin. */
class OriginsSeen {
  #names = 0
  #carriers = 0

  /** A pass begins. */
  restart(): void {
    this.#names = 0
    this.#carriers = 0
  }

  saw(carriesOrigin: boolean): void {
    this.#names += 1
    if (carriesOrigin) this.#carriers += 1
  }

  /** Whether the pass has seen all `count` names, and no origin. */
  none(count: number): boolean {
    return this.#carriers === 0 && this.#names >= count
  }
}

/** The names one directory shows; see the head of this file. */
export class DirListing {
  readonly origins = new OriginsSeen()
  /** null = removed. */
  #names: (string | null)[]
  #types: number[]
  /** Cookies by place; null while place + FIRST_COOKIE is the cookie. */
  #cookies: number[] | null = null
  #nextCookie: number
  /** Names with this cookie or a later one came after the last reader began. */
  #limit: number
  #changed = false
  #holes = 0
  #places: Map<string, number> | null = null
  /** Places that removed names have left. */
  readonly #left = new Map<string, number>()
  /**
   * Real inode numbers by place, when one layer provides all names and none has an origin; 0 where
   * the name has come to mean another object.
   */
  readonly #inos: number[] | null

  /**
   * @param inos low and high halves of inode numbers, two per name; null where they would not be
   *   the ones that stat shows
   */
  constructor(names: string[], types: number[], inos: number[] | null) {
    this.#names = names
    this.#types = types
    this.#inos = inos
    this.#nextCookie = names.length + FIRST_COOKIE
    this.#limit = this.#nextCookie
  }

  /** Names shown now. */
  get size(): number {
    return this.#names.length - this.#holes
  }

  /**
   * Someone reads from the start. What is added from now on is for the next one: who makes a name for
   * each one met would never come to an end.
   * @returns whether anything has changed since the last one began
   */
  restart(): boolean {
    const changed = this.#changed
    this.#changed = false
    this.#limit = this.#nextCookie
    this.origins.restart()
    return changed
  }

  /** Whether a place is beyond what readers are to see. */
  isLate(place: number): boolean {
    return this.cookieAt(place) >= this.#limit
  }

  /** Places, removed names included: the range of `nameAt`. */
  get places(): number {
    return this.#names.length
  }

  /** The first place after the name with that cookie. */
  placeAfter(cookie: number): number {
    if (cookie < FIRST_COOKIE) return 0
    if (this.#cookies === null) return cookie - FIRST_COOKIE + 1
    let low = 0
    let high = this.#cookies.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#cookies[middle] ?? 0) <= cookie) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Name at a place, or null for a hole. */
  nameAt(place: number): string | null {
    return this.#names[place] ?? null
  }

  /** DT_* type at a place. */
  typeAt(place: number): number {
    return this.#types[place] ?? 0
  }

  cookieAt(place: number): number {
    return this.#cookies === null ? place + FIRST_COOKIE : (this.#cookies[place] ?? 0)
  }

  /** Whether `inoLoAt` and `inoHiAt` are known for a place. */
  hasIno(place: number): boolean {
    if (this.#inos === null || this.#cookies !== null) return false
    return (this.#inos[place * 2] ?? 0) !== 0 || (this.#inos[place * 2 + 1] ?? 0) !== 0
  }

  inoLoAt(place: number): number {
    return this.#inos?.[place * 2] ?? 0
  }

  inoHiAt(place: number): number {
    return this.#inos?.[place * 2 + 1] ?? 0
  }

  has(name: string): boolean {
    return this.#index().has(name)
  }

  /** Show `name`: where it is or was before, else at the end. */
  add(name: string, type: number): void {
    this.#changed = true
    const index = this.#index()
    const place = index.get(name) ?? this.#left.get(name)
    if (place !== undefined) {
      this.#put(index, place, name, type)
      return
    }
    index.set(name, this.#names.length)
    this.#names.push(name)
    this.#types.push(type)
    if (this.#cookies !== null) this.#cookies.push(this.#nextCookie)
    this.#nextCookie += 1
  }

  #put(index: Map<string, number>, place: number, name: string, type: number): void {
    this.#types[place] = type
    if (this.#inos !== null && place * 2 < this.#inos.length)
      this.#inos.fill(0, place * 2, place * 2 + 2)
    if (!this.#left.delete(name)) return
    index.set(name, place)
    this.#names[place] = name
    this.#holes -= 1
  }

  /** Show `name` no longer. */
  remove(name: string): void {
    const index = this.#index()
    const place = index.get(name)
    if (place === undefined) return
    index.delete(name)
    this.#changed = true
    this.#names[place] = null
    this.#left.set(name, place)
    this.#holes += 1
    if (this.#holes > MIN_HOLES && this.#holes * 2 > this.#names.length) this.#compact()
  }

  #index(): Map<string, number> {
    if (this.#places !== null) return this.#places
    const places = new Map<string, number>()
    for (let place = 0; place < this.#names.length; place += 1) {
      const name = this.#names[place]
      if (typeof name === 'string') places.set(name, place)
    }
    this.#places = places
    return places
  }

  #compact(): void {
    const names: (string | null)[] = []
    const types: number[] = []
    const cookies: number[] = []
    for (let place = 0; place < this.#names.length; place += 1) {
      const name = this.#names[place]
      if (typeof name !== 'string') continue
      names.push(name)
      types.push(this.typeAt(place))
      cookies.push(this.cookieAt(place))
    }
    this.#names = names
    this.#types = types
    this.#cookies = cookies
    this.#holes = 0
    this.#places = null
    this.#left.clear()
  }
}
