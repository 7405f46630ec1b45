// @ts-check
import { join } from 'node:path'

/** @param {string} journal @param {number} count */
function script(journal, count) {
  const insert = "INSERT INTO t(v) VALUES ('a row of some forty bytes, more or less');"
  return [
    `PRAGMA journal_mode=${journal};`,
    'PRAGMA synchronous=NORMAL;',
    'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);',
    ...Array.from({ length: count }, () => insert),
    'SELECT count(*) FROM t;\n',
  ].join('\n')
}

/** A transaction for each row, with a write-ahead log and with a rollback journal.
 * @type {import('../runner.mjs').Workload} */
export default {
  name: 'sqlite',
  group: 'program',
  programs: ['sqlite3'],
  rows: [
    { key: 'wal', title: 'sqlite transactions, WAL', unit: 's' },
    { key: 'rollback', title: 'sqlite transactions, rollback journal', unit: 's' },
  ],
  async run({ dir, time, size }) {
    const sqlite = (/** @type {string} */ journal, /** @type {number} */ count) =>
      time('sqlite3', [join(dir, `${journal}.db`)], { input: script(journal, count) })
    return {
      wal: await sqlite('wal', size(5000, 500)),
      rollback: await sqlite('delete', size(1000, 100)),
    }
  },
}
