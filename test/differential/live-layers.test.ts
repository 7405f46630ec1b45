/**
 * Layers that other file systems are mounted in, and an upper that is remounted: what scripts cannot
 * bring about, compared with the kernel command by command.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { runScript } from '../helpers/executor.js'
import { checkout } from '../helpers/harness.js'
import type { Operation } from '../helpers/operation.js'
import { requires } from '../helpers/requires.js'
import { makeScratch } from '../helpers/scratch.js'
import { dir, file } from '../helpers/standard-layers.js'
import {
  type MountRequest,
  type Subject,
  candidateName,
  kernelSubject,
  subjectByName,
} from '../helpers/subject.js'

const run = promisify(execFile)
const TIMEOUT_MS = 20_000

/** Run a shell script; its output and the lines of its errors, without what names the program. */
async function shell(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await run('sh', ['-c', `exec 2>&1; ${script}`], {
    env: { ...process.env, ...env, LC_ALL: 'C' },
    timeout: TIMEOUT_MS,
  })
  return stdout
}

/** What is done, in order: before the mount, and at the mount. */
interface Case {
  readonly title: string
  /** $L1 (top) and $L2 are lower directories, $U upper's, $D the directory of them all. */
  readonly before: string
  /** $M is the mount point. */
  readonly at: string
  /** Programs of other users look at the mount. */
  readonly isShared?: true
}

const LOOK = `
  cd "$M"
  find . -printf '%y %m %p %s\\n' | sort
  for f in $(find . -type f | sort); do echo "$f: $(cat "$f")"; done
`

const cases: Case[] = [
  {
    title: 'file systems mounted in lower layers are not entered',
    before: `
      mkdir -p "$L1/d" "$L1/top" "$L2/d/deep" "$L2/bottom"
      echo covered > "$L1/d/of-top"; echo covered > "$L2/bottom/x"; echo y > "$L2/d/deep/y"
      mount -t tmpfs none "$L1/d"; echo mounted > "$L1/d/of-tmpfs"
      mount -t tmpfs none "$L2/bottom"; mkdir "$L2/bottom/new"
      mount -t tmpfs none "$L2/d/deep"
      echo file > "$L1/file"; echo other > "$D/other"; mount --bind "$D/other" "$L1/file"
    `,
    at: `
      ${LOOK}
      echo more >> d/of-top; echo more >> file; rm bottom/x; rmdir bottom; mkdir d/deep/made
      mv d/deep/y top/y
      ${LOOK}
      find "$U" -printf '%y %P\\n' | sort
      echo "$(cat "$D/other") $(ls "$L1/d" "$L2/bottom")"
    `,
  },
  {
    title: 'file systems mounted in upper are not entered',
    before: `
      mkdir -p "$U/d" "$L1/d" "$U/pure" "$U/empty"; mount -t tmpfs none "$U/empty"; echo of upper > "$U/d/x"; echo of lower > "$L1/d/y"
      mount -t tmpfs none "$U/d"; echo mounted > "$U/d/z"
      mount -t tmpfs none "$U/pure"; echo mounted > "$U/pure/z"
    `,
    at: `
      ${LOOK}
      echo more >> d/x; echo more >> d/y; mkdir pure/new; echo n > pure/new/n; mv d/x pure/x
      rmdir empty; mv empty pure/moved
      ${LOOK}
      ls "$U/d" "$U/pure"
    `,
  },
  {
    title: 'file systems that are mounted in layers later stay outside',
    before: `mkdir -p "$L1/d" "$U/u"; echo x > "$L1/d/x"; echo y > "$U/u/y"`,
    at: `
      ls "$M/d" "$M/u"
      mount -t tmpfs none "$L1/d"; mount -t tmpfs none "$U/u"
      echo mounted > "$L1/d/z"; echo mounted > "$U/u/z"
      ${LOOK}
      echo more >> d/x; rm u/y; rmdir u; mkdir u
      ${LOOK}
    `,
  },
  {
    title: 'upper remounted for reading only',
    before: `
      mkdir -p "$L1/d"; echo x > "$L1/d/x"; echo top > "$L1/f"; echo lower > "$L2/low"
      echo old > "$U/old"; mkdir "$U/ud"; echo gone > "$U/gone"
    `,
    at: `
      cd "$M"; exec 5>> old; echo first >&5
      exec 6< f
      cd "$D"; exec 5>&-
      mount -o remount,ro "$D/volume" && cd "$M"
      for c in 'echo more >> old' 'echo more >> f' 'echo > new' 'mkdir made' 'rm old' 'rm f' \\
        'rmdir ud' 'rmdir d' 'mv old older' 'mv f older' 'ln old hard' 'ln f hard' 'ln -s t sym' \\
        'mkfifo pipe' 'chmod 600 old' 'chmod 600 f' 'chown 5 d' 'touch old' 'touch f' \\
        'truncate -s 0 f' 'truncate -s 0 old' 'setfattr -n user.a -v b f' \\
        'setfattr -x user.a old' 'rm missing' 'mkdir d' 'touch -c missing'
      do
        (eval "$c") > "$D/said" 2>&1; code=$?
        echo "$c: $code $(sed 's/.*: //' "$D/said")"
      done
      cat <&6
      ${LOOK}
      mount -o remount,rw "$D/volume" && echo after >> f && rm old && mkdir again
      ${LOOK}
    `,
  },
]

cases.push(
  {
    title: 'lower layers on a mount that allows nothing',
    isShared: true,
    before: `
      cp /bin/cat "$L1/cat"; cp /usr/bin/id "$L1/id"; chmod 4755 "$L1/id"
      cp "$L1/id" "$L1/id2"; chmod 4755 "$L1/id2"
      mknod "$L1/null" c 1 3; echo x > "$L1/x"; mkdir "$L1/d"; echo y > "$L1/d/y"
      mount --bind "$L1" "$L1"; mount -o remount,bind,ro,nosuid,nodev,noexec "$L1"
    `,
    at: `
      cd "$M"; ./cat x; setpriv --reuid 1000 --clear-groups ./id -u
      head -c 5 null; echo data > null; wc -c < null
      touch id2; setpriv --reuid 1000 --clear-groups ./id2 -u; stat -c %a id2
      echo more >> x; cat x; mv d/y d/z; rm cat null; mkdir d/new; ls d
      find . -printf '%y %m %p %s\\n' | sort; cat d/z
    `,
  },
  {
    title: 'upper that is full',
    before: `
      mount -o remount,size=1m "$D/volume"
      head -c 3000000 /dev/zero > "$L1/big"; mkdir "$L1/d"; echo x > "$L1/d/x"
    `,
    at: `
      cd "$M"; echo more >> big; echo $?; chmod 600 big; echo $?; mv big bigger; echo $?
      head -c 3000000 /dev/zero > new; echo $?; wc -c < new | sed 's/.....$//'
      echo more >> big; echo more >> d/x; stat -c '%n %s' d/*; rm new
      # The daemon hears of it a moment later, and holds the space until then.
      sleep 0.2
      echo more >> d/x; cat d/x; rm big; ls; find "$U" -printf '%y %P %s\n' | sort
    `,
  },
)

/** Deeper than a path may be long: every step starts in the directory that the last one opened. */
const NAME = 'deep-'.repeat(40)
const LEVELS = 30

function onEachLevel(make: (level: number) => readonly Operation[]): Operation[] {
  return Array.from({ length: LEVELS }, (_, level) => make(level)).flat()
}

const above = (level: number): { readonly at?: string } =>
  level === 0 ? {} : { at: `h${level - 1}` }
const enter = (level: number): Operation => ({
  op: 'open',
  path: NAME,
  as: `h${level}`,
  flags: ['read', 'directory'],
  ...above(level),
})
const deepTree = onEachLevel((level) => [
  { ...dir(NAME), ...above(level) },
  enter(level),
  { ...file('f', `at ${level}`), at: `h${level}` },
])
const look = onEachLevel((level) => [
  enter(level),
  { op: 'stat', path: 'f', at: `h${level}` },
  { op: 'list', path: '.', at: `h${level}` },
])
const deepScript: readonly Operation[] = [
  ...look,
  { op: 'chmod', path: 'f', mode: 0o600, at: `h${LEVELS - 1}` },
  { ...file('new'), at: `h${LEVELS - 1}` },
  { ...dir('d'), at: `h${LEVELS - 2}` },
  { op: 'rename', from: 'f', to: 'g', at: `h${LEVELS - 2}` },
  { op: 'unlink', path: 'f', at: `h${LEVELS - 3}` },
  { op: 'rename', from: NAME, to: 'moved', at: `h${LEVELS - 3}` },
  ...look,
  ...onEachLevel((level) => {
    const here = above(LEVELS - level)
    return [
      ...['f', 'g', 'new'].map((path): Operation => ({ op: 'unlink', path, ...here })),
      { op: 'rmdir', path: 'd', ...here },
      { op: 'rmdir', path: NAME, ...here },
    ]
  }),
  { op: 'rmdir', path: NAME },
  { op: 'list', path: '.' },
]

interface Place {
  readonly env: { readonly D: string; readonly L1: string; readonly U: string; readonly M: string }
  readonly request: MountRequest
}

/** Layers to mount, upper on a file system of its own, which can be remounted. */
async function makePlace(t: Test): Promise<Place> {
  const scratch = makeScratch('disk')
  t.teardown(() => {
    scratch.remove()
  })
  const D = scratch.path
  const volume = `${D}/volume`
  const [L1, L2, U, W, M] = [`${D}/l1`, `${D}/l2`, `${volume}/u`, `${volume}/w`, `${D}/m`]
  for (const path of [L1, L2, M, volume]) mkdirSync(path)
  writeFileSync(`${D}/said`, '')
  const env = { D, L1, L2, U, M }
  await shell('mount -t tmpfs -o mode=755 none "$D/volume"; mkdir "$U" "$D/volume/w"', env)
  return { env, request: { lowers: [L1, L2], upper: U, work: W, target: M, options: '' } }
}

async function descend(t: Test, subject: Subject): Promise<readonly string[]> {
  const { env, request } = await makePlace(t)
  try {
    runScript(env.L1, deepTree)
    const mounted = await subject.mount(request)
    try {
      return runScript(env.M, deepScript)
    } finally {
      await mounted.unmount()
    }
  } finally {
    // Node refuses to remove paths of more than 4096 bytes.
    await shell('rm -rf "$L1" "$U"', env)
  }
}

async function observe(t: Test, subject: Subject, { before, at }: Case): Promise<string> {
  const { env, request } = await makePlace(t)
  await shell(before, env)
  const mounted = await subject.mount(request)
  try {
    const seen = await shell(at, env)
    return seen.replaceAll(env.D, '$D')
  } finally {
    await mounted.unmount()
    // Node refuses paths of more than 4096 bytes.
    await shell('rm -rf "$L1"/deep* "$U"/deep*', env)
  }
}

await t.test(`layers that change under a mount, candidate ${candidateName()}`, async (t) => {
  if (!requires(t, 'root', 'fuse', 'kernel-overlay')) return
  const kernel = kernelSubject()
  const candidate = subjectByName(candidateName(), checkout)
  t.teardown(() => candidate.close())
  for (const each of cases) {
    await t.test(each.title, async (t) => {
      if (each.isShared === true && candidateName() === 'libfuse') {
        t.plan(0, 'skipped: libfuse is mounted here for its own user alone')
        return
      }
      const expected = await observe(t, kernel, each)
      const actual = await observe(t, candidate, each)
      t.equal(actual, expected)
      t.match(expected, /\S/, 'there is something to compare')
    })
  }
  await t.test('directories deeper than the longest path', async (t) => {
    const expected = await descend(t, kernel)
    t.strictSame(await descend(t, candidate), expected)
    t.ok(expected.filter((result) => result.startsWith('OK')).length > LEVELS * 4)
  })
})
