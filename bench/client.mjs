#!/usr/bin/env node
// @ts-check
// Usage: node bench/client.mjs OPERATION DIR [JSON]
// The program that works on the tree under test: one operation, timed inside, so that its own start
// does not count. Prints one line of JSON. Leaves what the operation makes in DIR.
import * as data from './client/data.mjs'
import * as latency from './client/latency.mjs'
import * as metadata from './client/metadata.mjs'
import * as mixed from './client/mixed.mjs'

/** @type {Record<string, (dir: string, options: any) => object | Promise<object>>} */
const operations = { ...metadata, ...data, ...latency, ...mixed }

const [name = '', dir = '', json = '{}'] = process.argv.slice(2)
const operation = operations[name]
if (operation === undefined || dir === '') {
  const known = Object.keys(operations).join(' ')
  process.stderr.write(`usage: client.mjs OPERATION DIR [JSON]; operations: ${known}\n`)
  process.exit(2)
}
const result = await operation(dir, JSON.parse(json))
process.stdout.write(`${JSON.stringify(result)}\n`)
