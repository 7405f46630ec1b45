/** Programs and shared libraries of a lower layer: executed and mapped through the mount. */
import { copyFileSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { compareWithPlain, requiresPrograms, runCommand } from '../helpers/program-mount.js'

void t.test('an executable of the lower layer', { timeout: 120_000 }, async (t) => {
  if (!requiresPrograms(t, 'sh', 'sha1sum', 'cp')) return
  await compareWithPlain(t, {
    async buildLower(lower) {
      const which = async (name: string): Promise<string> =>
        realpathSync((await runCommand('sh', ['-c', `command -v ${name}`])).trim())
      copyFileSync(await which('sha1sum'), `${lower}/sum`)
      copyFileSync(process.execPath, `${lower}/node`)
      writeFileSync(`${lower}/script`, '#!/bin/sh\necho "script $1"\n', { mode: 0o755 })
      mkdirSync(`${lower}/bin`)
      writeFileSync(`${lower}/bin/not-executable`, '#!/bin/sh\n', { mode: 0o644 })
    },
    async work(tree) {
      const sum = await runCommand(`${tree}/sum`, [], { input: 'some text' })
      const node = await runCommand(`${tree}/node`, ['-p', '6 * 7'])
      const script = await runCommand(`${tree}/script`, ['argument'])
      const refused = await runCommand(`${tree}/bin/not-executable`, []).catch(
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      )
      // A changed copy of a program, in the upper layer now, runs as well.
      await runCommand('sh', ['-c', 'echo "echo changed" >> script'], { cwd: tree })
      return [sum, node, script, refused, await runCommand(`${tree}/script`, ['again'])]
    },
  })
})

const library = `
int answer(void) { return 42; }
static int counter = 7;
int count(void) { return ++counter; }
`
const program = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  void *handle = dlopen(argv[1], RTLD_NOW);
  if (!handle) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  int (*answer)(void) = (int (*)(void)) dlsym(handle, "answer");
  int (*count)(void) = (int (*)(void)) dlsym(handle, "count");
  if (!answer || !count) return 2;
  count();
  printf("%d %d\\n", answer(), count());
  return dlclose(handle);
}
`

void t.test('a shared library of the lower layer', { timeout: 120_000 }, async (t) => {
  if (!requiresPrograms(t, 'gcc', 'cp')) return
  await compareWithPlain(t, {
    async buildLower(lower) {
      writeFileSync(`${lower}/library.c`, library)
      writeFileSync(`${lower}/program.c`, program)
      const gcc = (...words: string[]): Promise<string> => runCommand('gcc', words, { cwd: lower })
      await gcc('-shared', '-fPIC', '-o', 'liblower.so', 'library.c')
      await gcc('-o', 'program', 'program.c', '-ldl')
    },
    async work(tree) {
      const before = await runCommand(`${tree}/program`, [`${tree}/liblower.so`])
      const words = ['-shared', '-fPIC', '-DX', '-o', 'libupper.so', 'library.c']
      await runCommand('gcc', words, { cwd: tree })
      // Appending copies the library up: the mapping is of the upper file from then on.
      await runCommand('sh', ['-c', 'printf x >> liblower.so'], { cwd: tree })
      return [
        before,
        await runCommand(`${tree}/program`, [`${tree}/liblower.so`]),
        await runCommand(`${tree}/program`, [`${tree}/libupper.so`]),
      ]
    },
  })
})
