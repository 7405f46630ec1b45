/**
 * The tree that the rows of the tables work on: every type of object in every state an overlay
 * knows, spread over any number of lower layers and brought about, as far as upper is concerned, by
 * operations on the overlay itself.
 */
import { encodeAcl } from './acl.js'
import type { Operation } from './operation.js'

/** An ACL with a named user and group. */
export const sampleAcl = encodeAcl({
  user: 7,
  users: { 1000: 7 },
  group: 5,
  groups: { 1001: 6 },
  mask: 7,
  other: 4,
})

/** VFS capability revision 2, cap_net_raw=ep. */
export const sampleCapability = '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

/** Make a file. */
export function file(path: string, data = path, mode = 0o644): Operation {
  return { op: 'create', path, mode, data }
}

/** Make a directory. */
export function dir(path: string, mode = 0o755): Operation {
  return { op: 'mkdir', path, mode }
}

/** Make a whiteout: for layers, not for mounts. */
export function whiteout(path: string): Operation {
  return { op: 'mknod', path, kind: 'char', mode: 0, major: 0, minor: 0 }
}

/** Mark a directory of a layer opaque. */
export function opaque(path: string, value = 'y'): Operation {
  return { op: 'setxattr', path, name: 'trusted.overlay.opaque', value }
}

/** Groups of steps that one layer has; which layer depends on how many there are. */
const lowerOnly: readonly (readonly Operation[])[] = [
  [
    file('f', 'content of f', 0o644),
    { op: 'setxattr', path: 'f', name: 'user.note', value: 'a\0b' },
    { op: 'setxattr', path: 'f', name: 'trusted.note', value: 't' },
    { op: 'chown', path: 'f', uid: 1000, gid: 1001 },
    { op: 'utimens', path: 'f', atime: [1_000_000, 1], mtime: [1_000_001, 123_456_789] },
  ],
  [file('g', 'content of g'), file('cu', 'to be copied up'), file('wf'), file('wf2')],
  [
    file('suid', '#!/bin/sh\n', 0o755),
    { op: 'chown', path: 'suid', uid: 1000, gid: 1000 },
    { op: 'chmod', path: 'suid', mode: 0o6777 },
    file('cap', '#!/bin/sh\n', 0o777),
    { op: 'setxattr', path: 'cap', name: 'security.capability', value: sampleCapability },
    file('acl', 'with an ACL', 0o640),
    { op: 'setxattr', path: 'acl', name: 'system.posix_acl_access', value: sampleAcl },
    file('escaped'),
    { op: 'setxattr', path: 'escaped', name: 'trusted.overlay.overlay.opaque', value: 'y' },
    { op: 'setxattr', path: 'escaped', name: 'user.overlay.origin', value: 'u' },
  ],
  [
    file('sparse', 'head'),
    { op: 'write', path: 'sparse', offset: 3_000_000, data: 'middle' },
    { op: 'truncate', path: 'sparse', size: 5_000_000 },
    file('big', ''),
    { op: 'write', path: 'big', data: '0123456789abcdef', repeat: 20_000 },
  ],
  [file('hl1', 'linked'), { op: 'link', from: 'hl1', to: 'hl2' }],
  [
    { op: 'symlink', path: 's', target: 'f' },
    { op: 'symlink', path: 'sd', target: 'ld' },
    { op: 'symlink', path: 'dangling', target: 'nowhere' },
    { op: 'mknod', path: 'p', kind: 'fifo', mode: 0o640 },
    { op: 'mknod', path: 'k', kind: 'socket', mode: 0o600 },
    { op: 'mknod', path: 'c', kind: 'char', mode: 0o600, major: 1, minor: 3 },
    { op: 'mknod', path: 'b', kind: 'block', mode: 0o600, major: 7, minor: 99 },
    { op: 'chown', path: 's', uid: 5, gid: 6 },
    { op: 'utimens', path: 's', atime: [10, 0], mtime: [1_000_002, 7] },
  ],
  [
    dir('ld', 0o2775),
    { op: 'chown', path: 'ld', uid: 1000, gid: 1001 },
    { op: 'chmod', path: 'ld', mode: 0o2775 },
    file('ld/x'),
    dir('ld/sub'),
    file('ld/sub/y'),
    dir('ld/sub/deep'),
    file('ld/sub/deep/z'),
    { op: 'setxattr', path: 'ld', name: 'user.dir', value: 'yes' },
    dir('defacl'),
    { op: 'setxattr', path: 'defacl', name: 'system.posix_acl_default', value: sampleAcl },
    { op: 'utimens', path: 'ld', atime: [10, 0], mtime: [1_000_003, 8] },
  ],
  [dir('le'), dir('le2', 0o711), dir('sticky', 0o1777), dir('private', 0o700), file('private/in')],
  [dir('wd'), file('wd/x'), dir('uo'), file('uo/hidden'), dir('mw'), file('mw/1'), file('mw/2')],
  [file('n\xff\xfe', 'not UTF-8'), file('m'.repeat(255), 'long name')],
]

/** Steps of lower layer `index` (0 = top-most) of `count`. */
export function standardLower(index: number, count: number): Operation[] {
  const steps: Operation[] = []
  lowerOnly.forEach((group, at) => {
    if (at % count === index) steps.push(...group)
  })
  steps.push(dir('m'), file('m/same', `same of ${index}`, 0o640), file(`m/only${index}`))
  steps.push(dir('m/sub'), file(`m/sub/of${index}`), dir('um'), file(`um/l${index}`))
  const isTop = index === 0
  const isBottom = index === count - 1
  // Layers that hide what lies below them; with one layer there is nothing to hide.
  if (isBottom) steps.push(file('gone'), dir('od'), file('od/hidden'), dir('dir-below-file'))
  if (isBottom) steps.push(file('file-below-dir'), dir('gonedir'), file('gonedir/x'))
  if (isTop && !isBottom) {
    steps.push(whiteout('gone'), whiteout('gonedir'), dir('od'), opaque('od'), file('od/shown'))
    steps.push(file('dir-below-file'), dir('file-below-dir'), file('file-below-dir/x'))
    steps.push(whiteout('m/wtop'), dir('wm'), whiteout('wm/x'))
  }
  if (isBottom) steps.push(file('m/wtop'), dir('wm'), file('wm/x'))
  if (index === 2) steps.push(whiteout('dir-below-file'), whiteout('m/only4'))
  return steps
}

/** Bring upper about through the overlay: every state an object of upper can be in. */
export const standardSetup: readonly Operation[] = [
  file('u', 'of upper'),
  file('u2', 'of upper too'),
  dir('ud'),
  file('ud/x', 'in ud'),
  dir('ud/sub'),
  dir('ud2'),
  file('ud2/y'),
  dir('ue'),
  dir('ue2'),
  file('m/u'),
  dir('m/ud'),
  file('m/ud/x'),
  { op: 'append', path: 'cu', data: ', done' },
  { op: 'unlink', path: 'wf' },
  { op: 'unlink', path: 'wf2' },
  { op: 'unlink', path: 'wd/x' },
  { op: 'rmdir', path: 'wd' },
  { op: 'unlink', path: 'uo/hidden' },
  { op: 'rmdir', path: 'uo' },
  dir('uo'),
  file('uo/x', 'in an opaque directory'),
  { op: 'chmod', path: 'um', mode: 0o750 },
  { op: 'unlink', path: 'mw/1' },
  { op: 'unlink', path: 'mw/2' },
  { op: 'link', from: 'u', to: 'uhl' },
  { op: 'symlink', path: 'us', target: 'u' },
]
