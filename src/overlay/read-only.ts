/**
 * Upper's file system may be remounted for reading only while we use it, by hand or after an error of
 * the disk. Most changes meet that by themselves; those that do not ask here.
 */
import { EROFS } from '../sys/errno.js'
import { isReadOnlyFs } from '../sys/stat.js'
import type { OverlayContext } from './context.js'

/** 0, or -EROFS where upper takes no changes now. @mirrors fs/overlayfs/util.c:ovl_want_write */
export function wantWrite({ upper, work }: OverlayContext): number {
  return work === null || upper === null || isReadOnlyFs(upper.root.fd) ? -EROFS : 0
}
