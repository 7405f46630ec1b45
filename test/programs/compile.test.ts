/** make and gcc: a program built, changed, built again, cleaned. */
import { appendFileSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

const UNITS = 12

function writeProgram(root: string): void {
  mkdirSync(`${root}/include`)
  writeFileSync(`${root}/include/common.h`, '#define STEP 1\n')
  for (let u = 0; u < UNITS; u++) {
    const text = `#include <stdio.h>\n#include "common.h"\nint unit${u}(void) { return ${u} + STEP; }\n`
    writeFileSync(`${root}/u${u}.c`, text)
  }
  const units = Array.from({ length: UNITS }, (_, u) => `unit${u}`)
  const main = [
    '#include <stdio.h>',
    ...units.map((unit) => `int ${unit}(void);`),
    `int main(void) { printf("%d\\n", ${units.map((unit) => `${unit}()`).join(' + ')}); return 0; }`,
  ]
  writeFileSync(`${root}/main.c`, `${main.join('\n')}\n`)
  const objects = ['main.o', ...units.map((unit) => `${unit.replace('unit', 'u')}.o`)].join(' ')
  const rules = [
    `program: ${objects}`,
    '\tgcc -o $@ $^',
    '%.o: %.c include/common.h',
    '\tgcc -O1 -Iinclude -c $<',
    'clean:',
    `\trm -f program ${objects}`,
  ]
  writeFileSync(`${root}/Makefile`, `${rules.join('\n')}\n`)
  // Older than anything that make is about to build.
  for (const name of ['main.c', 'include/common.h']) utimesSync(`${root}/${name}`, 1e9, 1e9)
}

void t.test('build, rebuild, clean', { timeout: 300_000 }, async (t) => {
  if (!requiresPrograms(t, 'gcc', 'make', 'cp')) return
  await compareWithPlain(t, {
    buildLower: writeProgram,
    async work(tree) {
      const make = (...words: string[]): Promise<string> =>
        runCommand('make', ['-s', '-C', tree, ...words])
      await make('-j2')
      const first = await runCommand(`${tree}/program`, [])
      const idle = await runCommand('make', ['-C', tree, '--no-print-directory'])
      appendFileSync(`${tree}/include/common.h`, '#undef STEP\n#define STEP 100\n')
      // Some seconds ahead, as file systems keep times to the tick only.
      const soon = Date.now() / 1000 + 5
      utimesSync(`${tree}/include/common.h`, soon, soon)
      await make()
      const second = await runCommand(`${tree}/program`, [])
      await make('clean')
      await make('-j2')
      return { first, idle, second, third: await runCommand(`${tree}/program`, []) }
    },
  })
})
