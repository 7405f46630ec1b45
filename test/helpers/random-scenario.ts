/** Scenarios that fast-check generates: small trees, few names, so that everything meets. */
import fc from 'fast-check'
import { encodeAcl } from './acl.js'
import type { Caller, Operation, RenameFlag } from './operation.js'
import type { Round, Scenario, Transition } from './scenario.js'

/** The bytes of the last are no UTF-8. */
const NAMES = ['a', 'b', 'c', 'd', 'e\xff'] as const

const name = fc.constantFrom(...NAMES)
const path = fc.oneof(
  { weight: 5, arbitrary: name },
  { weight: 5, arbitrary: fc.tuple(name, name).map((names) => names.join('/')) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map((names) => names.join('/')) },
)
const fileMode = fc.constantFrom(0o644, 0o600, 0o755, 0o4755, 0o2755, 0o666)
const dirMode = fc.constantFrom(0o755, 0o755, 0o777, 0o1777, 0o2775, 0o700)
const text = fc.constantFrom('', 'x', 'hello', 'longer text '.repeat(30))
const size = fc.constantFrom(0, 1, 5, 4096, 10000)
const owner = fc.constantFrom(0, 1000, 1001)
const xattrName = fc.constantFrom(
  'user.one',
  'user.two',
  'trusted.three',
  'trusted.overlay.opaque',
  'user.overlay.origin',
)
const time = fc.constantFrom([1_000_000, 0] as const, [1_000_000_001, 123_456_789] as const)
const acl = encodeAcl({ user: 7, users: { 1000: 6 }, group: 5, mask: 7, other: 1 })
const aclName = fc.constantFrom('system.posix_acl_access', 'system.posix_acl_default')

type Of<K extends Operation['op']> = K extends 'mkdir'
  ? { op: K; path: string; mode: number }
  : Extract<Operation, { op: K }>

function operation<T extends { op: Operation['op'] }>(
  op: T['op'],
  rest: { [K in Exclude<keyof T, 'op' | 'by'>]?: fc.Arbitrary<T[K]> },
): fc.Arbitrary<Operation> {
  return fc.record({ op: fc.constant(op), ...rest }) as fc.Arbitrary<Operation>
}

const whiteout = path.map((at): Operation => ({
  op: 'mknod',
  path: at,
  kind: 'char',
  mode: 0,
  major: 0,
  minor: 0,
}))
const opaque = path.map((at): Operation => ({
  op: 'setxattr',
  path: at,
  name: 'trusted.overlay.opaque',
  value: 'y',
}))

/** none, immutable, append-only, both, noatime, sync. */
const inodeFlags = fc.constantFrom(0, 0, 0x10, 0x20, 0x30, 0x80, 0x08)
const setFlags = operation<Of<'setflags'>>('setflags', { path, flags: inodeFlags })

const layerEntry: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 8, arbitrary: operation<Of<'mkdir'>>('mkdir', { path, mode: dirMode }) },
  { weight: 8, arbitrary: operation<Of<'create'>>('create', { path, mode: fileMode, data: text }) },
  { weight: 4, arbitrary: whiteout },
  { weight: 2, arbitrary: opaque },
  { weight: 2, arbitrary: operation<Of<'symlink'>>('symlink', { path, target: path }) },
  {
    weight: 1,
    arbitrary: path.map((at): Operation => ({ op: 'mknod', path: at, kind: 'fifo', mode: 0o644 })),
  },
  { weight: 4, arbitrary: operation<Of<'link'>>('link', { from: path, to: path }) },
  {
    weight: 1,
    arbitrary: operation<Of<'setxattr'>>('setxattr', { path, name: xattrName, value: text }),
  },
  {
    weight: 1,
    arbitrary: operation<Of<'setxattr'>>('setxattr', {
      path,
      name: aclName,
      value: fc.constant(acl),
    }),
  },
  { weight: 1, arbitrary: operation<Of<'chown'>>('chown', { path, uid: owner, gid: owner }) },
  { weight: 1, arbitrary: setFlags },
)

/** Directories first, so that the entries below them have where to go. */
function layer(maxLength: number): fc.Arbitrary<Operation[]> {
  return fc
    .tuple(
      fc.array(operation<Of<'mkdir'>>('mkdir', { path: name, mode: dirMode }), { maxLength: 3 }),
      fc.array(layerEntry, { maxLength, size: 'max' }),
    )
    .map(([directories, entries]) => [...directories, ...entries])
}

const renameFlags = fc.constantFrom<readonly RenameFlag[]>(
  [],
  [],
  [],
  [],
  ['noreplace'],
  ['exchange'],
  ['exchange'],
  ['whiteout'],
)
const handle = fc.constantFrom('h', 'i')

const changes: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 6, arbitrary: operation<Of<'create'>>('create', { path, mode: fileMode, data: text }) },
  { weight: 6, arbitrary: operation<Of<'mkdir'>>('mkdir', { path, mode: dirMode }) },
  { weight: 8, arbitrary: path.map((at): Operation => ({ op: 'unlink', path: at })) },
  { weight: 6, arbitrary: path.map((at): Operation => ({ op: 'rmdir', path: at })) },
  {
    weight: 12,
    arbitrary: operation<Of<'rename'>>('rename', { from: path, to: path, flags: renameFlags }),
  },
  { weight: 4, arbitrary: operation<Of<'link'>>('link', { from: path, to: path }) },
  { weight: 2, arbitrary: operation<Of<'symlink'>>('symlink', { path, target: path }) },
  {
    weight: 1,
    arbitrary: path.map((at): Operation => ({ op: 'mknod', path: at, kind: 'fifo', mode: 0o600 })),
  },
  {
    weight: 3,
    arbitrary: operation<Of<'write'>>('write', { path, data: text, offset: size }),
  },
  { weight: 3, arbitrary: operation<Of<'append'>>('append', { path, data: text }) },
  { weight: 2, arbitrary: operation<Of<'truncate'>>('truncate', { path, size }) },
  { weight: 2, arbitrary: path.chain((at) => chmodOf(at)) },
  { weight: 2, arbitrary: setFlags },
  { weight: 2, arbitrary: operation<Of<'chown'>>('chown', { path, uid: owner, gid: owner }) },
  { weight: 2, arbitrary: operation<Of<'utimens'>>('utimens', { path, atime: time, mtime: time }) },
  {
    weight: 2,
    arbitrary: operation<Of<'setxattr'>>('setxattr', { path, name: xattrName, value: text }),
  },
  {
    weight: 1,
    arbitrary: operation<Of<'setxattr'>>('setxattr', {
      path,
      name: aclName,
      value: fc.constant(acl),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ path, name: fc.oneof(xattrName, aclName) })
      .map((rest): Operation => ({ op: 'removexattr', ...rest })),
  },
)

function chmodOf(at: string): fc.Arbitrary<Operation> {
  return fileMode.map((mode): Operation => ({ op: 'chmod', path: at, mode }))
}

const looks: fc.Arbitrary<Operation> = fc.oneof(
  path.map((at): Operation => ({ op: 'stat', path: at })),
  path.map((at): Operation => ({ op: 'list', path: at })),
  path.map((at): Operation => ({ op: 'read', path: at })),
  path.map((at): Operation => ({ op: 'listxattr', path: at })),
  path.map((at): Operation => ({ op: 'readlink', path: at })),
  path.map((at): Operation => ({ op: 'getflags', path: at })),
)

const handles: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: operation<Of<'open'>>('open', {
      path,
      as: handle,
      flags: fc.constantFrom(
        ['read', 'nonblock'] as const,
        ['read-write', 'nonblock'] as const,
        ['read-write', 'create', 'nonblock'] as const,
        ['write', 'truncate', 'nonblock'] as const,
        ['read', 'directory'] as const,
      ),
    }),
  },
  { weight: 1, arbitrary: operation<Of<'fread'>>('fread', { handle, offset: size, size }) },
  { weight: 1, arbitrary: operation<Of<'fwrite'>>('fwrite', { handle, offset: size, data: text }) },
  { weight: 1, arbitrary: handle.map((as): Operation => ({ op: 'fstat', handle: as })) },
  { weight: 1, arbitrary: handle.map((as): Operation => ({ op: 'close', handle: as })) },
)

const callers = fc.constantFrom<Caller | undefined>(
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  { uid: 1000, gid: 1000 },
  { uid: 1001, gid: 1001, groups: [1000] },
)

const step: fc.Arbitrary<Operation> = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: changes },
      { weight: 3, arbitrary: looks },
      { weight: 3, arbitrary: handles },
    ),
    callers,
  )
  .map(([body, by]) => (by === undefined ? body : { ...body, by }))

/** Under userxattr the private attributes of layers are in the other namespace. */
function inNamespaceOf(options: string, script: readonly Operation[]): readonly Operation[] {
  if (!options.includes('userxattr')) return script
  return script.map((operation) =>
    operation.op === 'setxattr' && operation.name === 'trusted.overlay.opaque'
      ? { ...operation, name: 'user.overlay.opaque' }
      : operation,
  )
}

function roundsOf(
  script: readonly Operation[],
  cuts: readonly (readonly [at: number, then: Transition])[],
): Round[] {
  const rounds: Round[] = []
  let from = 0
  for (const [at, then] of [...cuts].sort((a, b) => a[0] - b[0])) {
    const end = Math.max(from, Math.min(script.length, at))
    rounds.push({ script: script.slice(from, end), then })
    from = end
  }
  rounds.push({ script: script.slice(from), then: 'remount' })
  return rounds
}

/** Option sets that kernel overlayfs accepts together with any layers. */
export const optionSets = [
  '',
  'redirect_dir=on',
  'redirect_dir=nofollow',
  'xino=on',
  'userxattr',
  'volatile',
  'redirect_dir=on,xino=on,volatile',
  'index=on',
  'userxattr,index=on',
  'redirect_dir=on,index=on,volatile',
  'redirect_dir=nofollow,index=on',
  'metacopy=on',
  'redirect_dir=on,index=on',
  'metacopy=on,index=on,xino=on',
] as const

/**
 * Scenarios of 20 to 60 operations over 1 to 5 lower layers, in up to three rounds.
 * @param options sets to choose from
 */
export function randomScenario(options: readonly string[]): fc.Arbitrary<Scenario> {
  return fc
    .record({
      scratch: fc.constantFrom('disk' as const, 'tmpfs' as const),
      lowers: fc.array(layer(14), { minLength: 1, maxLength: 5, size: 'max' }),
      upper: fc.oneof(fc.constant([]), layer(6)),
      options: fc.constantFrom(...options),
      script: fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }),
      cuts: fc.array(
        fc.tuple(fc.nat({ max: 60 }), fc.constantFrom('remount' as const, 'rotate' as const)),
        { maxLength: 2, size: 'max' },
      ),
    })
    .map(({ script, cuts, ...rest }) => ({
      ...rest,
      lowers: rest.lowers.map((lower) => inNamespaceOf(rest.options, lower)),
      upper: inNamespaceOf(rest.options, rest.upper),
      rounds: roundsOf(script, cuts),
    }))
}
