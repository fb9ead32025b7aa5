/**
 * `node bench/ledger.ts [--write]`: measures the same as `npm run bench ledger`, without a fleet. Exits with 1 if a limit does not hold.
 */
import { claiming } from './claims.ts'
import { pairs } from './measure.ts'
import { allHold, tableOf, writeTable } from './report.ts'

const results = await claiming(pairs)
console.log(tableOf(results))
if (process.argv.includes('--write')) writeTable('ledger table', tableOf(results))
process.exitCode = allHold(results) ? 0 : 1
