/** Mounting without a mount: option strings, mountinfo, and what people are told. */
import t from 'tap'
import {
  MountError,
  deviceError,
  mountCallError,
  mountpointError,
  unmountError,
} from '../../../../src/fuse/mount/mount-error.js'
import { findMount, parseMountInfo } from '../../../../src/fuse/mount/mount-info.js'
import {
  type MountRequest,
  fusermountOptions,
  kernelOptions,
  mountFlags,
} from '../../../../src/fuse/mount/mount-options.js'
import {
  EACCES,
  EBUSY,
  EINVAL,
  EIO,
  ENODEV,
  ENOENT,
  ENOTCONN,
  ENOTDIR,
  EPERM,
} from '../../../../src/sys/errno.js'

const plain: MountRequest = {
  mountpoint: '/m',
  source: 'overlay',
  subtype: 'tsoverlayfs',
  allowOther: false,
  defaultPermissions: true,
}

await t.test('options for the kernel', (t) => {
  t.equal(
    kernelOptions(plain, 5, 1000, 100),
    'fd=5,rootmode=40000,user_id=1000,group_id=100,default_permissions',
  )
  t.equal(
    kernelOptions({ ...plain, allowOther: true, defaultPermissions: false }, 5, 0, 0),
    'fd=5,rootmode=40000,user_id=0,group_id=0,allow_other',
  )
  t.equal(mountFlags(plain), 0)
  t.equal(mountFlags({ ro: true, nosuid: true, nodev: true, noexec: true, noatime: true }), 1039)
  t.equal(mountFlags({ ro: false, relatime: true }), 1 << 21)
  t.end()
})

await t.test('options for fusermount3', (t) => {
  t.equal(fusermountOptions(plain), 'rw,fsname=overlay,subtype=tsoverlayfs,default_permissions')
  t.equal(
    fusermountOptions({
      ...plain,
      source: 'a,b\\c',
      ro: true,
      relatime: true,
      noatime: true,
      allowOther: true,
    }),
    'ro,fsname=a\\,b\\\\c,subtype=tsoverlayfs,noatime,default_permissions,allow_other',
  )
  t.end()
})

await t.test('mountinfo', (t) => {
  const text = [
    '22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw',
    '40 28 0:50 / /m\\040nt\\134x rw,noatime shared:1 master:2 - fuse.tsoverlayfs a\\011b rw,user_id=0',
    '41 40 0:51 /sub /m\\040nt\\134x ro - fuse.tsoverlayfs second rw',
    'nonsense',
    '',
  ].join('\n')
  const mounts = parseMountInfo(text)
  t.equal(mounts.length, 3)
  t.strictSame(mounts[1], {
    id: 40,
    device: '0:50',
    root: '/',
    mountpoint: '/m nt\\x',
    options: 'rw,noatime',
    type: 'fuse.tsoverlayfs',
    source: 'a\tb',
  })
  t.equal(findMount(mounts, '/m nt\\x')?.id, 41, 'the one on top')
  t.equal(findMount(mounts, '/m'), null)
  t.end()
})

await t.test('errors name the thing and the remedy', (t) => {
  const path = '/m\xff'
  for (const [error, errno, message] of [
    [deviceError(ENOENT), ENOENT, /^\/dev\/fuse: .*modprobe fuse.*--device \/dev\/fuse/],
    [deviceError(ENODEV), ENODEV, /modprobe fuse/],
    [deviceError(EACCES), EACCES, /^\/dev\/fuse: permission denied.*fusermount3/],
    [deviceError(EIO), EIO, /^\/dev\/fuse: .*EIO/],
    [mountpointError(path, ENOENT), ENOENT, /^\/m\\xff: no such directory; create/],
    [mountpointError(path, ENOTDIR), ENOTDIR, /not a directory/],
    [mountpointError(path, ENOTCONN), ENOTCONN, /umount -l/],
    [mountpointError(path, EACCES), EACCES, /permission denied/],
    [mountpointError(path, EIO), EIO, /EIO/],
    [mountCallError(path, EPERM), EPERM, /unshare -Urm.*SYS_ADMIN.*fusermount3/],
    [mountCallError(path, ENODEV), ENODEV, /modprobe fuse/],
    [mountCallError(path, EINVAL), EINVAL, /options/],
    [mountCallError(path, EBUSY), EBUSY, /in use/],
    [mountCallError(path, ENOTDIR), ENOTDIR, /not a directory/],
    [unmountError(path, EBUSY), EBUSY, /--lazy/],
    [unmountError(path, EINVAL), EINVAL, /not a mount point/],
    [unmountError(path, ENOENT), ENOENT, /no such/],
    [unmountError(path, EPERM), EPERM, /run as/],
    [unmountError(path, EIO), EIO, /EIO/],
  ] as const) {
    t.ok(error instanceof MountError)
    t.equal(error.errno, errno)
    t.match(error.message, message)
    t.notMatch(error.message, /\n/, 'one line')
  }
  t.end()
})
