/**
 * Private xattr names. Under the mount's own prefix (`trusted.overlay.` or `user.overlay.`) the
 * overlay keeps its marks; a user's attribute of such a name is stored escaped, one level deeper, so
 * that overlays nest. The other prefix is ordinary data and is never obeyed.
 * @mirrors fs/overlayfs/xattrs.c:ovl_is_escaped_xattr, ovl_xattr_escape_name
 */

const TRUSTED = 'trusted.overlay.'
const USER = 'user.overlay.'
const ESCAPE = 'overlay.'
/** Marks of fuse-overlayfs and container engines. */
const ENGINE = ['user.fuseoverlayfs.', 'security.fuseoverlayfs.', 'user.containers.override_stat']
/** What users may neither see nor set where those marks count. */
const FORBIDDEN = ['user.fuseoverlayfs.', 'security.fuseoverlayfs.', 'user.containers.override_']

/** Longest xattr name in bytes. */
const XATTR_NAME_MAX = 255

/** Translation between names on disk and names that users see. */
export class XattrNames {
  /** `trusted.overlay.` or `user.overlay.`. */
  readonly prefix: string
  /** Prefixes of marks: the mount's own first. */
  readonly prefixes: readonly string[]
  readonly #engineMarks: boolean

  /** Whether the mount's own prefix is `user.overlay.`. */
  readonly userxattr: boolean

  /** @param engineMarks marks under the other prefix, and those of fuse-overlayfs, count as well */
  constructor(userxattr: boolean, engineMarks = false) {
    this.userxattr = userxattr
    this.prefix = userxattr ? USER : TRUSTED
    this.#engineMarks = engineMarks
    this.prefixes = engineMarks ? [this.prefix, userxattr ? TRUSTED : USER] : [this.prefix]
  }

  /** The prefix of marks that a name has, or null. */
  #prefixOf(name: string): string | null {
    for (const prefix of this.prefixes) if (name.startsWith(prefix)) return prefix
    return null
  }

  /** Whether a name on disk is one of the overlay's own marks, or one that counts as such. */
  isPrivate(name: string): boolean {
    const prefix = this.#prefixOf(name)
    if (prefix !== null) return !name.startsWith(prefix + ESCAPE)
    return this.#engineMarks && ENGINE.some((mark) => name.startsWith(mark))
  }

  /** Whether users may not set an attribute, since engines would take it for a mark of theirs. */
  isForbidden(name: string): boolean {
    return this.#engineMarks && FORBIDDEN.some((mark) => name.startsWith(mark))
  }

  /** The name on disk for the user's `name`; null when it gets too long, or is never shown. */
  toDisk(name: string): string | null {
    if (this.isForbidden(name)) return null
    const prefix = this.#prefixOf(name)
    if (prefix === null) return name
    const escaped = prefix + ESCAPE + name.slice(prefix.length)
    return escaped.length > XATTR_NAME_MAX ? null : escaped
  }

  /** The user's name for a name on disk; null for marks. */
  toUser(name: string): string | null {
    if (this.isForbidden(name)) return null
    const prefix = this.#prefixOf(name)
    if (prefix === null) return name
    const escaped = prefix + ESCAPE
    return name.startsWith(escaped) ? prefix + name.slice(escaped.length) : null
  }
}
