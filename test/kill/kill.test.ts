/**
 * Kills a dispatcher before or after a write to the ledger or an effect, and checks the state that it leaves. This run tries random
 * boundaries and prints their seed. `BURN_KILL=all` tries every boundary (`npm run killed`); `BURN_KILL=25` tries number 25.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seeded } from '../../src/core/random.ts'
import { startPostgres } from '../support/postgres.ts'
import { openRig } from './rig.ts'

const isAll = process.env['BURN_KILL'] === 'all'
const namedBoundary = Number(process.env['BURN_KILL'] ?? 0)

// PostgreSQL only for `all`, because one round there takes as long as many tests.
const server = isAll ? await startPostgres() : null
after(() => server?.stop())

const seed = Date.now() % 1_000_000
const random = seeded(seed)

function testKills(engine: string, otherDispatchers: number, ledger: (dir: string) => string): void {
  const company = otherDispatchers === 0 ? 'alone' : `beside ${otherDispatchers} more`
  test(`kill: ${company} on ${engine}, nothing is lost or repeated`, { timeout: isAll ? 1_200_000 : 120_000 }, async (t) => {
    const rig = await openRig(t, ledger)
    const boundaries = await rig.round(0, 0)
    assert.ok(boundaries !== null && boundaries > 20, `${boundaries} boundaries`)
    // The number of boundaries depends on the other dispatchers. Past the last boundary, a dispatcher ends by itself.
    const allBoundaries = Array.from({ length: boundaries + 6 }, (_, index) => index + 1)
    const chosen = isAll
      ? allBoundaries
      : namedBoundary > 0
        ? [namedBoundary]
        : Array.from({ length: 10 }, () => 1 + Math.floor(random() * boundaries))
    let kills = 0
    let attempts = 0
    for (const boundary of chosen) {
      // The polls of a round vary, so it may end before its boundary. Then the test tries another one.
      if (!isAll && kills > 0) break
      attempts++
      try {
        if ((await rig.round(boundary, otherDispatchers)) === null) kills++
      } catch (thrown) {
        throw new Error(`boundary ${boundary}, seed ${seed}`, { cause: thrown })
      }
    }
    t.diagnostic(`${kills} kills at ${attempts} of ${boundaries} boundaries, seed ${seed}; ${rig.released} prompts released by a person`)
    // Other dispatchers may do the work before it reaches its boundary.
    assert.ok(kills > 0 || otherDispatchers > 0)
  })
}

for (const otherDispatchers of isAll ? [0, 1, 2] : [0]) testKills('SQLite', otherDispatchers, (dir) => `sqlite:${dir}/l.db`)
if (server === null && isAll) test('kill: on PostgreSQL', { skip: 'no PostgreSQL in node_modules or on this machine' }, () => {})
for (const otherDispatchers of server === null ? [] : [0, 1, 2]) {
  const url = (await server?.fresh()) ?? ''
  testKills(`PostgreSQL ${server?.version}`, otherDispatchers, () => url)
}
