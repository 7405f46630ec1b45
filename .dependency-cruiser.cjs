/** The import table of CONTRIBUTING.md, one rule a row: who may import whom. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^(src|bin)/', pathNot: [from, ...allowed] },
})
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/' }, to: {} },
    only('sys-is-the-bottom', '^src/sys/', ['^src/util/']),
    only('util-knows-nothing', '^src/util/', []),
    only('config-is-text', '^src/config/', [
      '^src/util/',
      '^src/sys/errno',
      '^src/overlay/options',
    ]),
    only('whiteout-below-overlay', '^src/whiteout/', ['^src/sys/', '^src/util/']),
    only('driver', '^src/driver/', ['^src/config/', '^src/sys/', '^src/util/']),
    only('install', '^src/install/', ['^src/sys/(files|errno)']),
    only('doctor', '^src/doctor/', ['^src/install/', '^src/sys/']),
    only('protocol-is-pure', '^src/fuse/protocol/', [
      '^src/sys/errno',
      '^src/sys/memory',
      '^src/fuse/raw-filesystem',
    ]),
    only('transport', '^src/fuse/transport/', [
      '^src/fuse/protocol/',
      '^src/fuse/raw-filesystem',
      '^src/sys/',
      '^src/util/',
    ]),
    only('fuse-mount', '^src/fuse/mount/', ['^src/fuse/protocol/', '^src/sys/', '^src/util/']),
    only('session', '^src/fuse/session/', [
      '^src/fuse/protocol/',
      '^src/fuse/transport/',
      '^src/fuse/raw-filesystem',
      '^src/sys/(errno|memory)',
      '^src/util/',
    ]),
    only('overlay-ignores-bytes', '^src/overlay/', [
      '^src/whiteout/',
      '^src/sys/',
      '^src/util/',
      '^src/fuse/raw-filesystem',
      '^src/fuse/protocol/flags/',
    ]),
    {
      name: 'node-fs-in-sys-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/sys/' },
      to: { path: '^(node:)?fs(/promises)?$' },
    },
    {
      name: 'debug-in-one-file',
      severity: 'error',
      from: { path: '^(src|bin)/', pathNot: '^src/util/debug' },
      to: { path: 'node_modules/debug' },
    },
    {
      name: 'koffi-in-one-file',
      severity: 'error',
      from: { path: '^(src|bin)/', pathNot: '^src/sys/native' },
      to: { path: 'node_modules/koffi' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
}
