/** Measures the time of claims: with a long and a short history in the ledger, and with one and three dispatchers. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Ledger } from '../src/core/ledger.ts'
import type { Compared } from './measure.ts'
import { sql } from 'kysely'
import { openEngine } from '../src/ledger/open.ts'
import { createStore } from '../src/ledger/store.ts'
import { startPostgres } from '../test/support/postgres.ts'
import { batchOf, batchSize, furnish, openIssues, workers } from './claimable.ts'
import { writeHistory } from './history.ts'
import { interleave, timed } from './measure.ts'

/** Number of claims per measurement. With fewer claims, only some measurements would include a checkpoint of the database. */
export const claims = 1500
const batches = claims / batchSize
const shortHistory = 1_000
const longHistory = Number(process.env['BENCH_HISTORY'] ?? 1_000_000)

/** Returns the figures of SQLite and, if this machine has PostgreSQL, of PostgreSQL. */
export async function claiming(pairs: number): Promise<Compared[]> {
  const dir = mkdtempSync(join(tmpdir(), 'burn-bench-'))
  const server = await startPostgres({ synced: true })
  try {
    const results = [await overHistory('SQLite', async (name) => `sqlite:${dir}/${name}.db`, pairs)]
    if (server === null) return (console.log('no PostgreSQL on this machine: skipped'), results)
    results.push(...(await sharing(await server.fresh(), pairs)))
    results.push(await overHistory(`PostgreSQL ${server.version}`, server.fresh, pairs))
    return results
  } finally {
    await server?.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function prepared(url: string, history: number, rounds: number, machines = 1): Promise<Ledger> {
  // The server does not answer for minutes while it writes a long history.
  const engine = await openEngine(url, { random: Math.random, silent: 3_600_000 })
  const ledger = createStore(engine)
  await furnish(ledger, machines)
  if (history > 0) await writeHistory(engine, history, workers)
  await openIssues(ledger, rounds * batches)
  // Update the query planner's statistics now. A server in use updates them within a minute.
  await sql`analyze`.execute(engine.db)
  return ledger
}

/** Measures the same claims on two ledgers. The history of one ledger is a thousand times as long as that of the other. */
async function overHistory(name: string, url: (name: string) => Promise<string>, pairs: number): Promise<Compared> {
  const [long, short] = [
    await prepared(await url('long'), longHistory, pairs + 1),
    await prepared(await url('short'), shortHistory, pairs + 1),
  ]
  const all = (ledger: Ledger) => {
    let next = 0
    return () =>
      timed(async () => {
        for (const end = next + batches; next < end; next++) {
          const won = await ledger.claim(batchOf(next, 0, 'i'), 'bench', Date.now() + 1e9, Date.now())
          if (won.length !== batchSize) throw new Error(`${won.length} of ${batchSize} claims were won`)
        }
      })
  }
  const times = await interleave(pairs, all(long), all(short))
  for (const ledger of [long, short]) await ledger.close()
  return {
    name: `${claims} claims after ${longHistory.toLocaleString('en')} dispatches, ${name}`,
    ...times,
    against: `after ${shortHistory.toLocaleString('en')}`,
    limit: { says: '≤ 1.3 ×', holds: (ours, theirs) => ours <= 1.3 * theirs },
  }
}

interface Dispatcher {
  readonly process: ChildProcessWithoutNullStreams
  /** Claims the batches `from` to `to`, and returns the number of issues that this process won. */
  readonly claim: (from: number, to: number, machine?: number) => Promise<number>
}

async function dispatcher(url: string, machine: number): Promise<Dispatcher> {
  const child = spawn(process.execPath, [resolve(import.meta.dirname, 'claiming.ts'), url, String(machine)])
  child.stderr.pipe(process.stderr)
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  await lines.next()
  return {
    process: child,
    claim: async (...words) => {
      child.stdin.write(`${words.join(' ')}\n`)
      return Number((await lines.next()).value)
    },
  }
}

/**
 * Measures three concurrent dispatchers against a single one, with the same claims. The three claim for three machines first, then all for
 * the same workers.
 */
async function sharing(url: string, pairs: number): Promise<Compared[]> {
  const ledger = await prepared(url, 0, 4 * (pairs + 1), 3)
  const three = await Promise.all([0, 1, 2].map((machine) => dispatcher(url, machine)))
  let next = 0
  const round = (share: (from: number) => Promise<number>[]) => async () => {
    const from = next
    next += batches
    return timed(async () => {
      const won = (await Promise.all(share(from))).reduce((sum, count) => sum + count, 0)
      if (won !== claims) throw new Error(`${won} of ${claims} claims were won`)
    })
  }
  const third = batches / 3
  const alone = round((from) => [three[0]!.claim(from, from + batches)])
  const own = round((from) => three.map(({ claim }, index) => claim(from + index * third, from + (index + 1) * third)))
  const same = round((from) => three.map(({ claim }, index) => claim(from + index * third, from + (index + 1) * third, 0)))
  const [apart, together] = [await interleave(pairs, own, alone), await interleave(pairs, same, alone)]
  for (const { process: child } of three) {
    child.stdin.end()
    await once(child, 'exit')
  }
  await ledger.check()
  await ledger.close()
  const limit = { says: '≥ 1.3 × faster', holds: (ours: number, theirs: number) => theirs >= 1.3 * ours }
  const name = `${claims} claims by 3 dispatchers, PostgreSQL`
  return [
    { name: `${name}, each for its own machine`, ...apart, against: 'by 1 dispatcher', limit },
    { name: `${name}, all for one machine`, ...together, against: 'by 1 dispatcher', limit: { says: 'none', holds: () => true } },
  ]
}
