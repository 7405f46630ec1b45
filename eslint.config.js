// Lint rules: what the compiler cannot see. Layout is prettier's, import direction is
// dependency-cruiser's, so neither is repeated here.
import js from '@eslint/js'
import tsdoc from 'eslint-plugin-tsdoc'
import tseslint from 'typescript-eslint'

const nodeGlobals = Object.fromEntries(
  [
    'AbortController',
    'AbortSignal',
    'Atomics',
    'Buffer',
    'SharedArrayBuffer',
    'TextDecoder',
    'TextEncoder',
    'URL',
    'clearInterval',
    'clearTimeout',
    'console',
    'fetch',
    'performance',
    'process',
    'setImmediate',
    'setInterval',
    'setTimeout',
    'structuredClone',
  ].map((name) => [name, 'readonly']),
)

/**
 * tsdoc/syntax for what it is good at, unknown and broken tags. A missing hyphen after a parameter's
 * name and a bare `>` or `<` in prose are read alike by editors and typedoc.
 */
const harmlessTsdoc =
  /^tsdoc-(param-tag-missing-hyphen|escape-greater-than|escape-right-brace|malformed-inline-tag|malformed-html-name|unnecessary-backslash)$/

const tsdocSyntax = {
  ...tsdoc.rules.syntax,
  create(context) {
    const report = (descriptor) => {
      if (!harmlessTsdoc.test(descriptor.messageId ?? '')) context.report(descriptor)
    }
    return tsdoc.rules.syntax.create(Object.create(context, { report: { value: report } }))
  },
}

/** Size and shape: the limits of CONTRIBUTING.md. Blank lines and comments are free. */
const shape = {
  'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': [
    'error',
    { max: 60, skipBlankLines: true, skipComments: true, IIFEs: true },
  ],
  complexity: ['error', { max: 20, variant: 'modified' }],
  'max-depth': ['error', 4],
}

const common = {
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-empty': ['error', { allowEmptyCatch: false }],
  'no-else-return': ['error', { allowElseIf: false }],
  'no-var': 'error',
  'prefer-const': 'error',
  'object-shorthand': ['error', 'always', { avoidQuotes: true }],
  // latin1 byte strings are matched against control characters on purpose.
  'no-control-regex': 'off',
}

const allowTapSubtests = {
  allowForKnownSafeCalls: [
    { from: 'package', package: '@tapjs/test', name: ['test', 'before', 'after', 'teardown'] },
    { from: 'package', package: '@tapjs/core', name: ['test'] },
  ],
}

const typed = {
  '@typescript-eslint/no-floating-promises': ['error', allowTapSubtests],
  // Numbers and booleans read well in messages; objects and null do not.
  '@typescript-eslint/restrict-template-expressions': [
    'error',
    { allowNumber: true, allowBoolean: true, allowNever: true },
  ],
  // bigint with bigint or number with number, never a silent string.
  '@typescript-eslint/restrict-plus-operands': [
    'error',
    { allowNumberAndString: true, allowBoolean: false, allowNullish: false },
  ],
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
  // `while (true)` is the request loop.
  '@typescript-eslint/no-unnecessary-condition': [
    'error',
    { allowConstantLoopConditions: 'only-allowed-literals' },
  ],
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', caughtErrors: 'all', destructuredArrayIgnorePattern: '^_' },
  ],
  '@typescript-eslint/consistent-type-imports': [
    'error',
    { prefer: 'type-imports', fixStyle: 'inline-type-imports' },
  ],
  '@typescript-eslint/naming-convention': [
    'error',
    { selector: 'typeLike', format: ['PascalCase'] },
  ],
  // A class with static members only is a namespace in disguise; one with none is a mistake.
  '@typescript-eslint/no-extraneous-class': 'error',
  // `bind<F>(signature): F` names its result; so do probes and table builders.
  '@typescript-eslint/no-unnecessary-type-parameters': 'off',
  // `void f()` marks a result that is not wanted, whatever its type.
  '@typescript-eslint/no-meaningless-void-operator': 'off',
  // The compiler option noPropertyAccessFromIndexSignature wants brackets.
  '@typescript-eslint/dot-notation': 'off',
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tap/', 'coverage/', 'bench/results/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals: nodeGlobals },
    rules: {
      ...common,
      ...shape,
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
    },
  },
  {
    files: ['**/*.cjs'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { ...nodeGlobals, module: 'writable', require: 'readonly', __dirname: 'readonly' },
    },
  },
  {
    files: ['{src,bin,test}/**/*.ts'],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked],
    plugins: { tsdoc: { rules: { syntax: tsdocSyntax } } },
    languageOptions: {
      parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: { ...common, ...shape, ...typed, 'tsdoc/syntax': 'error' },
  },
  {
    // koffi's types say `any` and the signature strings are ours: the casts live here alone.
    files: ['src/sys/native.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  {
    // A factory holds a family of operations: what is limited is its file, and each one's complexity.
    files: ['src/overlay/ops/**/*.ts'],
    rules: {
      'max-lines-per-function': ['error', { max: 150, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // Tables of cases are long on purpose, and a test may look at what a module hides.
    files: ['test/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 800, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/require-await': 'off',
      'tsdoc/syntax': 'off',
    },
  },
)
