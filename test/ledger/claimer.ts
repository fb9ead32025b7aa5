/**
 * A child process that works on a ledger: `node claimer.ts <url> <owner> <mode>`. It prints `ready` when it has opened the ledger.
 *
 * `claim` waits for a line on stdin, claims all open issues in batches, and prints the won issues as JSON. `stuck` begins a batch, prints
 * `inside`, and never ends the transaction. `busy` claims and releases for ever, and prints a line for each batch. `cross` waits for a
 * line, claims random issues, workers and slots, releases half of them, and prints the number of won claims.
 */
import { createInterface } from 'node:readline'
import { openEngine } from '../../src/ledger/open.ts'
import { claim, lockedRows } from '../../src/ledger/claims.ts'
import { createStore } from '../../src/ledger/store.ts'
import { batchOf, randomClaims } from './batches.ts'
import { because } from '../support/reasons.ts'

const [url = '', owner = '', mode = ''] = process.argv.slice(2)
const engine = await openEngine(url, { random: Math.random })
const ledger = createStore(engine)
const input = createInterface(process.stdin)[Symbol.asyncIterator]()
process.stdout.write('ready\n')

if (mode === 'claim') {
  await input.next()
  const won: string[] = []
  const order = Array.from({ length: 20 }, (_, index) => index).toSorted(() => Math.random() - 0.5)
  for (const batch of order) won.push(...(await ledger.claim(batchOf(owner, batch, 25, 500), owner, 1000, 10)).map(({ issue }) => issue))
  await ledger.close()
  process.stdout.write(`${JSON.stringify(won)}\n`)
  process.exit()
}
if (mode === 'stuck') {
  const batch = batchOf(owner, 0, 25, 500)
  await engine.write(
    async (trx) => {
      await claim(trx, batch, { owner, until: 1000 }, 10)
      process.stdout.write('inside\n')
      await new Promise(() => setInterval(() => {}, 1000))
    },
    { locks: lockedRows(batch) },
  )
}
if (mode === 'cross') {
  await input.next()
  let won = 0
  for (let round = 0; round < 25; round++) {
    const some = await ledger.claim(randomClaims(`${owner}${round}`, 12), owner, 1000, 10)
    won += some.length
    const half = some.slice(0, some.length / 2)
    await ledger.moveDispatches(
      half.map(({ id }) => ({ id, from: ['claimed'], to: 'released', reason: because('again') })),
      11,
    )
  }
  await ledger.close()
  process.stdout.write(`${won}\n`)
  process.exit()
}
for (let round = 0; ; round++) {
  const won = await ledger.claim(batchOf(`${owner}${round}`, round % 20, 25, 500), owner, 1000, 10)
  process.stdout.write(`${round}\n`)
  await ledger.moveDispatches(
    won.map(({ id }) => ({ id, from: ['claimed'], to: 'released', reason: because('again') })),
    11,
  )
}
