/**
 * A process of `bench/claims.ts` that claims issues: `claiming.ts URL MACHINE`. For each line `FROM TO [MACHINE]` on standard input it
 * claims these batches for the machine's workers, and prints how many issues it won.
 */
import { createInterface } from 'node:readline'
import { openLedger } from '../src/ledger/open.ts'
import { batchOf } from './claimable.ts'

const [url = '', machine = '0'] = process.argv.slice(2)
const ledger = await openLedger(url, { random: Math.random })
console.log('ready')
for await (const line of createInterface(process.stdin)) {
  const [from = 0, to = 0, workersOf = Number(machine)] = line.split(' ').map(Number)
  let won = 0
  for (let batch = from; batch < to; batch++)
    won += (await ledger.claim(batchOf(batch, workersOf, `i${machine}`), machine, Date.now() + 1e9, Date.now())).length
  console.log(String(won))
}
await ledger.close()
