/**
 * The steps of the build that every engine does, and the tree that they lead to: the same steps on
 * kernel overlayfs, one layer a step.
 */
import { mkdirSync } from 'node:fs'
import { type Snapshot, snapshotTree } from '../snapshot.js'
import { mount, unmount } from '../syscalls.js'
import { errnoName } from '../../../src/sys/errno.js'
import type { EnginePlace } from './place.js'

/** One shell script a layer; run with /srv as the working directory. */
export const steps: readonly string[] = [
  // A directory that is emptied and made anew: its old names must stay away.
  'rm data/f1; rm -r data/d; mkdir data/d; echo y >data/d/y',
  // Types replaced, names moved.
  `rm -r to-file; echo file >to-file; rm to-dir; mkdir to-dir; echo in >to-dir/in
   mv old new; mv tree/n1 tree/moved; mv tree/n2 data/d/n2; mv tree/n4 tree/n5; mv to-dir/in to-dir/out`,
  // Metadata alone.
  `chmod 0711 tree; chmod 0640 tree/n6; chmod 4750 suid; chown 12:34 tree/n7; chown -R 5:6 owned
   touch -d '2001-02-03 04:05:06' tree/n8 tree/deep; chmod 2775 owned/in`,
  // Hard links, of both sides of a copy-up.
  `ln hard1 hard3; echo more >>hard2; ln data/f2 f2-link; rm data/f2; ln file tree/file-link
   echo a >pair1; ln pair1 pair2; ln fifo fifo2`,
  // Xattrs and capabilities.
  `setfattr -n user.note -v changed note; setfattr -n user.added -v 1 file
   setcap cap_net_bind_service+ep caps; setcap -r caps-lost; cp caps plain-copy; setcap cap_chown+p plain-copy
   setfattr -n user.dir -v d tree`,
  // Names and types.
  `ln -sfn tree/n9 link; ln -s /nowhere dangling; mkfifo -m 600 pipe; rm byte-*
   echo b >"$(printf 'new-\\303\\050')"; mkdir -m 1777 sticky; echo x >"with space"
   head -c 100000 large >large2; echo tail >>large`,
  // What earlier layers made is deleted, replaced and made again.
  `rm -r again; mkdir again; echo new >again/c; rm to-file; mkdir to-file; echo z >to-file/z
   rm -r new; rm data/d/n2 tree/moved; rm -r to-dir; echo back >data/f1; mkdir -p data/d/sub; rm pair1`,
  // Metadata of a merged directory, and one that is deleted for good.
  'chown 7:8 again data; rm -r tree/deep; chmod 700 sticky; rm -r data/d/sub',
]

/** The step as a command line for `sh -c`. */
export const stepScript = (step: string): string => `set -e; umask 022; cd /srv; ${step}`

/** Names that engines put into root file systems of their own accord. */
const ENGINES_OWN =
  /^\/(?:(?:proc|sys|dev|run)(?:\/|$)|etc\/(?:hosts|hostname|resolv\.conf|mtab)$|\.dockerenv$|etc$|$)/

/** How trees are compared. */
export interface TreeOptions {
  /** Modification times of this run as they are. */
  readonly exactTimes?: boolean
  /** Leave out `user.` xattrs, which some engines do not put into layers. */
  readonly userXattrs: boolean
  /** Leave out link counts. */
  readonly links?: boolean
}

/** Whole tree: type, mode, owner, size, mtime, content, xattrs. Link counts are for files. */
export function imageTree(path: string, options: TreeOptions): Snapshot {
  return snapshotTree(path, {
    inodes: false,
    exactTimes: options.exactTimes === true,
    xattr: (name, value) =>
      name.startsWith('user.') && !options.userXattrs ? null : [name, value],
    finish: (name, entry) => {
      if (ENGINES_OWN.test(name)) return null
      const kept: Record<string, string> = { ...entry }
      // The size of a directory is its file system's, and so is its link count.
      if (entry['type'] === 'dir') {
        delete kept['size']
        delete kept['nlink']
      }
      if (options.links === false) delete kept['nlink']
      delete kept['dev']
      return kept
    },
  })
}

/**
 * Whether hard links of one layer are links in the image, and how times are rounded, is the
 * engine's: what is compared with the steps done on kernel overlayfs leaves both out.
 */
export function withoutEngineRounding(tree: Snapshot): Snapshot {
  const result = new Map<string, Readonly<Record<string, string>>>()
  for (const [path, entry] of tree) {
    const kept: Record<string, string> = { ...entry }
    delete kept['nlink']
    if (kept['mtime'] !== undefined) kept['mtime'] = kept['mtime'].replace(/\.\d+$/, '')
    result.set(path, kept)
  }
  return result
}

function mountOverlay(target: string, lowers: readonly string[], base: string): void {
  const data = `lowerdir=${lowers.join(':')},upperdir=${base}/upper,workdir=${base}/work`
  for (const name of [`${base}/upper`, `${base}/work`]) mkdirSync(name, { recursive: true })
  const result = mount('overlay', target, 'overlay', 0, data)
  if (result < 0) throw new Error(`kernel overlayfs: ${errnoName(result)}`)
}

/** Do the steps on kernel overlayfs over an unpacked root file system; the tree at the end. */
export async function kernelReference(
  place: EnginePlace,
  rootfs: string,
  options: TreeOptions,
): Promise<Snapshot> {
  const base = place.directory('reference')
  const merged = place.directory('reference/merged')
  const lowers = [rootfs]
  let tree: Snapshot = new Map()
  for (const [index, step] of steps.entries()) {
    mountOverlay(merged, lowers, `${base}/${index}`)
    try {
      await place.run('chroot', [merged, '/bin/sh', '-c', stepScript(step)])
      if (index === steps.length - 1) tree = imageTree(merged, options)
    } finally {
      unmount(merged, 'lazy')
    }
    lowers.unshift(`${base}/${index}/upper`)
  }
  return tree
}
