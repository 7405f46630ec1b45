/**
 * Private xattr names. Under the mount's own prefix (`trusted.overlay.` or `user.overlay.`) the
 * overlay keeps its marks; a user's attribute of such a name is stored escaped, one level deeper, so
 * that overlays nest. The other prefix is ordinary data and is never obeyed.
 * @mirrors fs/overlayfs/xattrs.c:ovl_is_escaped_xattr, ovl_xattr_escape_name
 */

const TRUSTED = 'trusted.overlay.'
const USER = 'user.overlay.'
const ESCAPE = 'overlay.'

/** Longest xattr name in bytes. */
const XATTR_NAME_MAX = 255

/** Translation between names on disk and names that users see. */
export class XattrNames {
  /** `trusted.overlay.` or `user.overlay.`. */
  readonly prefix: string
  /** Whether that is `user.overlay.`. */
  readonly userxattr: boolean
  readonly #escaped: string

  constructor(userxattr: boolean) {
    this.userxattr = userxattr
    this.prefix = userxattr ? USER : TRUSTED
    this.#escaped = this.prefix + ESCAPE
  }

  /** Whether a name on disk is one of the overlay's own marks. */
  isPrivate(name: string): boolean {
    return name.startsWith(this.prefix) && !name.startsWith(this.#escaped)
  }

  /** The name on disk for the user's `name`; null when it gets too long. */
  toDisk(name: string): string | null {
    if (!name.startsWith(this.prefix)) return name
    const escaped = this.#escaped + name.slice(this.prefix.length)
    return escaped.length > XATTR_NAME_MAX ? null : escaped
  }

  /** The user's name for a name on disk; null for the overlay's own marks. */
  toUser(name: string): string | null {
    if (name.startsWith(this.#escaped)) return this.prefix + name.slice(this.#escaped.length)
    return name.startsWith(this.prefix) ? null : name
  }
}
