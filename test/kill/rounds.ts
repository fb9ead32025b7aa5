/**
 * `npm run rounds -- --kills 1000 [--seed 1] [--batch 25] [--on sqlite|postgresql]`: dispatchers killed one after another at boundaries by chance, half on SQLite and half on PostgreSQL. After each batch
 * one is left to go on, and nothing may be wrong with what they left.
 */
import { parseArgs } from 'node:util'
import { seeded } from '../../src/core/random.ts'
import { startPostgres } from '../support/postgres.ts'
import { openRig } from './rig.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    batch: { type: 'string', default: '25' },
    on: { type: 'string', default: 'both' },
  },
})
const [wanted, seed, batch] = [values.kills, values.seed, values.batch].map(Number) as [number, number, number]
/** A cycle of two issues has about so many. */
const boundaries = 60

const random = seeded(seed)
const server = await startPostgres()
const all = [
  { name: 'SQLite', url: (dir: string) => `sqlite:${dir}/l.db` },
  ...(server === null ? [] : [await server.fresh()].map((url) => ({ name: 'PostgreSQL', url: () => url }))),
]
const engines = all.filter(({ name }) => values.on === 'both' || name.toLowerCase() === values.on)
let total = 0
let started = 0
const began = Date.now()
try {
  for (const [index, { name, url }] of engines.entries()) {
    const ends: (() => unknown)[] = []
    const rig = await openRig({ after: (end) => void ends.push(end as () => unknown) }, url)
    try {
      while (total < (wanted * (index + 1)) / engines.length) {
        const chosen = Array.from({ length: batch }, () => 1 + Math.floor(random() * boundaries))
        started += batch
        total += await rig.kills(chosen)
        console.log(`${total} kills in ${started} rounds, ${Math.round((Date.now() - began) / 1000)} s, on ${name}: nothing was broken`)
      }
    } finally {
      for (const end of ends.toReversed()) await end()
    }
  }
} finally {
  await server?.stop()
}
