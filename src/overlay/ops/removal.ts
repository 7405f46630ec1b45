/** UNLINK, RMDIR and RENAME. */
import type { RawFilesystem } from '../../fuse/raw-filesystem.js'
import { EISDIR, ENOENT, ENOTDIR } from '../../sys/errno.js'
import { findChild } from '../children.js'
import type { OverlayContext } from '../context.js'
import { rmdirChild, unlinkChild } from '../remove.js'
import { renameChild } from '../rename/apply.js'
import { dirOf } from './names.js'

type RemovalOps = Pick<RawFilesystem, 'unlink' | 'rmdir' | 'rename'>

/** Operations that take names away, over one overlay. */
export function removalOps(ctx: OverlayContext): RemovalOps {
  return {
    unlink: (_req, parentId, name) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const node = findChild(ctx, parent, name)
      if (typeof node === 'number') return node
      return node.isDir ? -EISDIR : unlinkChild(ctx, parent, name, node)
    },
    rmdir: (_req, parentId, name) => {
      const parent = dirOf(ctx, parentId)
      if (typeof parent === 'number') return parent
      const node = findChild(ctx, parent, name)
      if (typeof node === 'number') return node
      return node.isDir ? rmdirChild(ctx, parent, name, node) : -ENOTDIR
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
      return renameChild(ctx, { parent, name, node }, { ...to, node: to.node }, flags)
    },
  }
}
