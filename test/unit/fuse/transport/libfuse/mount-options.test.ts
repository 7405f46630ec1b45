/** What libfuse is told, what is refused, and what people are told when it is not there. */
import t from 'tap'
import {
  LibfuseUnavailable,
  explainLoadError,
} from '../../../../../src/fuse/transport/libfuse/addon.js'
import {
  type LibfuseMountRequest,
  mountArguments,
} from '../../../../../src/fuse/transport/libfuse/mount-options.js'

const usual: LibfuseMountRequest = {
  mountpoint: '/mnt',
  source: 'tsoverlayfs',
  subtype: 'tsoverlayfs',
  allowOther: false,
  allowRoot: false,
  readOnly: false,
  suid: true,
  dev: true,
  exec: true,
  atime: 'default',
  diratime: true,
  sync: false,
  dirsync: false,
  readAheadBytes: null,
  timeoutSec: Infinity,
}

function words(changes: Partial<LibfuseMountRequest> = {}): string[] {
  return mountArguments({ ...usual, ...changes })
    .options.slice(2)
    .split(',')
}

await t.test('options of libfuse 2', async (t) => {
  t.strictSame(mountArguments(usual), {
    mountpoint: '/mnt',
    options:
      '-ouse_ino,default_permissions,big_writes,nonempty,entry_timeout=4294967295,attr_timeout=0,' +
      'negative_timeout=0,rw,suid,dev,exec,fsname=tsoverlayfs,subtype=tsoverlayfs',
  })
  const other = words({
    readOnly: true,
    suid: false,
    dev: false,
    exec: false,
    atime: 'noatime',
    sync: true,
    dirsync: true,
    readAheadBytes: 65536,
    timeoutSec: 1.5,
  })
  for (const word of [
    'ro',
    'nosuid',
    'nodev',
    'noexec',
    'noatime',
    'sync',
    'dirsync',
    'max_readahead=65536',
    'entry_timeout=1.5',
    'attr_timeout=1.5',
  ]) {
    t.ok(other.includes(word), word)
  }
  t.ok(words({ timeoutSec: 0 }).includes('entry_timeout=0'))
  t.notOk(words({ atime: 'relatime' }).includes('relatime'), 'it is the default')
})

await t.test('texts', async (t) => {
  t.ok(words({ source: 'a\\b' }).includes('fsname=a\\134b'))
  const { options } = mountArguments({ ...usual, source: 'x,y\xff' })
  t.match(options, ',fsname=x\\054y\\377,')
  t.equal(mountArguments({ ...usual, mountpoint: '/m\xc3\xbc' }).mountpoint, '/mü')
})

await t.test('what cannot be is refused', async (t) => {
  const refuse = (changes: Partial<LibfuseMountRequest>, reason: RegExp): void => {
    t.throws(() => mountArguments({ ...usual, ...changes }), { message: reason })
  }
  refuse({ allowOther: true }, /^transport=libfuse: allow_other .* who calls.* transport=kernel$/)
  refuse({ allowRoot: true }, /^transport=libfuse: allow_root /)
  refuse({ atime: 'strictatime' }, /strictatime/)
  refuse({ diratime: false }, /nodiratime/)
  refuse({ mountpoint: '/m\xff' }, /^transport=libfuse: \/m\\xff: a mount point must be UTF-8$/)
  refuse({ mountpoint: `/${'m'.repeat(1023)}` }, /1023 bytes$/)
  refuse({ source: 's'.repeat(900) }, /room for 1023 bytes of options.* shorten fsname/)
  t.ok(mountArguments({ ...usual, mountpoint: `/${'m'.repeat(1022)}` }))
})

await t.test('what is missing is named', async (t) => {
  const told = (message: string, code?: string): string => {
    const error = explainLoadError(Object.assign(new Error(message), { code }))
    t.ok(error instanceof LibfuseUnavailable)
    return error.message
  }
  t.match(
    told('libfuse.so.2: cannot open shared object file: No such file or directory', 'ERR_DLOPEN'),
    /libfuse\.so\.2 is missing; install the package libfuse2 /,
  )
  t.match(
    told("Cannot find module 'fuse-native/package.json'\nRequire stack:", 'MODULE_NOT_FOUND'),
    /npm package fuse-native is not installed.*libfuse2.*npm install fuse-native@2\.2\.6/,
  )
  t.match(
    told('No native build was found for platform=linux\n    loaded from: /x'),
    /does not load: No native build was found for platform=linux; install libfuse2, make and g\+\+/,
  )
})
