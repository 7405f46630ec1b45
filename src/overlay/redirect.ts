/**
 * Redirects: where a renamed directory (or metadata-only file) continues in lower layers. A relative
 * value is one name in the same lower parent, an absolute one a path from the overlay's root.
 * @mirrors fs/overlayfs/util.c:ovl_get_redirect_xattr, namei.c:ovl_check_redirect
 */

/** Longest redirect the kernel writes, in bytes. */
export const REDIRECT_MAX = 256

/**
 * What a redirect says: as in the kernel, where it is a C string, what follows a NUL counts for
 * nothing. Null where it is malformed, which gives EINVAL.
 */
export function redirectOf(value: string): string | null {
  if (value === '') return null
  const end = value.indexOf('\0')
  const text = end < 0 ? value : value.slice(0, end)
  const parts = text.split('/')
  if (!text.startsWith('/')) return parts.length === 1 ? text : null
  return parts.slice(1).includes('') ? null : text
}
