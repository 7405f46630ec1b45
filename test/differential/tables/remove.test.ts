/** SEMANTICS.md 3.7: unlink and rmdir of everything there can be, and what stays of it. */
import { dirKinds, fileKinds, objectKinds, place } from '../../helpers/object-kinds.js'
import type { Caller, OpenFlag, Operation } from '../../helpers/operation.js'
import { dir, file, whiteout } from '../../helpers/standard-layers.js'
import { type Row, runTable } from '../../helpers/table.js'

const user: Caller = { uid: 1000, gid: 1000 }
const optionSets = ['', 'redirect_dir=on', 'userxattr']

function onEverything(op: 'unlink' | 'rmdir'): Row {
  return {
    title: `${op} of every object, twice, and again after a remount`,
    ...place(objectKinds.map((kind) => [kind, `in/${kind.name}`])),
    script: [
      { op: 'stat', path: 'in' },
      ...objectKinds.flatMap(({ name }): Operation[] => [
        { op, path: `in/${name}/` },
        { op, path: `in/${name}` },
        { op, path: `in/${name}` },
        { op: 'stat', path: `in/${name}` },
      ]),
      { op: 'list', path: 'in' },
    ],
    then: [
      { op: 'list', path: 'in' },
      ...objectKinds.map(({ name }): Operation => ({ op, path: `in/${name}` })),
      { op: 'stat', path: 'in' },
    ],
    options: optionSets,
  }
}

/** Every directory is emptied name by name, then removed, and what held it as well. */
const trees: Row = {
  title: 'rmdir of every directory once it is empty, and of the one above',
  ...place(dirKinds.map((kind) => [kind, `in/${kind.name}/d`])),
  script: dirKinds.flatMap(({ name }): Operation[] => {
    const path = `in/${name}/d`
    return [
      { op: 'sweep', path, size: 1000 },
      ...['d', 'x', 'y', 'u'].map((child): Operation => ({
        op: 'rmdir',
        path: `${path}/${child}`,
      })),
      { op: 'list', path },
      { op: 'rmdir', path },
      { op: 'rmdir', path: `in/${name}` },
    ]
  }),
  then: [{ op: 'list', path: 'in' }],
  options: optionSets,
}

/** Removed, made again, removed again: what upper holds must not grow or leak. */
const again: Row = {
  title: 'removed, made anew, removed: everything as everything else',
  ...place([...fileKinds, ...dirKinds].map((kind) => [kind, `in/${kind.name}`])),
  layers: [2],
  script: [...fileKinds, ...dirKinds].flatMap(({ name, isDir }): Operation[] => {
    const path = `in/${name}`
    const remove: Operation[] =
      isDir === true
        ? [
            { op: 'sweep', path, size: 1000 },
            { op: 'rmdir', path: `${path}/d` },
            { op: 'rmdir', path },
          ]
        : [{ op: 'unlink', path }]
    return [
      ...remove,
      dir(path),
      { op: 'list', path },
      { op: 'rmdir', path },
      file(path, 'again'),
      { op: 'unlink', path },
      { op: 'symlink', path, target: 'again' },
      { op: 'unlink', path },
      dir(path),
      file(`${path}/in`),
    ]
  }),
  then: [{ op: 'list', path: 'in' }],
  options: ['', 'redirect_dir=on'],
}

/** The directory that replaces an upper one full of whiteouts is exchanged for it in one step. */
const cleared: Row = {
  title: 'rmdir of directories that hold whiteouts only',
  lowers: [
    [dir('two'), whiteout('two/b'), dir('top')],
    [
      ...['one', 'two', 'attributes', 'nested', 'nested/in', 'user', 'renamed'].flatMap((path) => [
        dir(path),
        file(`${path}/a`),
        file(`${path}/b`),
      ]),
    ],
  ],
  setup: [
    ...['one', 'two', 'attributes', 'nested/in', 'user', 'renamed'].flatMap((path): Operation[] => [
      { op: 'unlink', path: `${path}/a` },
      { op: 'unlink', path: `${path}/b` },
    ]),
    { op: 'setxattr', path: 'attributes', name: 'user.note', value: 'v' },
    { op: 'chown', path: 'attributes', uid: 3, gid: 4 },
    { op: 'chmod', path: 'attributes', mode: 0o3755 },
    { op: 'chown', path: 'user', uid: 1000, gid: 1000 },
    dir('upper'),
  ],
  script: [
    { op: 'rmdir', path: 'one' },
    { op: 'rmdir', path: 'two' },
    { op: 'rmdir', path: 'attributes' },
    { op: 'rmdir', path: 'nested' },
    { op: 'rmdir', path: 'nested/in' },
    { op: 'list', path: 'nested' },
    { op: 'rmdir', path: 'user', by: user },
    { op: 'rename', from: 'upper', to: 'renamed' },
    { op: 'list', path: 'renamed' },
    { op: 'list', path: '.' },
  ],
  options: optionSets,
}

const refused: Row = {
  title: 'what cannot be removed',
  refused: true,
  layers: [2],
  script: [
    ...['ld', 'm', 'ud', 'uo', 'um', 'defacl/..', '.', 'ld/.'].map((path): Operation => ({
      op: 'rmdir',
      path,
    })),
    ...['f', 'u', 's', 'sd', 'p', 'f/x', 'absent', 'wf', 'wf/x', 'x'.repeat(256)].map(
      (path): Operation => ({ op: 'rmdir', path }),
    ),
    ...['ld', 'ue', 'm', 'absent', 'wf', 'f/x', 'x'.repeat(256), '.', 'f/'].map(
      (path): Operation => ({ op: 'unlink', path }),
    ),
    ...['f', 'u', 'private/in', 'sticky'].map((path): Operation => ({
      op: 'unlink',
      path,
      by: user,
    })),
    { op: 'rmdir', path: 'le', by: user },
  ],
}

const permissions: Row = {
  title: 'as an ordinary user: sticky directories, other owners’ directories',
  lowers: [
    [
      dir('open'),
      { op: 'chmod', path: 'open', mode: 0o777 },
      dir('sticky'),
      { op: 'chmod', path: 'sticky', mode: 0o1777 },
      ...['open', 'sticky'].flatMap((path): Operation[] => [
        file(`${path}/root`),
        file(`${path}/mine`),
        { op: 'chown', path: `${path}/mine`, uid: 1000, gid: 1000 },
        dir(`${path}/dir`),
        dir(`${path}/own`),
        { op: 'chown', path: `${path}/own`, uid: 1000, gid: 1000 },
        file(`${path}/own/in`),
      ]),
    ],
  ],
  script: ['open', 'sticky'].flatMap((path): Operation[] => [
    { op: 'unlink', path: `${path}/root`, by: user },
    { op: 'unlink', path: `${path}/mine`, by: user },
    { op: 'rmdir', path: `${path}/dir`, by: user },
    { op: 'unlink', path: `${path}/own/in`, by: user },
    { op: 'rmdir', path: `${path}/own`, by: user },
  ]),
}

/** Calls on a descriptor whose name is gone. */
function onOrphan(flags: readonly OpenFlag[], title: string, gone: 'unlink' | 'over'): Row {
  // Regular files only: a lower fifo that is changed after its end comes back to life in the kernel.
  const orphans = ['f', 'big', 'cu', 'u', 'uhl', 'hl1', 's', 'acl', 'ud/x']
  return {
    title,
    layers: [2],
    script: orphans.flatMap((path): Operation[] => [
      { op: 'open', path, as: 'h', flags },
      { op: 'open', path, as: 'r', flags: ['read'] },
      ...(gone === 'unlink'
        ? ([{ op: 'unlink', path }] as const)
        : ([file('over', 'over'), { op: 'rename', from: 'over', to: path }] as const)),
      { op: 'fstat', handle: 'h' },
      { op: 'fread', handle: 'h', offset: 0, size: 30 },
      { op: 'fwrite', handle: 'h', offset: 3, data: 'written' },
      { op: 'fread', handle: 'r', offset: 0, size: 30 },
      { op: 'fchmod', handle: 'h', mode: 0o4711 },
      { op: 'fchown', handle: 'h', uid: 3, gid: 4 },
      { op: 'futimens', handle: 'h', atime: [1, 2], mtime: [3, 4] },
      { op: 'fsetxattr', handle: 'h', name: 'user.orphan', value: 'v' },
      { op: 'fgetxattr', handle: 'h', name: 'user.note' },
      { op: 'ftruncate', handle: 'h', size: 5 },
      { op: 'fallocate-handle', handle: 'h', mode: 'allocate', offset: 0, size: 1000 },
      { op: 'fsync', handle: 'h' },
      { op: 'fstat', handle: 'h' },
      { op: 'link-handle', handle: 'h', to: 'linked' },
      { op: 'reopen', handle: 'h', as: 'again', flags: ['read'] },
      { op: 'reopen', handle: 'h', as: 'again', flags: ['write'] },
      { op: 'fread', handle: 'r', offset: 0, size: 30 },
      { op: 'close', handle: 'h' },
      { op: 'fread', handle: 'r', offset: 0, size: 30 },
    ]),
    then: [{ op: 'list', path: '.' }],
  }
}

const recreated: Row = {
  title: 'a descriptor of a file whose name is another’s now',
  layers: [2],
  script: ['f', 'u', 'cu'].flatMap((path): Operation[] => [
    { op: 'open', path, as: 'old', flags: ['read'] },
    { op: 'unlink', path },
    file(path, 'the new one'),
    { op: 'fread', handle: 'old', offset: 0, size: 100 },
    { op: 'read', path },
    { op: 'fchmod', handle: 'old', mode: 0o600 },
    { op: 'stat', path },
    { op: 'append', path, data: ', longer' },
    { op: 'fread', handle: 'old', offset: 0, size: 100 },
    { op: 'fstat', handle: 'old' },
    { op: 'link', from: path, to: `${path}.linked` },
    { op: 'read', path: `${path}.linked` },
  ]),
}

await runTable('3.7', [
  onEverything('unlink'),
  onEverything('rmdir'),
  trees,
  again,
  cleared,
  refused,
  permissions,
  onOrphan(['read'], 'a descriptor for reading, its name unlinked', 'unlink'),
  onOrphan(['read-write'], 'a descriptor for writing, its name unlinked', 'unlink'),
  onOrphan(['path'], 'a descriptor for nothing, its name unlinked', 'unlink'),
  onOrphan(['read'], 'a descriptor for reading, its name taken by a rename', 'over'),
  onOrphan(['read-write'], 'a descriptor for writing, its name taken by a rename', 'over'),
  recreated,
])
