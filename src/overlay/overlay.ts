/**
 * One overlay: layers opened, state set up, every FUSE operation bound to it. It knows file-system
 * terms only; the session speaks the protocol.
 */
import { randomBytes } from 'node:crypto'
import type { Connection, RawFilesystem } from '../fuse/raw-filesystem.js'
import { FUSE_PASSTHROUGH } from '../fuse/protocol/flags/init.js'
import { actAsSelf, keepCapabilities } from '../sys/creds.js'
import { EOPNOTSUPP } from '../sys/errno.js'
import { openFileLimit } from '../sys/limits.js'
import { close, openAt } from '../sys/open.js'
import { O_CREAT, O_EXCL, O_RDWR } from '../sys/constants.js'
import { unlinkAt } from '../sys/node.js'
import { getXattr, removeXattr, writeXattr, xattrNames } from '../sys/xattr.js'
import { openLog } from '../util/debug.js'
import { makeCopyMethods } from './copy-up/data.js'
import { chooseFlush, isInMemory } from './copy-up/flush.js'
import { discardCopies } from './copy-up/long-copies.js'
import type { Aside } from './aside.js'
import type { OverlayContext } from './context.js'
import type { IndexDir } from './index-dir.js'
import { openIndex } from './index-open.js'
import { InodeNumbers } from './inode-number.js'
import { DirFds } from './layer.js'
import { LayerError } from './layer-error.js'
import { type LayerStack, closeLayers, openLayers } from './layer-stack.js'
import { ListingCache } from './listing-cache.js'
import { DirNode, type FileNode, type Node } from './node.js'
import { NodeTable } from './node-table.js'
import { closeBacking, closeData, moveToCopy } from './open-file.js'
import { attributeOps } from './ops/attributes.js'
import { dataOps } from './ops/data.js'
import { nameOps } from './ops/names.js'
import { readdirOps } from './ops/readdir.js'
import { removalOps } from './ops/removal.js'
import { xattrOps } from './ops/xattrs.js'
import type { OverlayOptions } from './options.js'
import { setUpOverrides } from './override-layers.js'
import { supportedOptions } from './supported.js'
import { WorkDir } from './workdir.js'
import { XattrNames } from './xattr-names.js'

const log = openLog('node')
const LISTED_NAMES = 2_000_000
/** How long a mount that was taken down may be busy with its end. */
const ENDING_MS = 1000
const FOR_EVER_SEC = 4294967295

/** A mounted or mountable overlay. */
export interface Overlay {
  readonly filesystem: RawFilesystem
  /** What the user should be told though it stops nothing. */
  readonly warnings: readonly string[]
  /** Whether upper takes POSIX ACLs, so that the kernel should enforce them. */
  readonly acl: boolean
  /** Options as they turned out. */
  readonly options: OverlayOptions
  /** Nodes known now, for tests and statistics. */
  nodeCount(): number
  close(): void
}

/** Does the file system take a private xattr? Tried on work/work. 0 or -errno. */
function tryMark(work: WorkDir, prefix: string): number {
  const result = writeXattr(work.fd, '', `${prefix}opaque`, '0')
  if (result === 0) removeXattr(work.fd, '', `${prefix}opaque`)
  return result
}

interface Marks {
  readonly userxattr: boolean
  readonly canMark: boolean
}

function chooseMarks(options: OverlayOptions, work: WorkDir | null, warnings: string[]): Marks {
  const asked = options.userxattr
  if (work === null) return { userxattr: asked === true, canMark: false }
  if (asked !== true && tryMark(work, 'trusted.overlay.') === 0) {
    return { userxattr: false, canMark: true }
  }
  if (asked !== false && tryMark(work, 'user.overlay.') === 0) {
    return { userxattr: true, canMark: true }
  }
  const opaque = options.engineMarks
    ? "directories are made opaque by '.wh..wh..opq' files, which kernel overlayfs does not know,"
    : 'directories cannot be made opaque'
  warnings.push(
    `upperdir takes no overlay xattrs: ${opaque} and inode numbers change on copy-up; use a file ` +
      'system with xattrs for upperdir',
  )
  return { userxattr: asked === true, canMark: false }
}

function openWork(options: OverlayOptions, stack: LayerStack): WorkDir | null {
  if (stack.upper === null || stack.workFd < 0 || options.readOnly) return null
  const patienceMs = options.index ? ENDING_MS : 0
  const work = WorkDir.open(stack.workFd, options.workDir ?? '', patienceMs)
  if (options.fsync === 'volatile' && options.volatileMarker) {
    const marked = work.markVolatile()
    if (marked < 0)
      throw new LayerError(-marked, 'workdir: cannot leave the mark of a volatile mount')
  }
  return work
}

function chooseWhiteouts(
  options: OverlayOptions,
  work: WorkDir | null,
  marks: Marks,
  warnings: string[],
): void {
  if (work === null) return
  const { prefix } = new XattrNames(marks.userxattr)
  const forced = options.whiteouts === 'wh-file' ? 'always' : 'last'
  if (work.chooseForm(marks.canMark ? prefix : null, options.engineMarks ? forced : 'no')) return
  warnings.push(
    'upperdir takes no whiteouts (character devices 0/0): nothing of the lower layers can be removed',
  )
}

/** Whether the root of upper takes (or could have) a POSIX ACL. */
function takesAcl(options: OverlayOptions, stack: LayerStack): boolean {
  if (!options.acl || !options.xattrs) return false
  // An ACL on the object itself would change the mode that stands in for all of them.
  if ((stack.upper?.override ?? null) !== null) return false
  const layer = stack.upper ?? stack.lowers[0]
  if (layer === undefined) return false
  return getXattr(layer.root.fd, '', 'system.posix_acl_access', 0, 0) !== -EOPNOTSUPP
}

/**
 * Open the layers and set up the engine.
 * @param aside does what takes long; null = the engine itself
 * @throws LayerError when the layers cannot be used; nothing stays open then
 */
export function openOverlay(asked: OverlayOptions, aside: Aside | null = null): Overlay {
  const warnings: string[] = []
  const options = supportedOptions(asked, warnings)
  const kept = keepCapabilities()
  if (kept < 0) log('cannot keep capabilities across fsuid changes: %d', kept)
  actAsSelf()
  const stack = openLayers(options)
  try {
    return assemble(options, stack, warnings, aside)
  } catch (error) {
    closeLayers(stack)
    throw error
  }
}

function assemble(
  options: OverlayOptions,
  stack: LayerStack,
  warnings: string[],
  aside: Aside | null,
): Overlay {
  warnings.push(...stack.warnings)
  const work = openWork(options, stack)
  const marks = chooseMarks(options, work, warnings)
  setUpOverrides(options, stack)
  chooseWhiteouts(options, work, marks, warnings)
  if (marks.canMark) storeUuid(options, stack, marks.userxattr)
  const index = openMarkedIndex(options, stack, work, marks, warnings)
  const ctx = makeContext({ ...options, index: index !== null }, stack, work, index, marks, aside)
  const filesystem: RawFilesystem = {
    ...nameOps(ctx),
    ...removalOps(ctx),
    ...attributeOps(ctx),
    ...dataOps(ctx),
    ...xattrOps(ctx),
    ...readdirOps(ctx),
    init: (connection) => {
      ctx.connection = connection
      choosePassthrough(ctx, connection)
    },
    destroy: () => {
      closeAll(ctx)
    },
    interrupt: () => undefined,
    replyLost: (entry, open) => {
      const node = entry === null ? undefined : ctx.nodes.get(entry.nodeid)
      if (node === undefined) return
      if (open !== null && !node.isDir) node.opens = Math.max(0, node.opens - 1)
      ctx.nodes.forget(node.id, 1)
    },
  }
  return {
    filesystem,
    warnings,
    acl: takesAcl(options, stack),
    options: { ...ctx.options, userxattr: marks.userxattr },
    nodeCount: () => ctx.nodes.size,
    close: () => {
      closeAll(ctx)
      index?.close()
      work?.close()
      closeLayers(stack)
    },
  }
}

/**
 * Give a fresh upper the instance's uuid; one that an overlay without uuids used before keeps none.
 * @mirrors fs/overlayfs/util.c:ovl_init_uuid_xattr
 */
function storeUuid(options: OverlayOptions, stack: LayerStack, userxattr: boolean): void {
  if (stack.upper === null || options.uuid === 'off' || options.uuid === 'null') return
  const { prefix } = new XattrNames(userxattr)
  const fd = stack.upper.root.fd
  const names = xattrNames(fd, '')
  if (typeof names === 'number' || names.includes(`${prefix}uuid`)) return
  if (options.uuid === 'auto' && names.includes(`${prefix}impure`)) return
  const result = writeXattr(fd, '', `${prefix}uuid`, randomBytes(16).toString('latin1'))
  if (result < 0) log('upper keeps no uuid: %d', result)
}

function openMarkedIndex(
  options: OverlayOptions,
  stack: LayerStack,
  work: WorkDir | null,
  { userxattr, canMark }: Marks,
  warnings: string[],
): IndexDir | null {
  const { prefix } = new XattrNames(userxattr)
  try {
    return openIndex({ options, stack, work, prefix, canMark }, warnings)
  } catch (error) {
    // Whoever tries again in this process must not find it in use.
    work?.close()
    throw error
  }
}

function makeRoot(stack: LayerStack): DirNode {
  const lowers = stack.lowers.map((layer) => layer.root)
  const root = new DirNode(1, null, '', stack.upper?.root ?? null, lowers)
  root.nlookup = 1
  return root
}

function makeContext(
  options: OverlayOptions,
  stack: LayerStack,
  work: WorkDir | null,
  index: IndexDir | null,
  marks: Marks,
  aside: Aside | null,
): OverlayContext {
  const fds = new DirFds(Math.min(4096, Math.floor(openFileLimit() / 2)))
  const root = makeRoot(stack)
  const ctx: OverlayContext = {
    options,
    stack,
    upper: stack.upper,
    work,
    index,
    fds,
    nodes: new NodeTable((node) => {
      dropNode(ctx, node)
    }),
    root,
    xattrNames: new XattrNames(
      marks.userxattr,
      options.engineMarks || options.xattrPermissions !== 'off',
    ),
    inodeNumbers: new InodeNumbers(stack.fsCount, options.ino32),
    originLayers: [...stack.lowers, ...stack.dataLayers],
    canMark: marks.canMark,
    listings: new ListingCache(LISTED_NAMES),
    backings: new Set(),
    copyMethods: makeCopyMethods(),
    flush: chooseFlush(options, work?.fd ?? -1),
    aside,
    longCopies: new Map(),
    syncsAside: work !== null && !isInMemory(work.fd),
    onCopyUp: (node) => {
      moveToCopy(ctx, node)
    },
    onLastNameGone: (node) => {
      if (node.opens === 0) closeBacking(ctx, node)
    },
    closeOrphan: (node) => {
      closeOrphan(ctx, node)
    },
    ttlSec: Math.min(options.timeoutSec, FOR_EVER_SEC),
    connection: null,
    passthroughUpper: false,
    passthroughLower: false,
  }
  ctx.nodes.add(root)
  readRootMarks(ctx)
  return ctx
}

function closeOrphan(ctx: OverlayContext, node: Node): void {
  if (node.orphanFd >= 0) close(node.orphanFd)
  node.orphanFd = -1
  if (!node.isDir && node.parked !== '') ctx.work?.discard(node.parked)
}

/** The root is a node like others: its upper directory may be impure. */
function readRootMarks(ctx: OverlayContext): void {
  if (ctx.upper === null) return
  const names = xattrNames(ctx.upper.root.fd, '')
  if (typeof names === 'number') return
  ctx.root.impure = names.includes(`${ctx.xattrNames.prefix}impure`)
}

function dropNode(ctx: OverlayContext, node: Node): void {
  ctx.closeOrphan(node)
  if (node.isDir) {
    ctx.listings.drop(node)
    if (node.upper !== null) ctx.fds.release(node.upper)
    for (const lower of node.lowers) ctx.fds.release(lower)
    return
  }
  closeData(node)
  closeBacking(ctx, node)
}

/** Try whether the kernel takes a backing file here, and keep lowers out of reach of writers. */
function choosePassthrough(ctx: OverlayContext, connection: Connection): void {
  const mode = ctx.options.passthrough
  if (mode === 'off' || (connection.flags2 & (1 << (FUSE_PASSTHROUGH - 32))) === 0) return
  if (ctx.upper !== null) {
    ctx.passthroughUpper = ctx.work !== null && probeBacking(connection, ctx.work)
  }
  const lowersTake = ctx.upper === null || ctx.passthroughUpper
  ctx.passthroughLower = mode !== 'upper' && ctx.stack.lowersIsolated && lowersTake
}

/** Register a scratch file once; the answer holds for the connection. */
function probeBacking(connection: Connection, work: WorkDir): boolean {
  const name = work.tempName()
  const fd = openAt(work.fd, name, O_CREAT | O_EXCL | O_RDWR, 0o600)
  if (fd < 0) return false
  unlinkAt(work.fd, name)
  const id = connection.openBacking(fd)
  close(fd)
  if (id <= 0) return false
  connection.closeBacking(id)
  return true
}

function closeAll(ctx: OverlayContext): void {
  for (const node of ctx.nodes.values()) {
    const file: FileNode | null = node.isDir ? null : node
    ctx.closeOrphan(node)
    if (file !== null) closeData(file)
  }
  discardCopies(ctx)
  ctx.fds.closeAll()
}
