import { Harness } from './harness.js'
const candidate = process.argv[2] ?? 'ours'
const h = new Harness(candidate, process.cwd())
const scenario = { scratch: 'tmpfs', lowers: [[
  {op:'mkdir',path:'d',mode:0o755},{op:'create',path:'d/f',data:'x'},{op:'create',path:'f',data:'hello'},
  ]], upper: [], options: '', rounds: [{script: [
  {op:'append',path:'f',data:'y'},{op:'stat',path:'f'},{op:'unlink',path:'d/f'},{op:'stat',path:'d/f'},{op:'mkdir',path:'n',mode:0o755},{op:'list',path:'d'}
  ], then:'remount'},{script:[{op:'list',path:'.'}],then:'rotate'},{script:[{op:'list',path:'.'}],then:'rotate'}]} as const
for (let i = 0; i < Number(process.argv[3] ?? 20); i++) {
  const s = Date.now()
  const o = await h.compare(scenario)
  console.log(i, Date.now() - s, o.differences.length)
}
await h.close()
