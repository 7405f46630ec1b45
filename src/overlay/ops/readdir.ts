/** READDIR and READDIRPLUS over the merged listing. */
import { type Entry, type RawFilesystem, makeAttributes } from '../../fuse/raw-filesystem.js'
import { DT_DIR, S_IFDIR } from '../../sys/constants.js'
import { touchDirectory } from '../../sys/dirents.js'
import { ENOENT } from '../../sys/errno.js'
import { FileStat, statAt } from '../../sys/stat.js'
import { fillAttributes, fillEntry } from '../attributes.js'
import { lookupChild } from '../children.js'
import type { OverlayContext } from '../context.js'
import { COOKIE_DOT, COOKIE_DOTDOT, type DirListing } from '../dir-listing.js'
import { ensureListing } from '../listing.js'
import { statNode } from '../location.js'
import { carriesOrigin, clearImpure } from '../marks.js'
import type { DirNode } from '../node.js'
import { dirOf } from './names.js'

type ReaddirOps = Pick<RawFilesystem, 'readdir' | 'readdirplus'>

/**
 * Names after this many get no attributes, where the inode number is known without them: who lists a
 * directory of a million names rarely asks for all of them.
 */
const PLUS_LIMIT = 8192
/** What libfuse says for a number it does not know. */
const FUSE_UNKNOWN_INO = 0xffffffff
/** A name that the listing goes without: no errno. */
const SKIPPED = 1

/** Operations on directory streams, over one overlay. */
export function readdirOps(ctx: OverlayContext): ReaddirOps {
  const stat = new FileStat()
  const entry: Entry = { nodeid: 0, attributes: makeAttributes(), entryTtlSec: 0, attrTtlSec: 0 }
  const { attributes } = entry

  /** Attributes of the directory itself or its parent, into `attributes`, without a lookup. */
  function describeDir(dir: DirNode): void {
    attributes.mode = S_IFDIR
    if (statNode(ctx, dir, stat) === 0) fillAttributes(ctx, dir, stat, attributes)
    entry.nodeid = 0
  }

  function open(nodeid: number, offset: number): { dir: DirNode; listing: DirListing } | number {
    const dir = dirOf(ctx, nodeid)
    if (typeof dir === 'number') return dir
    if (dir.removed) return -ENOENT
    const listing = offset === 0 || dir.listing === null ? ensureListing(ctx, dir) : dir.listing
    if (typeof listing === 'number') return listing
    // A listing that was kept spares upper's directory the reading, but not the access time.
    if (offset === 0 && listing.restart() && dir.upper !== null) {
      const fd = ctx.fds.fd(dir.upper)
      const touched = fd < 0 ? fd : touchDirectory(fd)
      if (touched < 0) return touched
    }
    return { dir, listing }
  }

  return {
    readdir: (_req, nodeid, _fh, offset, out) => {
      const opened = open(nodeid, offset)
      if (typeof opened === 'number') return opened
      const { dir, listing } = opened
      for (const [cookie, name, what] of [
        [COOKIE_DOT, '.', dir],
        [COOKIE_DOTDOT, '..', dir.parent ?? dir],
      ] as const) {
        if (offset >= cookie) continue
        if (!out.hasRoom(name.length)) return 0
        describeDir(what)
        out.add(name, attributes.inoLo, attributes.inoHi, DT_DIR, cookie)
      }
      let added = 0
      for (let place = listing.placeAfter(offset); place < listing.places; place += 1) {
        if (listing.isLate(place)) break
        const name = listing.nameAt(place)
        if (name === null) continue
        if (!out.hasRoom(name.length)) return 0
        const described = describeChild(dir, name, listing, place)
        if (described === SKIPPED) continue
        if (described < 0) return added > 0 ? 0 : described
        added += 1
        out.add(
          name,
          attributes.inoLo,
          attributes.inoHi,
          listing.typeAt(place),
          listing.cookieAt(place),
        )
      }
      settlePurity(dir, listing)
      return 0
    },

    readdirplus: (_req, nodeid, _fh, offset, out) => {
      const opened = open(nodeid, offset)
      if (typeof opened === 'number') return opened
      const { dir, listing } = opened
      if (offset < COOKIE_DOT) {
        if (!out.hasRoom(1)) return 0
        describeDir(dir)
        out.add('.', entry, COOKIE_DOT)
      }
      if (offset < COOKIE_DOTDOT) {
        if (!out.hasRoom(2)) return 0
        describeDir(dir.parent ?? dir)
        out.add('..', entry, COOKIE_DOTDOT)
      }
      let added = 0
      for (let place = listing.placeAfter(offset); place < listing.places; place += 1) {
        if (listing.isLate(place)) break
        const name = listing.nameAt(place)
        if (name === null) continue
        if (!out.hasRoom(name.length)) return 0
        if (place >= PLUS_LIMIT && listing.hasIno(place)) {
          nameOnly(listing, place)
        } else {
          const node = lookupChild(ctx, dir, name, stat, true)
          if (typeof node === 'number') {
            const met = meetError(dir, name, node, listing, place)
            if (met === SKIPPED) continue
            if (met < 0) return added > 0 ? 0 : met
          } else {
            listing.origins.saw(carriesOrigin(ctx, node))
            fillEntry(ctx, node, stat, entry)
          }
        }
        added += 1
        out.add(name, entry, listing.cookieAt(place))
      }
      settlePurity(dir, listing)
      return 0
    },
  }

  /** The whole of an impure directory was read: without an origin in it, it is pure again. */
  function settlePurity(dir: DirNode, listing: DirListing): void {
    if (dir.impure && dir.lowers.length === 0 && listing.origins.none(listing.size)) {
      clearImpure(ctx, dir)
    }
  }

  function nameOnly(listing: DirListing, place: number): void {
    entry.nodeid = 0
    attributes.inoLo = listing.inoLoAt(place)
    attributes.inoHi = listing.inoHiAt(place)
    attributes.mode = listing.typeAt(place) << 12
  }

  /**
   * A child that cannot be looked up. Where inode numbers are those of listing, its name is there all
   * the same. In an impure directory the kernel needs to look: the listing fails, or, where it is
   * merged, goes without the name.
   * @returns 0 with what is known of it in `entry`, SKIPPED, or the error
   * @mirrors fs/overlayfs/readdir.c:ovl_cache_update
   */
  function meetError(
    dir: DirNode,
    name: string,
    error: number,
    listing: DirListing,
    place: number,
  ): number {
    if (error === -ENOENT) return SKIPPED
    if (dir.impure && dir.lowers.length === 0) return error
    if (dir.impure && isInUpper(dir, name)) return SKIPPED
    unknown(listing, place)
    return 0
  }

  function isInUpper(dir: DirNode, name: string): boolean {
    const fd = dir.upper === null ? -1 : ctx.fds.fd(dir.upper)
    return fd >= 0 && statAt(fd, name, stat) === 0
  }

  /** A name is there even if what it stands for cannot be looked at; who tries meets the error. */
  function unknown(listing: DirListing, place: number): void {
    entry.nodeid = 0
    attributes.inoLo = FUSE_UNKNOWN_INO
    attributes.inoHi = 0
    attributes.mode = listing.typeAt(place) << 12
  }

  /** Inode number of a child into `attributes`. Returns 0, SKIPPED or -errno. */
  function describeChild(dir: DirNode, name: string, listing: DirListing, place: number): number {
    const node = lookupChild(ctx, dir, name, stat, true)
    if (typeof node === 'number') return meetError(dir, name, node, listing, place)
    listing.origins.saw(carriesOrigin(ctx, node))
    fillAttributes(ctx, node, stat, attributes)
    ctx.nodes.collect(node)
    return 0
  }
}
