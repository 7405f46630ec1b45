/** Paths to nodes: what is looked up, what is kept, and that every lookup is given back. */
import t from 'tap'
import {
  type Entry,
  type RequestContext,
  makeAttributes,
} from '../../../../../src/fuse/raw-filesystem.js'
import {
  PathTable,
  isHiding,
  nameOf,
  parentOf,
} from '../../../../../src/fuse/transport/libfuse/path-table.js'
import { References } from '../../../../../src/fuse/transport/libfuse/references.js'
import { EIO, ENOENT } from '../../../../../src/sys/errno.js'
import { MemoryFilesystem } from '../../../../helpers/fuse/memory-filesystem.js'

const request: RequestContext = {
  opcode: 0,
  uniqueLo: 0,
  uniqueHi: 0,
  uid: 0,
  gid: 0,
  pid: 0,
  resent: false,
}

/** Counts lookups, by name. */
class CountingFilesystem extends MemoryFilesystem {
  readonly looked: string[] = []
  failing = ''

  override lookup(...[ctx, parent, name, out]: Parameters<MemoryFilesystem['lookup']>): number {
    this.looked.push(name)
    return name === this.failing ? -EIO : super.lookup(ctx, parent, name, out)
  }
}

interface Stage {
  readonly filesystem: CountingFilesystem
  readonly references: References
  readonly paths: PathTable
}

function makeEntry(): Entry {
  return { nodeid: 0, attributes: makeAttributes(), entryTtlSec: 0, attrTtlSec: 0 }
}

/** `/d/e/f`, `/d/g`, `/h`; nothing is referred to. */
function stage(capacity?: number): Stage {
  const filesystem = new CountingFilesystem()
  const references = new References(filesystem)
  const paths = new PathTable(filesystem, request, references, capacity)
  const out = makeEntry()
  const d = make(1, 'd')
  const e = make(d, 'e')
  make(e, 'f')
  make(d, 'g')
  make(1, 'h')
  return { filesystem, references, paths }

  function make(parent: number, name: string): number {
    filesystem.mkdir(request, parent, name, 0o755, 0, out)
    filesystem.forget(out.nodeid, 1)
    return out.nodeid
  }
}

await t.test('parts of a path', async (t) => {
  t.strictSame(['/a', '/a/b', '/a/b/c'].map(parentOf), ['/', '/a', '/a/b'])
  t.strictSame(['/', '/a', '/a/b'].map(nameOf), ['', 'a', 'b'])
})

await t.test('every component is looked up once', async (t) => {
  const { filesystem, paths } = stage()
  t.equal(paths.resolve('/'), 1)
  t.strictSame(filesystem.looked, [], 'the root is known')
  const f = paths.resolve('/d/e/f')
  t.strictSame(filesystem.looked, ['d', 'e', 'f'])
  t.equal(paths.resolve('/d/e/f'), f)
  t.not(paths.resolve('/d/g'), f)
  t.strictSame(filesystem.looked, ['d', 'e', 'f', 'g'])
  t.strictSame(paths.locate('/d/e/new'), { parent: paths.resolve('/d/e'), name: 'new' })
  t.equal(filesystem.looked.length, 4)
})

await t.test('what is not there, and what fails', async (t) => {
  const { filesystem, paths } = stage()
  t.equal(paths.resolve('/d/none'), -ENOENT, 'a negative entry')
  t.equal(paths.resolve('/none/x'), -ENOENT)
  filesystem.failing = 'e'
  t.equal(paths.resolve('/d/e/f'), -EIO)
  t.equal(paths.locate('/d/e/f'), -EIO)
  paths.clear()
  t.equal(filesystem.outstanding, 0)
})

await t.test('one lookup is held for a node, however often it is referred to', async (t) => {
  const { filesystem, references, paths } = stage()
  const d = paths.resolve('/d')
  t.equal(filesystem.outstanding, 1)
  references.hold(d)
  references.hold(d)
  t.equal(filesystem.outstanding, 1)
  paths.drop('/d')
  references.release(d)
  t.equal(filesystem.outstanding, 1, 'held still')
  references.release(d)
  t.equal(filesystem.outstanding, 0)
  references.release(d)
  t.equal(filesystem.outstanding, 0, 'and not given back twice')
  references.hold(1)
  references.release(1)
  t.equal(references.size, 0, 'the root is not counted')
})

await t.test('two names of one node', async (t) => {
  const { filesystem, references, paths } = stage()
  const g = paths.resolve('/d/g')
  const out = makeEntry()
  filesystem.link(request, g, 1, 'other', out)
  paths.add('/other', out.nodeid)
  t.equal(filesystem.nodes.get(g)?.nlookup, 1)
  paths.drop('/d/g')
  t.equal(filesystem.nodes.get(g)?.nlookup, 1)
  paths.drop('/other')
  t.equal(filesystem.nodes.get(g)?.nlookup, 0)
  paths.clear()
  t.equal(references.size, 0)
})

await t.test('the least recently used path is given up', async (t) => {
  const { filesystem, paths } = stage(3)
  paths.resolve('/d/e')
  paths.resolve('/h')
  paths.resolve('/d')
  paths.resolve('/d/g')
  t.equal(paths.size, 3)
  t.equal(filesystem.outstanding, 3)
  filesystem.looked.length = 0
  paths.resolve('/h')
  paths.resolve('/d')
  t.strictSame(filesystem.looked, [], 'these were used later')
  paths.resolve('/d/e')
  t.strictSame(filesystem.looked, ['e'])
})

await t.test('a tree that is moved or removed', async (t) => {
  const { filesystem, paths } = stage()
  const f = paths.resolve('/d/e/f')
  paths.resolve('/d/g')
  paths.resolve('/h')
  paths.move('/d/e', '/h')
  t.equal(paths.resolve('/h/f'), f, 'known by its new path')
  filesystem.looked.length = 0
  t.equal(filesystem.outstanding, 4, 'what was at the new path is given back')
  paths.dropTree('/d')
  t.equal(filesystem.outstanding, 2)
  t.equal(paths.size, 2, 'a path that only begins alike is another')
  paths.clear()
  t.equal(filesystem.outstanding, 0)
})

await t.test('a removed file goes on under the name libfuse has for it', async (t) => {
  const { filesystem, paths } = stage()
  const hidden = '/d/.fuse_hidden0000000700000001'
  const g = paths.resolve('/d/g')
  paths.hide(hidden, g)
  paths.drop('/d/g')
  t.equal(paths.resolve(hidden), g)
  t.ok(paths.isHidden(hidden))
  paths.move('/d', '/x')
  const moved = '/x/.fuse_hidden0000000700000001'
  t.equal(paths.resolve(moved), g, 'wherever its directory goes')
  paths.clear()
  t.equal(filesystem.outstanding, 0)

  const again = paths.resolve('/d/g')
  paths.hide(hidden, again)
  paths.drop('/d/g')
  t.ok(paths.unhide(hidden))
  t.notOk(paths.unhide(hidden))
  t.equal(filesystem.nodes.get(again)?.nlookup, 0)
  paths.resolve('/d/g')
  paths.hide(hidden, again)
  paths.drop('/d/g')
  paths.unhideNode(again)
  t.equal(filesystem.nodes.get(again)?.nlookup, 0, 'forgotten when it is closed')
})

await t.test('how libfuse puts a file away', async (t) => {
  const hidden = '.fuse_hidden0000000700000001'
  t.ok(isHiding('/d/g', `/d/${hidden}`))
  t.ok(isHiding('/g', `/${hidden}`))
  t.notOk(isHiding('/d/g', `/e/${hidden}`), 'into another directory')
  t.notOk(isHiding('/d/g', '/d/.fuse_hidden'))
  t.notOk(isHiding('/d/g', `/d/${hidden}0`))
  t.notOk(isHiding('/d/g', '/d/x.fuse_hidden0000000700000001'))
})
