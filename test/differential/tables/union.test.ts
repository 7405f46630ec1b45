/**
 * What unionmount-testsuite asks: every way to open every kind of object, directly, through links and
 * with a slash at the end, by root and by who may not; renames over everything. Then all of it again
 * over what was left, with upper as one more lower layer.
 */
import { dirKinds, fileKinds, objectKinds, place } from '../../helpers/object-kinds.js'
import type { Caller, OpenFlag, Operation } from '../../helpers/operation.js'
import { dir, file } from '../../helpers/standard-layers.js'
import { candidateName } from '../../helpers/subject.js'
import { type Row, runTable } from '../../helpers/table.js'

const user: Caller = { uid: 1000, gid: 1000 }

const accessModes: readonly OpenFlag[] = ['read', 'write', 'read-write']
const extras: readonly (readonly OpenFlag[])[] = [
  [],
  ['truncate'],
  ['append'],
  ['create'],
  ['create', 'truncate'],
  ['create', 'append'],
  ['create', 'exclusive'],
  ['create', 'exclusive', 'truncate'],
  ['truncate', 'append'],
  ['create', 'truncate', 'append'],
  ['directory'],
  ['directory', 'create'],
  ['directory', 'truncate'],
  ['nofollow'],
  ['nofollow', 'truncate'],
  ['nofollow', 'create'],
]
const ways = accessModes.flatMap((access) => extras.map((more): OpenFlag[] => [access, ...more]))

/** What is opened: the object of a name, or what links of a name lead to. */
interface Target {
  readonly name: string
  readonly make: (path: string) => readonly Operation[]
}

const link = (path: string, target: string): Operation => ({ op: 'symlink', path, target })

const targets: readonly Target[] = [
  { name: 'file', make: (path) => [file(path, ':xxx:yyy:zzz', 0o644)] },
  { name: 'nothing', make: () => [] },
  { name: 'link to file', make: (path) => [file(`${path}.f`, 'f'), link(path, `${path}.f`)] },
  {
    name: 'link to link to file',
    make: (path) => [
      file(`${path}.f`, 'f'),
      link(`${path}.l`, `${path}.f`),
      link(path, `${path}.l`),
    ],
  },
  { name: 'link to nothing', make: (path) => [link(path, `${path}.none`)] },
  {
    name: 'link to link to nothing',
    make: (path) => [link(`${path}.l`, `${path}.none`), link(path, `${path}.l`)],
  },
  { name: 'directory', make: (path) => [dir(path), file(`${path}/a`)] },
  { name: 'link to directory', make: (path) => [dir(`${path}.d`), link(path, `${path}.d`)] },
  {
    name: 'link to link to directory',
    make: (path) => [dir(`${path}.d`), link(`${path}.l`, `${path}.d`), link(path, `${path}.l`)],
  },
  {
    name: 'hard link',
    make: (path) => [file(path, 'linked'), { op: 'link', from: path, to: `${path}.too` }],
  },
  { name: 'fifo', make: (path) => [{ op: 'mknod', path, kind: 'fifo', mode: 0o644 }] },
  { name: 'socket', make: (path) => [{ op: 'mknod', path, kind: 'socket', mode: 0o644 }] },
]

function opened(path: string, slash: string, flags: readonly OpenFlag[], by?: Caller): Operation[] {
  const as = by === undefined ? {} : { by }
  return [
    { op: 'open', path: path + slash, as: 'h', flags, ...as },
    { op: 'fread', handle: 'h', offset: 0, size: 20 },
    { op: 'fwrite', handle: 'h', offset: 1, data: 'written' },
    { op: 'close', handle: 'h' },
    { op: 'stat', path },
    { op: 'read', path },
  ]
}

function openRow({ name, make }: Target, slash: string, by?: Caller): Row {
  const paths = ways.map((_, at) => `o${at}`)
  const script = ways.flatMap((flags, at) => opened(`o${at}`, slash, flags, by))
  const who = by === undefined ? '' : ', by who may not write'
  return {
    title: `every way to open a ${name}${slash === '' ? '' : ' with a slash'}${who}, on and on`,
    lowers: [[{ op: 'stat', path: '.' }, ...paths.flatMap(make)]],
    script: [{ op: 'stat', path: '.' }, ...script],
    then: [...script, { op: 'list', path: '.' }],
    last: script,
    rotates: true,
  }
}

/** The options change the overlay, not what carries requests to it. */
const isLibfuse = candidateName() === 'libfuse'
const optionSets = isLibfuse
  ? ['redirect_dir=on']
  : ['', 'redirect_dir=on', 'xino=on', 'redirect_dir=on,metacopy=on']

/** Renamed over everything, looked at, renamed back over layers that the first round left. */
const renames: readonly Row[] = [...fileKinds, ...dirKinds].map((source) => {
  const pairs = objectKinds.map((target) => ({ target, path: `to-${target.name}` }))
  const { lower, setup } = place(
    pairs.flatMap(({ target, path }) => [
      [source, `${path}/a`] as const,
      [target, `${path}/b`] as const,
    ]),
  )
  const look = ({ path }: { path: string }): Operation[] => [
    { op: 'list', path },
    { op: 'stat', path: `${path}/a` },
    { op: 'stat', path: `${path}/b` },
    { op: 'list', path: `${path}/b` },
  ]
  return {
    title: `rename a ${source.name} over everything, and back in layers above`,
    lower,
    setup,
    layers: [2],
    rotates: true,
    options: optionSets,
    script: pairs.flatMap(({ path }): Operation[] => [
      { op: 'rename', from: `${path}/a`, to: `${path}/b` },
      { op: 'rename', from: `${path}/a/`, to: `${path}/b/` },
    ]),
    then: pairs.flatMap((pair): Operation[] => [
      ...look(pair),
      { op: 'rename', from: `${pair.path}/b`, to: `${pair.path}/a` },
      file(`${pair.path}/b`, 'in its place'),
    ]),
    last: pairs.flatMap((pair): Operation[] => [
      ...look(pair),
      { op: 'unlink', path: `${pair.path}/b` },
      { op: 'unlink', path: `${pair.path}/a` },
      { op: 'rmdir', path: `${pair.path}/a` },
      { op: 'list', path: `${pair.path}/a` },
      { op: 'rename', from: pair.path, to: `${pair.path}.moved` },
    ]),
  }
})

/** Taken away, made anew as everything else, taken away again, layer over layer. */
const recycled: readonly Row[] = objectKinds.map((kind) => {
  const makers: readonly ((path: string) => Operation)[] = [
    (path) => file(path, 'anew'),
    (path) => dir(path),
    (path) => link(path, 'anywhere'),
    (path) => ({ op: 'mknod', path, kind: 'fifo', mode: 0o600 }),
    (path) => ({ op: 'link', from: 'source', to: path }),
    (path) => ({ op: 'rename', from: `${path}.full`, to: path }),
  ]
  const at = (index: number): string => `d/o${index}`
  const objects = makers.map((_, index) => [kind, at(index)] as const)
  const { lower, setup } = place(objects)
  const remove = (path: string): Operation[] => [
    { op: 'unlink', path },
    { op: 'unlink', path: `${path}/x` },
    { op: 'unlink', path: `${path}/y` },
    { op: 'rmdir', path },
  ]
  const each = (use: (path: string, index: number) => readonly Operation[]): Operation[] =>
    makers.flatMap((_, index) => [...use(at(index), index)])
  const look = each((path) => [
    { op: 'stat', path },
    { op: 'list', path },
  ])
  const removed = each((path) => remove(path))
  const made = each((path, index) => [
    dir(`${path}.full`),
    file(`${path}.full/y`),
    makers[index]?.(path) ?? { op: 'stat', path },
    file(`${path}/y`, 'in it'),
  ])
  return {
    title: `a ${kind.name} removed, made anew and removed in layer over layer`,
    lower: (index, count) => [...lower(index, count), file('source', 'source')],
    setup,
    layers: [1, 2],
    options: optionSets,
    rotates: true,
    script: [...look, ...removed, { op: 'list', path: 'd' }, ...made],
    then: [...look, ...removed, { op: 'list', path: 'd' }, ...made, ...removed],
    last: [...look, { op: 'list', path: 'd' }, ...removed, ...made, { op: 'list', path: 'd' }],
  }
})

/** As the testsuite without --samefs: upper, and so the layers of later rounds, elsewhere. */
const elsewhere = [...renames, ...recycled].map((row): Row => ({
  ...row,
  title: `${row.title}, upper elsewhere`,
  options: ['', 'xino=on,redirect_dir=on'],
  more: { upperElsewhere: true },
}))

await runTable('3.4 to 3.8, union', [
  ...targets.flatMap((target) => [openRow(target, ''), openRow(target, '/')]),
  ...targets.map((target) => openRow(target, '', user)),
  ...renames,
  ...recycled,
  ...(isLibfuse ? [] : elsewhere),
])
