/** sqlite3 with a write-ahead log (a shared mapping) and with a rollback journal (byte-range locks). */
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

const rows = 300

function fill(journal: string): string {
  return [
    `PRAGMA journal_mode=${journal};`,
    'CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v TEXT);',
    ...Array.from({ length: rows }, (_, n) => `INSERT INTO t(v) VALUES ('row ${n}');`),
    'UPDATE t SET v = v || id WHERE id % 3 = 0;',
    'DELETE FROM t WHERE id % 7 = 0;',
    'SELECT count(*), sum(length(v)) FROM t;',
    'PRAGMA integrity_check;',
    '',
  ].join('\n')
}

const sqlite = (file: string, input: string): Promise<string> =>
  runCommand('sqlite3', ['-cmd', '.timeout 20000', file], { input })

for (const journal of ['wal', 'delete', 'truncate']) {
  void t.test(`journal mode ${journal}`, { timeout: 300_000 }, async (t) => {
    if (!requiresPrograms(t, 'sqlite3', 'cp')) return
    await compareWithPlain(t, {
      async buildLower(lower) {
        await sqlite(`${lower}/old.db`, fill(journal))
      },
      async work(tree) {
        const old = await sqlite(`${tree}/old.db`, fill(journal))
        const fresh = await sqlite(`${tree}/new.db`, fill(journal))
        const query = 'SELECT count(*), max(id) FROM t;\n'
        return [old, fresh, await sqlite(`${tree}/old.db`, query)]
      },
    })
  })
}

void t.test('four writers on one database', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'sqlite3', 'cp')) return
  await compareWithPlain(t, {
    async buildLower(lower) {
      await sqlite(`${lower}/shared.db`, fill('wal'))
    },
    async work(tree) {
      const insert = "INSERT INTO t(v) VALUES ('more');\n".repeat(50)
      const file = `${tree}/shared.db`
      await Promise.all([1, 2, 3, 4].map(() => sqlite(file, insert)))
      return sqlite(file, 'SELECT count(*) FROM t; PRAGMA integrity_check;\n')
    },
    // Whose page comes first depends on who got the lock first.
    without: [/^\/shared\.db/],
  })
})
