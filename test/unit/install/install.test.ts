/** What makes engines use us, on machines below temporary directories. */
import { chmodSync, lstatSync, statSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Host } from '../../../src/install/host.js'
import {
  type InstallRequest,
  type Target,
  applyPlan,
  findTargets,
  planAll,
} from '../../../src/install/install.js'
import { launcherNotes, launcherOf, unfit } from '../../../src/install/launcher.js'
import type { Plan } from '../../../src/install/plan.js'
import { showPlan } from '../../../src/install/show.js'
import { type Tree, fakeHost, harvest, plant } from '../../helpers/fake-host.js'

const LAUNCHER = '/opt/tsoverlayfs/bin/tsoverlayfs'
const CONF = '/etc/containers/storage.conf'
const SET = `driver = "overlay" # by tsoverlayfs install
[storage.options.overlay] # by tsoverlayfs install
mount_program = "${LAUNCHER}" # by tsoverlayfs install
`

function planOne(host: Host, target: Target, more: Partial<InstallRequest> = {}): Plan {
  const [plan] = planAll(host, {
    action: 'install',
    targets: [target],
    launcher: LAUNCHER,
    storageConf: null,
    binDir: null,
    force: false,
    ...more,
  })
  if (plan === undefined) throw new Error('no plan')
  return plan
}

function carryOut(t: Test, host: Host, target: Target, more: Partial<InstallRequest> = {}): Plan {
  const plan = planOne(host, target, more)
  t.equal(plan.refusal, null)
  t.equal(applyPlan(host, plan), null)
  return plan
}

/** Install, install again, uninstall: what is there afterwards is what was there before. */
function roundTrip(t: Test, host: Host, target: Target, more: Partial<InstallRequest> = {}): Tree {
  const before = harvest(host.root)
  const planned = planOne(host, target, more)
  t.strictSame(harvest(host.root), before, 'a plan changes nothing')
  t.not(planned.changes.length, 0)
  carryOut(t, host, target, more)
  const between = harvest(host.root)
  t.strictSame(planOne(host, target, more).changes, [], 'nothing to do a second time')
  carryOut(t, host, target, { ...more, action: 'uninstall' })
  t.strictSame(harvest(host.root), before, 'everything is as it was')
  t.strictSame(planOne(host, target, { ...more, action: 'uninstall' }).changes, [])
  return between
}

await t.test('storage.conf of the system', async (t) => {
  await t.test('edited', async (t) => {
    const text = '# mine\n[storage]\ndriver = "vfs"\n\n[storage.options]\n# end'
    const host = fakeHost(t, { [CONF]: text })
    const after = roundTrip(t, host, 'containers')
    t.equal(
      after[CONF],
      `# mine
[storage]
# replaced by tsoverlayfs install: driver = "vfs"
driver = "overlay" # by tsoverlayfs install

[storage.options]
# end
# by tsoverlayfs install, after a file without a final line end
[storage.options.overlay] # by tsoverlayfs install
mount_program = "${LAUNCHER}" # by tsoverlayfs install
`,
    )
  })

  await t.test("begun as a copy of the distribution's", async (t) => {
    const vendor = '[storage]\nrunroot = "/r"\n# kept\n'
    const host = fakeHost(t, { '/usr/share/containers/storage.conf': vendor })
    const after = roundTrip(t, host, 'containers')
    t.match(
      after[CONF],
      /^# Made by tsoverlayfs install, in 2 new directories, from [0-9a-f]{16}\n/,
    )
    const [driver, ...program] = SET.split('\n')
    t.equal(
      after[CONF]?.replace(/^.*\n/, ''),
      ['[storage]', 'runroot = "/r"', driver, '# kept', ...program].join('\n'),
    )
  })

  await t.test('begun from nothing', async (t) => {
    const host = fakeHost(t, { '/etc/containers/policy.json': '{}' })
    const after = roundTrip(t, host, 'containers')
    t.match(
      after[CONF],
      /runroot = "\/run\/containers\/storage"\ngraphroot = "\/var\/lib\/containers\/storage"\ndriver/,
    )
  })

  await t.test('a file we made stays if somebody wrote in it', async (t) => {
    const host = fakeHost(t)
    carryOut(t, host, 'containers')
    plant(host.root, { [CONF]: `${harvest(host.root)[CONF] ?? ''}transient_store = true\n` })
    carryOut(t, host, 'containers', { action: 'uninstall' })
    t.equal(
      harvest(host.root)[CONF],
      '[storage]\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\ntransient_store = true\n',
    )
  })

  await t.test('a file that was moved elsewhere is followed, and keeps its mode', async (t) => {
    const host = fakeHost(t, { '/srv/storage.conf': '[storage]\n' })
    plant(host.root, { [CONF]: `-> ${host.root}/srv/storage.conf` })
    chmodSync(`${host.root}/srv/storage.conf`, 0o640)
    const after = roundTrip(t, host, 'containers')
    t.equal(after['/srv/storage.conf'], `[storage]\n${SET}`)
    t.ok(lstatSync(host.root + CONF).isSymbolicLink())
    t.equal(statSync(host.root + CONF).mode & 0o777, 0o640)
  })

  await t.test('a newer installation takes the place of an older', async (t) => {
    const host = fakeHost(t, { [CONF]: '[storage]\n' })
    carryOut(t, host, 'containers', { launcher: '/old/bin/tsoverlayfs' })
    const plan = carryOut(t, host, 'containers')
    t.equal(harvest(host.root)[CONF], `[storage]\n${SET}`)
    t.strictSame(showPlan(plan, 'done', null).slice(0, 4), [
      'podman, buildah, CRI-O:',
      `  changed ${CONF}`,
      '      - mount_program = "/old/bin/tsoverlayfs" # by tsoverlayfs install',
      `      + mount_program = "${LAUNCHER}" # by tsoverlayfs install`,
    ])
  })

  await t.test('set by hand: nothing to do, and nothing to take back', async (t) => {
    const text = `[storage]\ndriver='overlay'\n[storage.options.overlay]\nmount_program="${LAUNCHER}"\n`
    const host = fakeHost(t, { [CONF]: text })
    t.strictSame(planOne(host, 'containers').changes, [])
    t.strictSame(planOne(host, 'containers', { action: 'uninstall' }).changes, [])
  })

  await t.test('another file', async (t) => {
    const host = fakeHost(t, { '/x.conf': '[storage]\n' })
    const after = roundTrip(t, host, 'containers', { storageConf: '/x.conf' })
    t.equal(after['/x.conf'], `[storage]\n${SET}`)
    t.equal(after[CONF], undefined)
  })

  await t.test('not TOML', async (t) => {
    const host = fakeHost(t, { [CONF]: '[storage\n' })
    t.match(planOne(host, 'containers').refusal, /storage.conf, line 1: .*nothing was changed/)
  })
})

await t.test('storage.conf of a user', async (t) => {
  const user = { uid: 1000, home: '/home/u' }

  await t.test('begun with what he had from the system', async (t) => {
    const host = fakeHost(
      t,
      {
        [CONF]: `[storage]
driver = "overlay"
graphroot = "/var/lib/containers/storage"
[storage.options]
additionalimagestores = [ "/x" ]
pull_options = {use_hard_links = "true"}
[storage.options.overlay]
ignore_chown_errors = "true"
mountopt = "nodev"
`,
      },
      user,
    )
    const after = roundTrip(t, host, 'containers')
    t.equal(
      after['/home/u/.config/containers/storage.conf']?.replace(/^.*\n/, ''),
      `[storage.options]
pull_options = {use_hard_links = "true"}
overlay.ignore_chown_errors = "true"
overlay.mount_program = "${LAUNCHER}" # by tsoverlayfs install
[storage] # by tsoverlayfs install
driver = "overlay" # by tsoverlayfs install
`,
    )
    t.equal(after[CONF]?.includes('tsoverlayfs'), false)
  })

  await t.test('XDG_CONFIG_HOME', async (t) => {
    const host = fakeHost(t, {}, { ...user, env: { XDG_CONFIG_HOME: '/cfg' } })
    t.ok(roundTrip(t, host, 'containers')['/cfg/containers/storage.conf'])
  })

  await t.test('stores', async (t) => {
    const layers = { '/vfs/dir/abc/bin': '/' }
    for (const [title, conf, system, store, env] of [
      ['the default', '', '', '/home/u/.local/share/containers/storage', {}],
      ['XDG_DATA_HOME', '', '', '/data/containers/storage', { XDG_DATA_HOME: '/data' }],
      ['its own', '[storage]\ngraphroot = "/own"', '', '/own', {}],
      [
        "the system's pattern",
        '',
        '[storage]\nrootless_storage_path = "/s/$UID${USER}"',
        '/s/1000u',
        { USER: 'u' },
      ],
    ] as const) {
      const host = fakeHost(t, {}, { ...user, env })
      if (conf !== '') plant(host.root, { '/home/u/.config/containers/storage.conf': conf })
      if (system !== '') plant(host.root, { [CONF]: system })
      t.equal(planOne(host, 'containers').refusal, null)
      for (const [path, content] of Object.entries(layers))
        plant(host.root, { [store + path]: content })
      t.match(
        planOne(host, 'containers').refusal,
        new RegExp(`${store.replace(/\$/g, '\\$')} was filled`),
        title,
      )
    }
  })
})

await t.test('stores that another driver filled', async (t) => {
  const store = '/var/lib/containers/storage'
  for (const [title, tree, refusal] of [
    [
      'vfs',
      { '/vfs/dir/aaa/etc': '/', '/vfs/dir/bbb': '/' },
      /filled by another driver: vfs \(2 layers in \/var\/lib\/containers\/storage\/vfs\).*podman system reset/,
    ],
    ['btrfs', { '/btrfs/subvolumes/aaa': '/' }, /btrfs \(1 layer /],
    ['zfs', { '/zfs/graph/aaa': '/' }, /zfs/],
    [
      'kernel overlayfs',
      { '/overlay/abc/diff': '/', '/overlay/l/XYZ': '-> ../abc/diff' },
      /filled by kernel overlayfs: overlay \(1 layer.*metacopy/,
    ],
    [
      'kernel overlayfs, recorded',
      { '/overlay/abc/diff': '/', '/overlay/.has-mount-program': 'false' },
      /kernel overlayfs/,
    ],
    ['a mount program', { '/overlay/abc/diff': '/', '/overlay/.has-mount-program': 'true' }, null],
    [
      'empty directories',
      { '/overlay/l': '/', '/vfs/dir': '/', '/overlay/.has-mount-program': 'false' },
      null,
    ],
    ['nothing', {}, null],
  ] as const) {
    const host = fakeHost(t)
    for (const [path, content] of Object.entries(tree))
      plant(host.root, { [store + path]: content })
    const before = harvest(host.root)
    const plan = planOne(host, 'containers')
    if (refusal === null) t.equal(plan.refusal, null, title)
    else {
      t.match(plan.refusal, refusal, title)
      t.strictSame(plan.changes, [])
      t.equal(applyPlan(host, plan), null)
      t.strictSame(harvest(host.root), before, 'nothing was changed')
      t.equal(planOne(host, 'containers', { force: true }).changes.length, 1, 'unless by force')
    }
  }
  const text =
    '[storage]\ndriver="overlay"\n[storage.options]\nmount_program="/usr/bin/fuse-overlayfs"\n'
  const host = fakeHost(t, {
    [CONF]: text,
    [`${store}/vfs/dir/old`]: '/',
    [`${store}/overlay/a/diff`]: '/',
  })
  t.equal(planOne(host, 'containers').refusal, null, 'a mount program is in force already')

  await t.test('elsewhere', async (t) => {
    const host = fakeHost(t, {
      [CONF]: '[storage]\ngraphroot = "/srv/c"\n',
      '/srv/c/vfs/dir/a': '/',
    })
    t.match(planOne(host, 'containers').refusal, /\/srv\/c was filled/)
  })
})

await t.test('notes on podman', async (t) => {
  const host = fakeHost(
    t,
    {
      '/usr/share/containers/storage.conf.d/10-vendor.conf': '[storage]\ndriver = "overlay"\n',
      '/etc/containers/storage.conf.d/50-x.conf':
        '\n[storage.options.overlay]\nmount_program = "/y"\n',
      '/etc/containers/storage.conf.d/README': '[',
      '/etc/crio/crio.conf': '[crio]\n#storage_driver = "vfs"\nstorage_option = []\n',
      '/etc/crio/crio.conf.d/01': '',
      '/etc/crio/crio.conf.d/01.conf': '[crio\n',
      '/usr/bin/crio': 'program',
    },
    { env: { CONTAINERS_STORAGE_CONF: '/other', STORAGE_DRIVER: 'vfs' } },
  )
  const { notes } = planOne(host, 'containers')
  for (const [at, message] of [
    /CONTAINERS_STORAGE_CONF is set.*--storage-conf \/other/,
    /STORAGE_DRIVER is set/,
    /50-x.conf, line 3, sets mount_program: podman 6/,
    /crio.conf, line 3, sets storage_option: CRI-O/,
    /01.conf, line 1: .* is not known/,
    /containers that run/,
    /systemctl restart crio/,
  ].entries()) {
    t.match(notes[at], message)
  }
  t.equal(notes.length, 7)
})

await t.test('leaving a store behind', async (t) => {
  const store = '/var/lib/containers/storage/overlay'
  const host = fakeHost(t, { [CONF]: '[storage]\n' })
  carryOut(t, host, 'containers')
  plant(host.root, { [`${store}/a/diff`]: '/', [`${store}/.has-mount-program`]: 'true' })
  t.match(
    planOne(host, 'containers', { action: 'uninstall' }).notes[0],
    /install fuse-overlayfs, or/,
  )
})

await t.test('docker', async (t) => {
  const LINK = '/usr/local/bin/fuse-overlayfs'
  const JSON_FILE = '/etc/docker/daemon.json'
  await t.test('the symlink and the line', async (t) => {
    for (const [text, todo] of [
      [
        null,
        /write { "storage-driver": "fuse-overlayfs" } to \/etc\/docker\/daemon.json, then 'systemctl/,
      ],
      ['{"data-root": "/d"}', /add the line "storage-driver": "fuse-overlayfs" to/],
      ['', /add the line/],
      [
        '{"storage-driver": "overlay2"}',
        /change "storage-driver": "overlay2" in .* to "storage-driver": "fuse/,
      ],
    ] as const) {
      const host = fakeHost(t, { '/usr/local/bin/other': 'program' })
      if (text !== null) plant(host.root, { [JSON_FILE]: text })
      t.match(planOne(host, 'docker').notes[0], todo)
      const after = roundTrip(t, host, 'docker')
      t.equal(after[LINK], `-> ${LAUNCHER}`)
      t.equal(after[JSON_FILE], text ?? undefined, "daemon.json is its owner's")
    }
    const set = fakeHost(t, { [JSON_FILE]: '{"storage-driver": "fuse-overlayfs"}' })
    t.strictSame(carryOut(t, set, 'docker').notes, [])
    t.match(planOne(set, 'docker', { action: 'uninstall' }).notes[0], /still has/)
    plant(set.root, { '/usr/bin/fuse-overlayfs': 'program' })
    t.strictSame(planOne(set, 'docker', { action: 'uninstall' }).notes, [])
    t.match(planOne(set, 'docker').notes[0], /finds it before \/usr\/bin\/fuse-overlayfs/)
    plant(set.root, { '/usr/local/sbin/fuse-overlayfs': 'program' })
    t.match(planOne(set, 'docker').notes[0], /comes earlier in PATH/)
    t.match(planOne(set, 'docker', { binDir: '/x' }).notes[0], /must have \/x in its PATH/)
    t.match(
      planOne(
        fakeHost(t, { [JSON_FILE]: '{"features": {"containerd-snapshotter": true}}' }),
        'docker',
      ).notes[1],
      /remove "containerd-snapshotter"/,
    )
  })

  await t.test('what is not ours stays', async (t) => {
    for (const content of ['program', '-> /usr/bin/fuse-overlayfs', '-> /nowhere']) {
      const host = fakeHost(t, { [LINK]: content })
      t.match(planOne(host, 'docker').refusal, /is there and not ours.*--bin-dir/)
      t.strictSame(planOne(host, 'docker', { action: 'uninstall' }).changes, [])
      t.equal(
        roundTrip(t, host, 'docker', { binDir: '/usr/local' })['/usr/local/fuse-overlayfs'],
        `-> ${LAUNCHER}`,
      )
    }
    const host = fakeHost(t, { [LINK]: '-> /old/place/bin/tsoverlayfs' })
    carryOut(t, host, 'docker')
    t.equal(harvest(host.root)[LINK], `-> ${LAUNCHER}`, 'an older link of ours is replaced')
  })

  await t.test('data of another driver', async (t) => {
    const layers = { '/var/lib/docker/overlay2/abc/diff': '/', '/var/lib/docker/overlay2/l': '/' }
    const host = fakeHost(t, layers)
    t.match(
      planOne(host, 'docker').refusal,
      /\/var\/lib\/docker was filled.*overlay2 \(1 layer in \/var\/lib\/docker\/overlay2\).*docker save/,
    )
    t.equal(planOne(host, 'docker', { force: true }).refusal, null)
    plant(host.root, { [JSON_FILE]: '{"data-root": "/new"}' })
    t.equal(planOne(host, 'docker').refusal, null)
    t.equal(
      planOne(
        fakeHost(t, { ...layers, [JSON_FILE]: '{"storage-driver": "fuse-overlayfs"}' }),
        'docker',
      ).refusal,
      null,
    )
    t.equal(
      planOne(fakeHost(t, { '/var/lib/docker/fuse-overlayfs/abc/diff': '/' }), 'docker').refusal,
      null,
    )
    t.match(planOne(fakeHost(t, { [JSON_FILE]: '{"a": ' }), 'docker').refusal, /not JSON/)
  })

  await t.test('rootless', async (t) => {
    const host = fakeHost(t, { '/h/.local/bin': '/' }, { uid: 1000, home: '/h' })
    const { notes } = planOne(host, 'docker')
    t.match(notes[0], /must have \/h\/.local\/bin in its PATH/)
    t.match(notes[1], /\/h\/.config\/docker\/daemon.json, then 'systemctl --user/)
    t.equal(roundTrip(t, host, 'docker')['/h/.local/bin/fuse-overlayfs'], `-> ${LAUNCHER}`)
    plant(host.root, { '/h/.local/share/docker/overlay2/x/diff': '/' })
    t.match(planOne(host, 'docker').refusal, /share\/docker was filled/)
  })
})

await t.test('mount(8)', async (t) => {
  const host = fakeHost(t, { '/sbin/mount.fuse3': 'program' })
  const after = roundTrip(t, host, 'mount-helper')
  for (const name of ['mount.tsoverlayfs', 'mount.fuse.tsoverlayfs', 'mount.fuse3.tsoverlayfs']) {
    t.equal(after[`/sbin/${name}`], `-> ${LAUNCHER}`)
  }
  const taken = fakeHost(t, { '/sbin/mount.fuse.tsoverlayfs': 'program' })
  t.match(planOne(taken, 'mount-helper').refusal, /mount.fuse.tsoverlayfs is there and not ours/)
  t.match(planOne(fakeHost(t, {}, { uid: 5 }), 'mount-helper').refusal, /needs root/)
})

await t.test('the engines that are there', (t) => {
  t.strictSame(findTargets(fakeHost(t)), [])
  t.strictSame(
    findTargets(fakeHost(t, { '/usr/bin/buildah': 'program', '/usr/sbin/dockerd': 'program' })),
    ['containers', 'docker'],
  )
  t.strictSame(findTargets(fakeHost(t, { '/x/podman': 'program' }, { env: { PATH: '/x:y' } })), [
    'containers',
  ])
  t.strictSame(findTargets(fakeHost(t, { '/usr/bin/podman': 'not executable' })), [])
  t.end()
})

await t.test('plans in words', (t) => {
  const host = fakeHost(t)
  const plan = planOne(host, 'docker')
  t.strictSame(showPlan(plan, 'dry-run', null).slice(0, 2), [
    'docker:',
    `  would link /usr/local/bin/fuse-overlayfs -> ${LAUNCHER}`,
  ])
  t.strictSame(showPlan(plan, 'done', 'no').slice(0, 2), ['docker:', '  failed: no'])
  t.match(
    showPlan(planOne(fakeHost(t, { '/etc/docker/daemon.json': '[' }), 'docker'), 'done', null)[1],
    /refused: .*JSON/,
  )
  t.end()
})

await t.test('a host that cannot be written', (t) => {
  const host = fakeHost(t, { '/usr/local': 'a file' })
  t.match(applyPlan(host, planOne(host, 'docker')), /ENOTDIR/)
  t.end()
})

await t.test('our own program', (t) => {
  const host = fakeHost(t, { '/usr/bin/node': 'program' }, { uid: 1000 })
  t.match(launcherNotes(host, LAUNCHER)[0], /is not there/)
  plant(host.root, { [LAUNCHER]: 'program', '/tmp/x': 'program', '/h/.npm/_npx/1/x': 'program' })
  t.strictSame(launcherNotes(host, LAUNCHER), [])
  t.match(launcherNotes(host, '/tmp/x')[0], /temporary/)
  t.match(launcherNotes(host, '/h/.npm/_npx/1/x')[0], /temporary/)
  chmodSync(`${host.root}/opt`, 0o777)
  t.strictSame(launcherNotes(host, LAUNCHER), [], 'a user runs his own')
  t.match(launcherNotes({ ...host, uid: 0 }, LAUNCHER)[0], /users other than root/)
  t.match(launcherNotes(fakeHost(t, { [LAUNCHER]: 'program' }, { uid: 1 }), LAUNCHER)[0], /no node/)
  t.equal(unfit(LAUNCHER), null)
  t.equal(unfit('/\xc3\xbc/bin/tsoverlayfs'), null)
  t.match(unfit('/\xfc/bin/tsoverlayfs'), /UTF-8/)
  t.match(unfit('bin/tsoverlayfs'), /absolute/)
  const { root } = fakeHost(t, {
    '/p/dist/x.cjs': '',
    '/p/bin/tsoverlayfs': 'program',
    '/q/dist/x.cjs': '',
  })
  t.equal(launcherOf(`${root}/p/dist/x.cjs`), `${root}/p/bin/tsoverlayfs`)
  t.equal(launcherOf(`${root}/q/dist/x.cjs`), null)
  t.end()
})
