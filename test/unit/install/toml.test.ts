/** Settings in a TOML file of someone else: set without touching the rest, and taken back exactly. */
import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { type TomlTable, parse } from 'smol-toml'
import t, { type Test } from 'tap'
import { isEdited, restoreText, setString } from '../../../src/install/toml-edit.js'
import { parseStatements, stringValue, writeString } from '../../../src/install/toml-statements.js'

const DRIVER = { path: ['storage', 'driver'], value: 'overlay' }
const PROGRAM = {
  path: ['storage', 'options', 'overlay', 'mount_program'],
  value: '/opt/a "b"\\c/bin/tsoverlayfs',
}

const edit = (text: string): string =>
  setString(setString(text, DRIVER, 'storage.conf'), PROGRAM, 'storage.conf')

/** Without the parser's own prototypes. */
const plain = (document: TomlTable): unknown => JSON.parse(JSON.stringify(document))

/** The same document with the two settings, by way of a parser that knows nothing of ours. */
function expected(text: string): TomlTable {
  const document = parse(text)
  const table = (parent: TomlTable, name: string): TomlTable => {
    parent[name] ??= {}
    return parent[name] as TomlTable
  }
  const storage = table(document, 'storage')
  storage['driver'] = DRIVER.value
  table(table(storage, 'options'), 'overlay')['mount_program'] = PROGRAM.value
  return document
}

function check(t: Test, text: string): void {
  const edited = edit(text)
  t.strictSame(plain(parse(edited)), plain(expected(text)), 'only the two settings differ')
  t.equal(restoreText(edited), text, 'restored byte by byte')
  t.equal(edit(restoreText(edited)), edited, 'a second time changes nothing')
}

const WHOLE = `# a comment with [storage] in it
title = "x" # and [brackets
[storage]
driver = "vfs"   # old
runroot = '/run/x'
list = [ "a]", # ]
  'b', [1, 2] ,
]
text = """
[storage.options.overlay]
mount_program = "not this"
"""
[storage.options]
pull_options = {a = "}", b = 'x'}
[storage.options.overlay]
mountopt = "nodev,metacopy=on"
#mount_program = "/usr/bin/fuse-overlayfs"
[[other]]
driver = "stays"
`

await t.test('documents', (t) => {
  const documents: Record<string, string> = {
    'nothing at all': '',
    'comments only': '# one\n\n  # two\n',
    'everything there':
      '[storage]\ndriver = "vfs"\n[storage.options.overlay]\nmount_program="/p"\n',
    'as wanted, but for the form': "[storage]\ndriver = 'overlay'\n",
    'a bit of all': WHOLE,
    'no final line end': '[storage]\ndriver = "vfs"',
    'no final line end, and a table to add': 'a = 1',
    'no final line end after a comment': '[storage] # x',
    'a header alone': '[storage.options.overlay]\n[storage]\n',
    'carriage returns': '[storage]\r\ndriver = "vfs"\r\n# x\r\n[storage.options.overlay]\r\n',
    'dotted keys': 'storage.driver = "vfs"\nstorage.options.overlay.mountopt = "nodev"\n',
    'dotted keys in a table': '[storage]\noptions.overlay.mountopt = "x"\n[z]\n',
    'quoted keys': '["storage"]\n"driver" = "btrfs"\n[storage.\'options\'.overlay]\nx = 1\n',
    'a table below only': '[storage.options.overlay.more]\nx = 1\n',
    'a value on many lines': '[storage]\ndriver = """\nvfs\n"""\n# end\n',
    bytes: '[storage]\n# \xc3\xbc\nrunroot = "/\xc3\xbc"\n',
  }
  for (const [title, text] of Object.entries(documents)) {
    t.test(title, (t) => {
      check(t, text)
      t.end()
    })
  }
  t.match(edit("[storage]\ndriver = 'overlay'\n"), /^driver = 'overlay'$/m, 'left as written')
  t.end()
})

await t.test('lines that others wrote since stay', (t) => {
  const later = edit('[storage]\ndriver = "vfs"').replace('"vfs"', '"zfs"') + 'x = 1\n'
  t.equal(restoreText(later), '[storage]\ndriver = "zfs"\nx = 1\n')
  t.equal(restoreText(`a = 1\n${edit('b = 1\n')}c = 1\n`), 'a = 1\nb = 1\nc = 1\n')
  t.notOk(isEdited(WHOLE))
  t.ok(isEdited(edit(WHOLE)))
  t.end()
})

await t.test('what cannot be edited for certain is refused', (t) => {
  for (const [text, message] of [
    ['[storage]\ndriver = "vfs\n', /storage.conf, line 2: a string has no end/],
    ["a = '''x", /no end/],
    ['a = [1, 2\n', /'\[' is never closed/],
    ['a = [1}\n', /'}' closes nothing/],
    ['a = \n', /a value is missing/],
    ['a\n', /a key without '='/],
    ['= 1\n', /a key is missing/],
    ['[storage\n', /a table name is not closed/],
    ['a = "x" y\n', /'y' is one thing too many/],
    ['storage = { driver = "vfs" }\n', /line 1: 'storage' is written in one value/],
    ['[storage]\noptions = { overlay = {} }\n', /'storage.options' is written in one value/],
    ['[[storage]]\nx = 1\n', /'storage' is written in one value/],
    ['"\\q" = 1\n', /a key in a form/],
  ] as const) {
    t.throws(() => edit(text), { name: 'TomlError', message }, text)
  }
  t.end()
})

await t.test('strings', (t) => {
  for (const [written, meant] of [
    ['"a\\tb\\"\\\\"', 'a\tb"\\'],
    ["'a\\b'", 'a\\b'],
    ['"\\u00fc\\U0001F600"', '\xc3\xbc\xf0\x9f\x98\x80'],
    ['""', ''],
    ['"""x"""', null],
    ["'''x'''", null],
    ['5', null],
    ['"\\q"', null],
    ['["a"]', null],
  ] as const) {
    t.equal(stringValue(written), meant, written)
  }
  t.equal(writeString('a\u0001"\\'), '"a\\u0001\\"\\\\"')
  t.strictSame(
    parseStatements(WHOLE, 'f').map(({ path, line }) => `${String(line)} ${path.join('.')}`),
    [
      '2 title',
      '3 storage',
      '4 storage.driver',
      '5 storage.runroot',
      '6 storage.list',
      '9 storage.text',
      '13 storage.options',
      '14 storage.options.pull_options',
      '15 storage.options.overlay',
      '16 storage.options.overlay.mountopt',
      '18 other',
      '19 other.driver',
    ],
  )
  t.end()
})

/** Values of every kind, on one line and on many. */
const values = fc.constantFrom(
  '"plain"',
  "'lit # eral'",
  '"\\"]#"',
  '"""\n[x]\ny = 1\n"""',
  "'''\n# '' \n'''",
  '[]',
  '[ # ]\n  "a",\n]',
  '[[1], ["]"]]',
  '{ a = "}", b = [1] }',
  '1979-05-27 07:32:00',
  'true',
  '0x1f',
)
const blanks = fc.constantFrom('', '\n', '# [storage]\n', '  # driver = "x"\n', ' \t\n')

const documents = fc
  .record({
    top: fc.array(values, { maxLength: 2 }),
    storage: fc.option(fc.array(values, { maxLength: 3 })),
    driver: fc.option(fc.constantFrom('"vfs"', "'overlay'", '""')),
    options: fc.option(fc.array(values, { maxLength: 2 })),
    overlay: fc.option(fc.array(values, { maxLength: 2 })),
    program: fc.option(fc.constantFrom('"/usr/bin/fuse-overlayfs"', "'/x'")),
    other: fc.array(values, { maxLength: 2 }),
    blanks: fc.array(blanks, { minLength: 4, maxLength: 4 }),
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    isOpen: fc.boolean(),
  })
  .map((parts) => {
    const section = (name: string, found: readonly string[] | null, more = ''): string => {
      if (found === null && more === '') return ''
      const entries = (found ?? []).map((value, at) => `key${at} = ${value} # v\n`)
      const lines = [`[${name}]\n`, ...entries, more]
      return lines.map((line, at) => line + (parts.blanks[at] ?? '')).join('')
    }
    const line = (key: string, value: string | null): string =>
      value === null ? '' : `${key} = ${value}\n`
    const sections = [
      section('storage', parts.storage, line('driver', parts.driver)),
      section('storage.options', parts.options),
      section('storage.options.overlay', parts.overlay, line('mount_program', parts.program)),
      section('other."storage"', parts.other),
    ]
    const top = parts.top.map((value, at) => `top${at} = ${value}\n`).join('')
    const text = top + parts.order.map((at) => sections[at]).join('')
    const closed = text.replaceAll('\n', parts.lineEnd)
    return parts.isOpen ? closed.replace(/\r?\n$/, '') : closed
  })

await t.test('any document', (t) => {
  fc.assert(
    fc.property(documents, (text) => {
      const edited = edit(text)
      deepStrictEqual(plain(parse(edited)), plain(expected(text)), 'only the two settings differ')
      deepStrictEqual(restoreText(edited), text, 'restored byte by byte')
      deepStrictEqual(edit(restoreText(edited)), edited, 'a second time changes nothing')
    }),
    { numRuns: 1000 },
  )
  t.pass('1,000 documents')
  t.end()
})
