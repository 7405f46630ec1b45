/** Codes and bodies of the messages we send unasked. @mirrors linux/fuse.h:enum fuse_notify_code */

export const FUSE_NOTIFY_INVAL_INODE = 2
export const FUSE_NOTIFY_INVAL_ENTRY = 3
export const FUSE_NOTIFY_DELETE = 6
/** Linux 6.9 and later. */
export const FUSE_NOTIFY_RESEND = 7
/** Linux 6.16 and later. */
export const FUSE_NOTIFY_INC_EPOCH = 8

/** INVAL_ENTRY: expire the entry, do not unhash it. */
export const FUSE_EXPIRE_ONLY = 1
