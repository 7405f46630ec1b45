/**
 * mount(8) and fstab. mount(8) looks for helpers in /sbin alone: the commands run in a mount
 * namespace of their own, where an overlay lies on it, so that the machine's stays as it is.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'

const PROGRAM = fileURLToPath(new URL('../../bin/tsoverlayfs', import.meta.url))
const SBIN = realpathSync('/sbin')

interface Place {
  readonly path: string
  /** Run a script, with mount helpers installed; its standard output and error, line by line. */
  run(script: string): string[]
}

function place(t: Test): Place {
  const scratch = makeScratch('disk')
  t.teardown(() => scratch.remove())
  const { path } = scratch
  for (const name of ['lower', 'upper', 'work', 'merged', 'sbin', 'sbin-work']) {
    mkdirSync(`${path}/${name}`)
  }
  writeFileSync(`${path}/lower/file`, 'text\n')
  const run = (script: string): string[] => {
    const before = `
cd ${path}
mount -t overlay overlay -o lowerdir=${SBIN},upperdir=${path}/sbin,workdir=${path}/sbin-work ${SBIN} || exit 99
${PROGRAM} install --mount-helper >install.log || exit 98
O=lowerdir=${path}/lower,upperdir=${path}/upper,workdir=${path}/work M=${path}/merged
flags() { sed -n "s,^tsoverlayfs $M \\([^ ]*\\) \\([^ ]*relatime\\).*,\\1 \\2,p" /proc/self/mounts; }
trap 'umount -l $M 2>/dev/null' EXIT
trap 'exit 97' TERM
exec 2>&1`
    const words = ['--mount', '--propagation', 'private', 'sh', '-c', `${before}\n${script}\ntrue`]
    const { status, stdout, stderr } = spawnSync('unshare', words, {
      encoding: 'utf8',
      timeout: 60_000,
    })
    t.equal(status, 0, stderr)
    return stdout.trim().split('\n')
  }
  return { path, run }
}

await t.test('types', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const { path, run } = place(t)
  for (const type of ['tsoverlayfs', 'fuse.tsoverlayfs', 'fuse3.tsoverlayfs']) {
    const script = `
mount -t ${type} overlay -o $O,nosuid $M && flags && cat $M/file && umount $M; echo $?`
    t.strictSame(run(script), ['fuse.tsoverlayfs rw,nosuid,relatime', 'text', '0'], type)
  }
  t.strictSame(readdirSync(`${path}/sbin`).sort(), [
    'mount.fuse.tsoverlayfs',
    'mount.fuse3.tsoverlayfs',
    'mount.tsoverlayfs',
  ])
  t.notOk(existsSync('/sbin/mount.tsoverlayfs'), "the machine's own /sbin is as it was")
  const back = run(`${PROGRAM} install --uninstall --mount-helper; ls ${SBIN} | grep tsover`)
  t.equal(back.length, 4, back.join('\n'))
})

await t.test("mount.fuse3's way", async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  if (!existsSync('/sbin/mount.fuse3')) {
    t.plan(0, 'skipped: mount.fuse3 is needed (package fuse3)')
    return
  }
  const { run } = place(t)
  const seen = run(`
mkdir bin && ln -s ${PROGRAM} bin/tsoverlayfs
shown() { grep -c "^tsoverlayfs $M fuse.tsoverlayfs rw,noatime" /proc/self/mounts; }
PATH=$PWD/bin:$PATH mount.fuse3 overlay $M -t tsoverlayfs -o $O && shown && umount $M; echo $?
mount.fuse3 overlay $M -t ${PROGRAM} -o $O && shown && umount $M; echo $?`)
  t.strictSame(seen, ['1', '0', '1', '0'], 'by name, and by path')
})

await t.test('flags of mount(8)', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const { run } = place(t)
  for (const [title, script, expected] of [
    ['fake', 'mount -f -t tsoverlayfs overlay -o $O $M; echo $?; flags', ['0']],
    [
      'fake, and wrong',
      'mount -f -t tsoverlayfs overlay -o $O,bla $M; echo $?',
      [/^tsoverlayfs: bla: unknown option/, '32'],
    ],
    [
      'sloppy',
      'mount -s -t tsoverlayfs overlay -o $O,bla $M; echo $?; flags; umount $M',
      ['tsoverlayfs: unknown argument ignored: bla', '0', 'fuse.tsoverlayfs rw,relatime'],
    ],
    [
      'read-only, verbose, not in mtab',
      'mount -r -v -n -t tsoverlayfs overlay -o $O $M; echo $?; flags; umount $M',
      ['0', 'fuse.tsoverlayfs ro,relatime'],
    ],
    ['no layers', 'mount -t tsoverlayfs overlay $M; echo $?', [/lowerdir: it is missing/, '32']],
    [
      'another namespace',
      '/sbin/mount.tsoverlayfs overlay $M -o $O -N /proc/1/ns/mnt; echo $?',
      [/-N: cannot mount in another namespace/, '1'],
    ],
  ] as const) {
    const seen = run(script)
    t.equal(seen.length, expected.length, `${title}: ${seen.join(' | ')}`)
    for (const [at, line] of expected.entries()) t.match(seen[at], line, title)
  }
})

await t.test('remount', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const { run } = place(t)
  const seen = run(`
mount -t tsoverlayfs overlay -o $O $M
mount -o remount,ro $M; echo $?; flags; touch $M/new || echo refused
${PROGRAM} options $M | cut -c 1-3
mount -o remount,rw,nodev $M; echo $?; flags; echo x >$M/new && ls upper
exec 7>$M/open; mount -o remount,ro $M; echo $?; flags; exec 7>&-
${PROGRAM} mount -o remount,ro $M; echo $?; flags
umount $M
mount -t tsoverlayfs overlay -o lowerdir=$PWD/lower $M
mount -o remount,rw $M; echo $?; umount $M
${PROGRAM} mount -o remount,ro $M; echo $?`)
  for (const [at, line] of [
    '0',
    'fuse.tsoverlayfs ro,relatime',
    /Read-only file system/,
    'refused',
    'ro,',
    '0',
    'fuse.tsoverlayfs rw,nodev,relatime',
    'new',
    /^tsoverlayfs: .*merged: files are open for writing/,
    '32',
    'fuse.tsoverlayfs rw,nodev,relatime',
    '0',
    'fuse.tsoverlayfs ro,nodev,relatime',
    /it has no upperdir and stays read-only/,
    '32',
    /nothing of ours is mounted there/,
    '1',
  ].entries()) {
    t.match(seen[at], line)
  }
})

await t.test('fstab', async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const { path, run } = place(t)
  mkdirSync(`${path}/a b`)
  writeFileSync(`${path}/a b/more`, 'more\n')
  for (const type of ['tsoverlayfs', 'fuse.tsoverlayfs']) {
    const seen = run(`
cat >fstab <<END
overlay $M ${type} lowerdir=$PWD/a\\\\040b:$PWD/lower,upperdir=$PWD/upper,workdir=$PWD/work,noauto,nofail,nodev,_netdev,x-systemd.requires-mounts-for=$PWD/lower,comment=x 0 0
END
mount -T fstab $M; echo $?; flags; cat $M/more
mount -T fstab -o remount,ro $M; flags; umount $M; echo $?`)
    t.strictSame(
      seen,
      [
        '0',
        'fuse.tsoverlayfs rw,nodev,relatime',
        'more',
        'fuse.tsoverlayfs ro,nodev,relatime',
        '0',
      ],
      type,
    )
  }
})
