/**
 * Private, detached clones of a mount: a layer seen through one stays reachable when its path goes
 * away, shows nothing mounted inside it, and, read-only, cannot be written by mistake.
 */
import { AT_EMPTY_PATH, O_CLOEXEC } from './constants.js'
import { NativeMemory, cstring } from './memory.js'
import { orErrno, syscall6 } from './native.js'
import { close } from './open.js'

const SYS_OPEN_TREE = 428
const SYS_MOUNT_SETATTR = 442
const OPEN_TREE_CLONE = 1
const MOUNT_ATTR_RDONLY = 0x1
const MOUNT_ATTR_NOATIME = 0x10
const MOUNT_ATTR__ATIME = 0x70
const MS_PRIVATE = 1 << 18

const attr = new NativeMemory(32)

/**
 * Clone the mount under the directory `fd` refers to, with that directory as its root.
 * @param access `read-only` adds ro and noatime
 * @returns a descriptor of the clone's root, or -errno (EPERM without CAP_SYS_ADMIN, ENOSYS)
 * @mirrors open_tree(2), mount_setattr(2), fs/overlayfs/super.c:ovl_get_layers()
 */
export function cloneMount(fd: number, access: 'read-only' | 'as-is'): number {
  const clone = orErrno(
    syscall6(SYS_OPEN_TREE, fd, cstring(''), OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH, 0, 0, 0),
  )
  if (clone < 0) return clone
  attr.u32.fill(0)
  if (access === 'read-only') {
    attr.u32[0] = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME
    attr.u32[2] = MOUNT_ATTR__ATIME
  }
  attr.u32[4] = MS_PRIVATE
  const set = orErrno(
    syscall6(SYS_MOUNT_SETATTR, clone, cstring(''), AT_EMPTY_PATH, attr.address, 32, 0),
  )
  if (set < 0) {
    close(clone)
    return set
  }
  return clone
}
