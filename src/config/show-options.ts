/**
 * The effective options as text, as /proc/mounts would show them: what was chosen, not what is the
 * default anyway. The text parses to the same options again.
 * @mirrors fs/overlayfs/params.c:ovl_show_options
 */
import type { IdRange, OverlayOptions } from '../overlay/options.js'
import type { MountOptions } from './mount-options.js'
import { escapeLayerPath, escapePath } from './option-words.js'

function showMap(ranges: readonly IdRange[]): string {
  return ranges.map(({ host, shown, count }) => [host, shown, count].join(':')).join(':')
}

function showLayers(overlay: OverlayOptions): string[] {
  const lowers = overlay.lowerDirs.map(escapeLayerPath).join(':')
  const data = overlay.dataDirs.map((path) => `::${escapeLayerPath(path)}`).join('')
  const words = [`lowerdir=${lowers}${data}`]
  if (overlay.upperDir !== null) words.push(`upperdir=${escapePath(overlay.upperDir)}`)
  if (overlay.workDir !== null) words.push(`workdir=${escapePath(overlay.workDir)}`)
  return words
}

function showFeatures(overlay: OverlayOptions): string[] {
  const words: string[] = []
  const add = (chosen: boolean, word: string): void => void (chosen && words.push(word))
  const { redirectDir, userxattr, xino, uuid, fsync, passthrough, timeoutSec } = overlay
  add(userxattr === true, 'userxattr')
  add(redirectDir !== 'follow', `redirect_dir=${redirectDir}`)
  add(overlay.index, 'index=on')
  add(overlay.metacopy, 'metacopy=on')
  add(xino !== 'off', `xino=${xino}`)
  add(uuid !== 'auto', `uuid=${uuid}`)
  add(fsync !== 'auto', `fsync=${fsync}`)
  add(passthrough !== 'auto', `passthrough=${passthrough}`)
  add(timeoutSec !== Infinity, `timeout=${String(timeoutSec)}`)
  return words
}

const permissionNumbers = { off: 0, privileged: 1, containers: 2 } as const

function showOwnership(overlay: OverlayOptions): string[] {
  const words: string[] = []
  const add = (chosen: boolean, word: string): void => void (chosen && words.push(word))
  const { uidMap, gidMap, squashUid, squashGid, xattrPermissions } = overlay
  add(uidMap.length > 0, `uidmapping=${showMap(uidMap)}`)
  add(gidMap.length > 0, `gidmapping=${showMap(gidMap)}`)
  add(squashUid !== null, `squash_to_uid=${String(squashUid)}`)
  add(squashGid !== null, `squash_to_gid=${String(squashGid)}`)
  add(overlay.staticNlink, 'static_nlink')
  add(!overlay.acl, 'noacl')
  add(!overlay.xattrs, 'noxattrs=1')
  add(xattrPermissions !== 'off', `xattr_permissions=${permissionNumbers[xattrPermissions]}`)
  add(overlay.ino32, 'ino32_t')
  return words
}

function showMount({ mount }: MountOptions): string[] {
  const words = [mount.readOnly ? 'ro' : 'rw']
  words.push(mount.suid ? 'suid' : 'nosuid', mount.dev ? 'dev' : 'nodev')
  if (!mount.exec) words.push('noexec')
  words.push(mount.atime === 'default' ? 'atime' : mount.atime)
  if (!mount.diratime) words.push('nodiratime')
  if (mount.sync) words.push('sync')
  if (mount.dirsync) words.push('dirsync')
  if (mount.allowOther) words.push('allow_other')
  if (mount.allowRoot) words.push('allow_root')
  if (mount.readAheadBytes !== null) words.push(`max_readahead=${String(mount.readAheadBytes)}`)
  if (mount.transport !== 'auto') words.push(`transport=${mount.transport}`)
  words.push(`fsname=${escapePath(mount.source)}`, `subtype=${escapePath(mount.subtype)}`)
  return words
}

/** Show options as one line of text, latin1. */
export function showOptions(options: MountOptions): string {
  const { overlay } = options
  return [
    ...showMount(options),
    ...showLayers(overlay),
    ...showFeatures(overlay),
    ...showOwnership(overlay),
  ].join(',')
}
