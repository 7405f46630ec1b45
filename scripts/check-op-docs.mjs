#!/usr/bin/env node
// @ts-check
// Usage: npm run check:docs   (or: node scripts/check-op-docs.mjs [DIRECTORY])
// Fails when an exported function, class or constant under src (or DIRECTORY) has no TSDoc comment,
// or an entry of the operation registry (src/overlay/ops/index.ts) none. Constants in the kernel's
// spelling (FUSE_LOOKUP) may share the comment that opens their file or their group.
// Needs only the package typescript; leaves nothing behind.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const start = process.argv[2] ?? join(root, 'src')
const registry = join('overlay', 'ops', 'index.ts')

/** @type {string[]} */
const missing = []
let documented = 0

for (const name of readdirSync(start, { recursive: true, encoding: 'utf8' }).sort()) {
  if (!name.endsWith('.ts') || name.endsWith('.d.ts')) continue
  const path = join(start, name)
  const text = readFileSync(path, 'utf8')
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true)
  for (const statement of file.statements) {
    if (isExported(statement)) checkStatement(file, statement)
  }
  if (name === registry) checkRegistry(file)
}

for (const line of missing) console.error(line)
console.log(`${documented} exports documented, ${missing.length} without a TSDoc comment`)
process.exitCode = missing.length === 0 ? 0 : 1

/** @param {ts.SourceFile} file @param {ts.Statement} statement */
function checkStatement(file, statement) {
  if (ts.isFunctionDeclaration(statement)) {
    // An overload shares the comment of the first signature.
    if (isLaterOverload(file, statement)) return
    note(file, statement, `function ${statement.name?.text ?? 'default'}`, hasComment(statement))
  } else if (ts.isClassDeclaration(statement)) {
    note(file, statement, `class ${statement.name?.text ?? 'default'}`, hasComment(statement))
  } else if (ts.isVariableStatement(statement)) {
    for (const declaration of statement.declarationList.declarations) {
      const name = declaration.name.getText(file)
      const shared = /^[A-Z][A-Z0-9_]*$/.test(name) && opensWithComment(file)
      note(file, declaration, `const ${name}`, hasComment(statement) || shared)
    }
  }
}

/**
 * Entries written in place in the exported tables of the registry. One that only names an imported
 * operation is documented where that operation is declared.
 * @param {ts.SourceFile} file
 */
function checkRegistry(file) {
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement) || !isExported(statement)) continue
    for (const { initializer } of statement.declarationList.declarations) {
      const table = initializer === undefined ? undefined : unwrapped(initializer)
      if (table === undefined || !ts.isObjectLiteralExpression(table)) continue
      for (const entry of table.properties) {
        if (isReference(entry)) continue
        note(file, entry, `operation ${entry.name?.getText(file) ?? ''}`, hasComment(entry))
      }
    }
  }
}

/** `{…} as const satisfies T` without what follows the brace. @param {ts.Expression} expression @returns {ts.Expression} */
function unwrapped(expression) {
  const wraps = ts.isAsExpression(expression) || ts.isSatisfiesExpression(expression)
  return wraps ? unwrapped(expression.expression) : expression
}

/** @param {ts.ObjectLiteralElementLike} entry */
function isReference(entry) {
  if (ts.isShorthandPropertyAssignment(entry) || ts.isSpreadAssignment(entry)) return true
  return ts.isPropertyAssignment(entry) && ts.isIdentifier(entry.initializer)
}

/** @param {ts.Statement} statement */
function isExported(statement) {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
  return modifiers.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)
}

/** @param {ts.SourceFile} file @param {ts.FunctionDeclaration} statement */
function isLaterOverload(file, statement) {
  const previous = file.statements[file.statements.indexOf(statement) - 1]
  if (previous === undefined || !ts.isFunctionDeclaration(previous)) return false
  return previous.body === undefined && previous.name?.text === statement.name?.text
}

/** @param {ts.Node} node */
function hasComment(node) {
  return ts.getJSDocCommentsAndTags(node).some((doc) => ts.isJSDoc(doc))
}

/** @param {ts.SourceFile} file */
function opensWithComment(file) {
  return file.text.trimStart().startsWith('/**')
}

/** @param {ts.SourceFile} file @param {ts.Node} node @param {string} what @param {boolean} has */
function note(file, node, what, has) {
  if (has) {
    documented += 1
    return
  }
  const { line } = file.getLineAndCharacterOfPosition(node.getStart(file))
  missing.push(`${relative(root, file.fileName)}:${line + 1}: ${what} has no TSDoc comment`)
}
