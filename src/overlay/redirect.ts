/**
 * Redirects: where a renamed directory (or metadata-only file) continues in lower layers. A relative
 * value is one name in the same lower parent, an absolute one a path from the overlay's root.
 * @mirrors fs/overlayfs/util.c:ovl_get_redirect_xattr, namei.c:ovl_check_redirect
 */

import { EXDEV } from '../sys/errno.js'
import { writeXattr } from '../sys/xattr.js'
import type { OverlayContext } from './context.js'
import { locate, makeLocation } from './location.js'
import type { Node } from './node.js'

/** Longest redirect the kernel writes, in bytes. */
const REDIRECT_MAX = 256

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

const place = makeLocation()

/**
 * Have an upper directory or metadata-only file found in the lower layers under the name it has now,
 * wherever it goes. A file with further names in lower gets a path, since those may lie elsewhere.
 * @returns 0 or -errno: EXDEV where the mark cannot be written or would be too long
 * @mirrors fs/overlayfs/dir.c:ovl_set_redirect
 */
export function setRedirect(ctx: OverlayContext, node: Node, sameParent: boolean): number {
  const relative = sameParent && (node.isDir || !node.lowerHardLink)
  if (node.redirect !== null && (relative || node.redirect.startsWith('/'))) return 0
  const value = relative ? node.name : absoluteRedirect(node)
  if (!relative && value.length > REDIRECT_MAX) return -EXDEV
  const found = locate(ctx, node, place)
  if (found < 0) return found
  const result = writeXattr(place.fd, place.name, `${ctx.xattrNames.prefix}redirect`, value)
  if (result < 0) return -EXDEV
  node.redirect = value
  return 0
}

/** Path from the root in terms of the lower layers. */
function absoluteRedirect(node: Node): string {
  let path = ''
  let current: Node = node
  while (current.parent !== null) {
    const step = current.redirect ?? current.name
    if (step.startsWith('/')) return step + path
    path = `/${step}${path}`
    current = current.parent
  }
  return path
}
