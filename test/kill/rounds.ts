/**
 * `npm run rounds -- --kills 1000 [--seed 1] [--batch 25] [--on sqlite|postgresql]`: kills dispatchers one after another at random
 * boundaries, half of them on SQLite and half on PostgreSQL. After each batch, one dispatcher runs to its end, and the state must be
 * correct.
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
const [killsWanted, seed, batch] = [values.kills, values.seed, values.batch].map(Number) as [number, number, number]
/** The approximate number of boundaries in a cycle with two issues. */
const boundariesPerCycle = 60

const random = seeded(seed)
const server = await startPostgres()
const allEngines = [
  { name: 'SQLite', url: (dir: string) => `sqlite:${dir}/l.db` },
  ...(server === null ? [] : [await server.fresh()].map((url) => ({ name: 'PostgreSQL', url: () => url }))),
]
const engines = allEngines.filter(({ name }) => values.on === 'both' || name.toLowerCase() === values.on)
let kills = 0
let rounds = 0
const startedAt = Date.now()
try {
  for (const [index, { name, url }] of engines.entries()) {
    const cleanups: (() => unknown)[] = []
    const rig = await openRig({ after: (end) => void cleanups.push(end as () => unknown) }, url)
    try {
      while (kills < (killsWanted * (index + 1)) / engines.length) {
        const batchBoundaries = Array.from({ length: batch }, () => 1 + Math.floor(random() * boundariesPerCycle))
        rounds += batch
        kills += await rig.kills(batchBoundaries)
        const seconds = Math.round((Date.now() - startedAt) / 1000)
        console.log(`${kills} kills in ${rounds} rounds, ${seconds} s, on ${name}: no error, ${rig.released} prompts released by a person`)
      }
    } finally {
      for (const end of cleanups.toReversed()) await end()
    }
  }
} finally {
  await server?.stop()
}
