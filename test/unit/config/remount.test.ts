/** The flags of a live mount, changed by option words. */
import t from 'tap'
import { splitOptions } from '../../../src/config/option-words.js'
import { isRemount, remountFlags } from '../../../src/config/remount.js'
import { mountFlags } from '../../../src/fuse/mount/mount-options.js'
import { genericOptions } from '../../../src/generic-options.js'

const RDONLY = 1
const NOSUID = 2
const NODEV = 4
const NOEXEC = 8
const NOATIME = 1024
const NODIRATIME = 2048
const RELATIME = 1 << 21
const STRICTATIME = 1 << 24

await t.test('what is not named stays', (t) => {
  for (const [current, words, expected] of [
    ['rw,relatime', 'remount,ro', RDONLY | RELATIME],
    ['ro,relatime', 'remount,rw', RELATIME],
    ['rw,nosuid,nodev,noexec,noatime', 'remount,ro', RDONLY | NOSUID | NODEV | NOEXEC | NOATIME],
    ['rw,nosuid,nodev,relatime', 'remount,suid,noexec', NODEV | NOEXEC | RELATIME],
    ['rw', 'remount', STRICTATIME],
    ['rw,nodiratime,relatime', 'remount,noatime', NODIRATIME | NOATIME],
    ['rw,relatime', 'remount,ro,lowerdir=/ro,user_id=0,allow_other', RDONLY | RELATIME],
    ['rw,relatime', 'remount,lowerdir=ro', RELATIME],
  ] as const) {
    const flags = mountFlags(genericOptions(remountFlags(current, splitOptions(words))))
    t.equal(flags, expected, `${current} and ${words}`)
  }
  t.end()
})

await t.test('the word', (t) => {
  t.ok(isRemount(splitOptions('ro,remount')))
  t.notOk(isRemount(splitOptions('ro,lowerdir=remount')))
  t.notOk(isRemount(splitOptions('remount=1')))
  t.end()
})
