// @ts-check
// What the demonstration tells, step by step. Every statement it makes is a claim that is checked.
import { lstatSync, readFileSync, renameSync, symlinkSync, mkdirSync, readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage } from './stage.mjs'
import { columns, isWhiteout, namesIn, opaqueMark } from './tree.mjs'

const mountCommand = 'tsoverlayfs mount -o lowerdir=app:base,upperdir=upper,workdir=work merged'

/**
 * Tell the story in `directory`.
 * @param {string} directory
 * @returns {Promise<Stage>} with the outcome of every claim
 */
export async function tell(directory) {
  const stage = new Stage(directory)
  stage.build()
  // The commands on show say `tsoverlayfs`; this is where the shell finds it.
  mkdirSync(stage.path('.tools'))
  symlinkSync(stage.program, stage.path('.tools', 'tsoverlayfs'))
  layersOnDisk(stage)
  if (!mount(stage)) return stage
  sameName(stage)
  reading(stage)
  firstWrite(stage)
  deleteLower(stage)
  deleteUpper(stage)
  recreateDirectory(stage)
  renameDirectory(stage)
  await unmount(stage)
  again(stage)
  return stage
}

/** @param {Stage} stage */
function layersOnDisk(stage) {
  stage.heading(
    'Two layers on disk',
    `Two ordinary directories are the read-only (lower) layers: app lies on top of base.
     upper will take every change, work is scratch space for the file system, and merged
     is where the union will appear.`,
  )
  console.log(`\n${columns(stage.look())}`)
}

/** @param {Stage} stage */
function mount(stage) {
  stage.heading(
    'Mount',
    `The leftmost lower layer is the topmost. The command returns when the mount is live; a daemon
     of its own serves it from then on.`,
  )
  let status = /** @type {number | null} */ (null)
  stage.beforeAndAfter(() => {
    status = stage.run(mountCommand).status
  })
  stage.claim('the command exits 0', status, 0)
  stage.claim('merged is a mount point', stage.isMounted(), true)
  if (status !== 0 || !stage.isMounted()) return false
  const union = [...new Set([...namesIn(stage.path('app')), ...namesIn(stage.path('base'))])]
  stage.claim(
    'merged shows every name of both layers once',
    namesIn(stage.path('merged')),
    ordered(union),
  )
  stage.claim('upper is still empty', namesIn(stage.path('upper')), [])
  return true
}

/** @param {Stage} stage */
function sameName(stage) {
  stage.heading(
    'The same name in two layers',
    `config.txt exists in app and in base. The topmost one is seen.`,
  )
  const { stdout } = stage.run('cat merged/config.txt')
  stage.claim('merged/config.txt is the one of app', stdout, stage.text('app', 'config.txt'))
}

/** @param {Stage} stage */
function reading(stage) {
  stage.heading(
    'Reading',
    'Reading and executing use the layers where they are: nothing is copied.',
  )
  stage.beforeAndAfter(() => {
    const hello = stage.run('merged/bin/hello.sh')
    stage.claim('a program of a lower layer runs', hello.stdout, 'hello from layer app\n')
    const read = stage.run('cat merged/README.txt')
    stage.claim('README.txt is read from base', read.stdout, stage.text('base', 'README.txt'))
  })
  stage.claim('upper is still empty', namesIn(stage.path('upper')), [])
}

/** @param {Stage} stage */
function firstWrite(stage) {
  stage.heading(
    'First write: copy-up',
    `README.txt lies in a read-only layer. The first open for writing copies it to upper, whole
     and with its attributes; the write then goes to the copy.`,
  )
  const merged = stage.path('merged', 'README.txt')
  const before = lstatSync(merged, { bigint: true })
  stage.beforeAndAfter(() => stage.run('echo "second line, written by us" >> merged/README.txt'))
  const content = 'first line, from base\nsecond line, written by us\n'
  const after = lstatSync(merged, { bigint: true })
  stage.claim('merged/README.txt has both lines', stage.text('merged', 'README.txt'), content)
  stage.claim('upper/README.txt is that file', stage.text('upper', 'README.txt'), content)
  stage.claim('its inode number is the one it had', String(after.ino), String(before.ino))
  stage.claim('its owner and mode are those it had', stamp(after), stamp(before))
  stage.claimLowersUntouched()
}

/** @param {Stage} stage */
function deleteLower(stage) {
  stage.heading(
    'Delete a lower file: whiteout',
    `config.txt cannot be removed from the read-only layers, so its name is covered in upper
     by a whiteout: a character device with the numbers 0,0. It hides the name in all layers
     below, base included.`,
  )
  stage.beforeAndAfter(() => stage.run('rm merged/config.txt; ls -l upper/config.txt'))
  stage.claim(
    'upper/config.txt is a character device 0,0',
    isWhiteout(stage.path('upper', 'config.txt')),
    true,
  )
  stage.claim('the name is gone from merged', exists(stage.path('merged', 'config.txt')), false)
  stage.claimLowersUntouched()
}

/** @param {Stage} stage */
function deleteUpper(stage) {
  stage.heading(
    'Delete an upper-only file: no whiteout',
    `notes.txt is in no lower layer. Nothing has to be hidden, so its deletion leaves no trace.`,
  )
  stage.run('echo remember > merged/notes.txt')
  stage.claim('notes.txt is born in upper', stage.text('upper', 'notes.txt'), 'remember\n')
  stage.beforeAndAfter(() => stage.run('rm merged/notes.txt'))
  stage.claim('upper has nothing of that name', exists(stage.path('upper', 'notes.txt')), false)
}

/** @param {Stage} stage */
function recreateDirectory(stage) {
  stage.heading(
    'Delete a directory and make it again: opaque',
    `Removing docs leaves a whiteout. A new docs must not bring the old files back, so it is
     marked with the extended attribute overlay.opaque=y: nothing below it is merged.`,
  )
  stage.beforeAndAfter(() => stage.run('rm -r merged/docs'))
  stage.claim('upper/docs is a whiteout', isWhiteout(stage.path('upper', 'docs')), true)
  stage.beforeAndAfter(() => stage.run('mkdir merged/docs && echo new > merged/docs/new.txt'))
  const mark = opaqueMark(stage.path('upper', 'docs'))
  console.log(`   upper/docs carries ${mark ?? 'no mark'}="y"`)
  stage.claim('upper/docs is opaque', mark?.endsWith('overlay.opaque'), true)
  stage.claim('merged/docs holds the new file only', namesIn(stage.path('merged', 'docs')), [
    'new.txt',
  ])
  stage.claimLowersUntouched()
}

/** @param {Stage} stage */
function renameDirectory(stage) {
  stage.heading(
    'Rename a lower directory: EXDEV, and mv copes',
    `photos and its files lie in base. Renaming it would mean copying a tree of any size inside
     one system call, so rename(2) answers EXDEV, "cross-device link", as kernel overlayfs does
     by default. mv knows that answer: it copies, then deletes.`,
  )
  const from = stage.path('merged', 'photos')
  const errno = errnoOf(() => renameSync(from, stage.path('merged', 'pictures')))
  console.log(`\n   rename("merged/photos", "merged/pictures") = ${errno}`)
  stage.claim('rename(2) answers EXDEV', errno, 'EXDEV')
  stage.claim('and has changed nothing in upper', exists(stage.path('upper', 'photos')), false)
  let status = /** @type {number | null} */ (null)
  stage.beforeAndAfter(() => {
    status = stage.run('mv merged/photos merged/pictures').status
  })
  stage.claim('mv exits 0', status, 0)
  stage.claim('the files are under the new name', namesIn(stage.path('merged', 'pictures')), [
    'cat.txt',
    'dog.txt',
  ])
  stage.claim('with their content', stage.text('merged', 'pictures', 'cat.txt'), 'a cat\n')
  stage.claim('the old name is a whiteout', isWhiteout(stage.path('upper', 'photos')), true)
  stage.claimLowersUntouched()
}

/** @param {Stage} stage */
async function unmount(stage) {
  stage.heading(
    'Unmount',
    `The union disappears, the daemon ends by itself; every change stays in upper.`,
  )
  stage.merged = namesIn(stage.path('merged'))
  const upper = namesIn(stage.path('upper'))
  let status = /** @type {number | null} */ (null)
  stage.beforeAndAfter(() => {
    status = stage.run('tsoverlayfs umount merged').status
  })
  stage.claim('the command exits 0', status, 0)
  stage.claim('merged is no mount point any more', stage.isMounted(), false)
  stage.claim('merged is an empty directory', namesIn(stage.path('merged')), [])
  stage.claim('upper keeps every change', namesIn(stage.path('upper')), upper)
  stage.claim('no process of the mount is left', await processesAfterAWhile(stage), [])
  stage.claim('work holds nothing that lasts', leftInWork(stage), [])
}

/** @param {Stage} stage */
function again(stage) {
  stage.heading('And again', 'A later mount of the same directories shows the same tree.')
  const { status } = stage.run(mountCommand)
  stage.claim('the command exits 0', status, 0)
  if (status === 0) {
    stage.claim('merged is what it was', namesIn(stage.path('merged')), stage.merged)
    stage.claim('and goes away again', stage.run('tsoverlayfs umount merged').status, 0)
  }
  withTheKernel(stage)
  stage.claimLowersUntouched()
}

/**
 * The disk format is the kernel's: let it read what we wrote, where it is willing.
 * @param {Stage} stage
 */
function withTheKernel(stage) {
  if (!readFileSync('/proc/filesystems', 'latin1').includes('\toverlay\n')) {
    console.log(
      '\n   (kernel overlayfs is not available here: that it reads our upper is not shown)',
    )
    return
  }
  console.log('\n   What lies in upper is the format of kernel overlayfs, which can take over:')
  const options = `${userxattrOption(stage)}lowerdir=app:base,upperdir=upper,workdir=work`
  const { status } = stage.run(`mount -t overlay overlay -o ${options} merged`)
  if (status !== 0) {
    console.log(
      '   (the kernel refuses overlay mounts here, for example within a container: not shown)',
    )
    return
  }
  stage.claim('the kernel shows the same tree', namesIn(stage.path('merged')), stage.merged)
  stage.claim('and goes away again', stage.run('umount merged').status, 0)
}

/** Inside a user namespace the marks are in user.overlay. @param {Stage} stage */
function userxattrOption(stage) {
  return opaqueMark(stage.path('upper', 'docs'))?.startsWith('user.') === true ? 'userxattr,' : ''
}

/** The daemon ends after the umount command, not before it. @param {Stage} stage */
async function processesAfterAWhile(stage) {
  for (let attempt = 0; attempt < 100 && stage.processes().length > 0; attempt += 1) {
    await sleep(50)
  }
  return stage.processes()
}

/**
 * Names in work beside the scratch directories and the shared whiteout, which the next mount wipes.
 * @param {Stage} stage
 */
function leftInWork(stage) {
  const scratch = readdirSync(stage.path('work')).filter(
    (name) => !['work', 'index'].includes(name),
  )
  const inner = exists(stage.path('work', 'work')) ? readdirSync(stage.path('work', 'work')) : []
  return [...scratch, ...inner.filter((name) => !isWhiteout(stage.path('work', 'work', name)))]
}

/** @param {import('node:fs').BigIntStats} stat */
function stamp(stat) {
  return `${stat.mode}:${stat.uid}:${stat.gid}`
}

/** @param {string} path */
function exists(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** @param {() => void} act */
function errnoOf(act) {
  try {
    act()
    return 'success'
  } catch (error) {
    if (error instanceof Error && 'code' in error) return String(error.code)
    throw error
  }
}

/** Names in the order treeOf lists them. @param {string[]} names */
function ordered(names) {
  return names.sort((a, b) => (a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1))
}
