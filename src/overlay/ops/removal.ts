/** UNLINK, RMDIR and RENAME. */
import type { RawFilesystem } from '../../fuse/raw-filesystem.js'
import { RENAME_NOREPLACE } from '../../sys/constants.js'
import { EISDIR, ENOENT, ENOTDIR } from '../../sys/errno.js'
import { findChild } from '../children.js'
import type { OverlayContext } from '../context.js'
import type { DirNode, Node } from '../node.js'
import { mayChange, mayWrite } from '../protection.js'
import { rmdirChild, unlinkChild } from '../remove.js'
import { renameChild } from '../rename/apply.js'
import { dirOf } from './names.js'

type RemovalOps = Pick<RawFilesystem, 'unlink' | 'rmdir' | 'rename'>

/** Whether a name may be taken from its directory. 0 or -EPERM. @mirrors fs/namei.c:may_delete */
function mayTake(ctx: OverlayContext, parent: DirNode, node: Node): number {
  return Math.min(mayChange(ctx, parent), mayChange(ctx, node))
}

/** Operations that take names away, over one overlay. */
export function removalOps(ctx: OverlayContext): RemovalOps {
  return {
    unlink: (_req, parentId, name) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const node = findChild(ctx, parent, name)
      if (typeof node === 'number') return node
      if (node.isDir) return -EISDIR
      const allowed = mayTake(ctx, parent, node)
      return allowed < 0 ? allowed : unlinkChild(ctx, parent, name, node)
    },
    rmdir: (_req, parentId, name) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const node = findChild(ctx, parent, name)
      if (typeof node === 'number') return node
      if (!node.isDir) return -ENOTDIR
      const allowed = mayTake(ctx, parent, node)
      return allowed < 0 ? allowed : rmdirChild(ctx, parent, name, node)
    },
    rename: (_req, parentId, name, newParentId, newName, flags) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const newParent = dirOf(ctx, newParentId)
      if (typeof newParent === 'number') return newParent
      const node = findChild(ctx, parent, name)
      if (typeof node === 'number') return node
      const target = findChild(ctx, newParent, newName)
      if (typeof target === 'number' && target !== -ENOENT) return target
      const to = { parent: newParent, name: newName, node: target === -ENOENT ? null : target }
      if (typeof to.node === 'number') return to.node
      // Two names of one file stay. The VFS says so itself where it has seen both names.
      if (to.node === node && (flags & RENAME_NOREPLACE) === 0) return 0
      let allowed = mayTake(ctx, parent, node)
      if (allowed === 0) {
        allowed = to.node === null ? mayWrite(ctx, newParent) : mayTake(ctx, newParent, to.node)
      }
      if (allowed < 0) return allowed
      return renameChild(ctx, { parent, name, node }, { ...to, node: to.node }, flags)
    },
  }
}
