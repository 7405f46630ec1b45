/**
 * Redirects: where a renamed directory (or metadata-only file) continues in lower layers. A relative
 * value is one name in the same lower parent, an absolute one a path from the overlay's root.
 * @mirrors fs/overlayfs/util.c:ovl_get_redirect_xattr, namei.c:ovl_check_redirect
 */

/** Longest redirect the kernel writes, in bytes. */
export const REDIRECT_MAX = 256

/** Whether a redirect value is one the kernel accepts; anything else gives EINVAL. */
export function isValidRedirect(value: string): boolean {
  if (value === '' || value.includes('\0')) return false
  if (!value.startsWith('/')) return !value.includes('/') && value !== '.' && value !== '..'
  return value
    .slice(1)
    .split('/')
    .every((part) => part !== '' && part !== '.' && part !== '..')
}
