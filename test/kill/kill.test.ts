/**
 * Dispatchers killed before and after every effect and every write, and what is left of it. Here one boundary by chance, whose seed is printed;
 * `BURN_KILL=all` tries each of them (npm run killed), `BURN_KILL=25` that one.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seeded } from '../../src/core/random.ts'
import { startPostgres } from '../support/postgres.ts'
import { openRig } from './rig.ts'

const every = process.env['BURN_KILL'] === 'all'
const named = Number(process.env['BURN_KILL'] ?? 0)

// On PostgreSQL only where all are tried: one there takes as long as many tests.
const server = every ? await startPostgres() : null
after(() => server?.stop())

const seed = Date.now() % 1_000_000
const random = seeded(seed)

function killed(engine: string, beside: number, ledger: (dir: string) => string): void {
  const others = beside === 0 ? 'alone' : `beside ${beside} more`
  test(
    `killed at its boundaries, ${others}, on ${engine}: nothing is lost, nothing comes twice`,
    { timeout: every ? 1_200_000 : 80_000 },
    async (t) => {
      const rig = await openRig(t, ledger)
      const met = await rig.round(0, 0)
      assert.ok(met !== null && met > 20, `${met} boundaries`)
      // What it meets depends on what the others have done by then: past the last, it ends by itself.
      const all = Array.from({ length: met + 6 }, (_, index) => index + 1)
      const chosen = every ? all : named > 0 ? [named] : Array.from({ length: 10 }, () => 1 + Math.floor(random() * met))
      let kills = 0
      let tried = 0
      for (const boundary of chosen) {
        // A round may end before its boundary comes, where looks fell otherwise: then another is tried.
        if (!every && kills > 0) break
        tried++
        try {
          if ((await rig.round(boundary, beside)) === null) kills++
        } catch (thrown) {
          throw new Error(`boundary ${boundary}, seed ${seed}`, { cause: thrown })
        }
      }
      t.diagnostic(`${kills} kills at ${tried} of ${met} boundaries, seed ${seed}`)
      // Beside others it may find the work done before its boundary comes.
      assert.ok(kills > 0 || beside > 0)
    },
  )
}

for (const beside of every ? [0, 1, 2] : [0]) killed('SQLite', beside, (dir) => `sqlite:${dir}/l.db`)
if (server === null && every)
  test('killed at its boundaries, on PostgreSQL', { skip: 'no PostgreSQL came with the node modules, and none is installed' }, () => {})
for (const beside of server === null ? [] : [0, 1, 2]) {
  const url = (await server?.fresh()) ?? ''
  killed(`PostgreSQL ${server?.version}`, beside, () => url)
}
