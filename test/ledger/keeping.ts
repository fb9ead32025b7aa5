/** The part of the suite about pruning, and the tests of backups and moves. */
import type { Ledger } from '../../src/core/ledger.ts'
import type { SprintClaim } from '../../src/core/ledger/sprints.ts'
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { backupLedger, moveLedger, dryRunBackup, dryRunMove } from '../../src/ledger/copy.ts'
import { openDatabase, openEngine, openLedger } from '../../src/ledger/open.ts'
import { pages } from '../../src/ledger/export.ts'
import { claimOf, furnish, hand, holdWorker, idOf, issueOf, withCode, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

const wait = { random: Math.random }
const silent = () => {}

/** Declares the tests of pruning. */
export function pruning(holds: Holds): void {
  holds.repeated('prune: deletes the old history of closed issues only', async ({ ledger }) => {
    // Issue 1 was lost, then done, and is closed. Issue 2 was lost and is open. Issue 3 is live.
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'lost', reason: because('gone') }], 11)
    await hand(ledger, claimOf(2, { attempt: 2 }), 12)
    await ledger.moveDispatches([{ id: idOf(2), from: ['handed'], to: 'done', reason: because('merged') }], 13)
    await hand(ledger, claimOf(3, { issue: 'o/r#2' }), 14)
    await ledger.moveDispatches([{ id: idOf(3), from: ['handed'], to: 'lost', reason: because('gone') }], 15)
    await hand(ledger, claimOf(4, { issue: 'o/r#3' }), 16)
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { state: 'closed' })], cursor: 'c2', complete: false }], 20)
    const identities = [5, 6].map((count) => ({ id: idOf(count), kind: 'identity' as const, worker: workers[2], text: 'you are C' }))
    await ledger.planDeliveries(identities, 'a', 100, 21)
    for (const { id } of identities)
      await ledger.moveDeliveries([{ id, token: 1, from: 'planned', to: 'refused', evidence: because('no agent') }], 'a', 22)

    const before = await ledger.events({ limit: 1000 })
    const would = await ledger.prune(1000, 1000, true)
    assert.deepEqual([would.dispatches, would.deliveries], [1, 1])
    assert.deepEqual(await ledger.events({ limit: 1000 }), before, 'a dry run changes nothing')
    assert.deepEqual(await ledger.prune(1000, 1000, false), would)
    assert.deepEqual(
      (await ledger.dispatches({})).map(({ id }) => id),
      [idOf(4), idOf(3), idOf(2)],
    )
    assert.deepEqual([(await ledger.issue('o/r#1'))?.attempts, (await ledger.issue('o/r#1'))?.done], [0, true])
    assert.equal((await ledger.issue('o/r#2'))?.attempts, 1, 'an open issue keeps its history')
    assert.deepEqual(
      (await ledger.deliveries({ worker: workers[2], kind: 'identity' })).map(({ id }) => id),
      [idOf(6)],
    )
    const left = await ledger.events({ limit: 1000 })
    assert.equal(left.at(-1)?.kind, 'ledger.pruned')
    assert.equal(left.length - 1, before.length - would.events)
    assert.deepEqual(await ledger.prune(1000, 1001, false), { dispatches: 0, deliveries: 0, events: 0 })
  })

  holds('prune: keeps what ended after the given time', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 10)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'lost', reason: because('gone') }], 11)
    await ledger.saveIssues([{ repo: 'o/r', issues: [], cursor: 'c2', complete: true }], 20)
    assert.deepEqual(await ledger.prune(5, 30, false), { dispatches: 0, deliveries: 0, events: 4 + 3 })
    assert.equal((await ledger.dispatches({})).length, 1)
  })
}

function sprintOf(number: number): SprintClaim {
  const issue = `o/r#${number}`
  return { id: idOf(number), issue, worker: 'sprint/host/1', slot: 0, host: 'host', attempt: 1, reason: because('the oldest') }
}

/** Returns all rows of a ledger except `meta`, read in pages of `size` rows. */
async function contents(url: string, size = 500): Promise<string[]> {
  const engine = await openEngine(url, wait)
  const rows: string[] = []
  await engine.read(async (trx) => {
    for await (const { table, rows: page } of pages(trx, size))
      for (const row of page) if (table !== 'meta') rows.push(JSON.stringify([table, row]))
  })
  await engine.close()
  return rows
}

/** Declares the tests of copies from one engine to another. `fresh` returns URLs of places without a ledger. */
export function copying(name: string, fresh: { from(): Promise<string>; to(): Promise<string> }): void {
  describe(`a ledger copied ${name}`, () => {
    async function written(issues = 9): Promise<string> {
      const url = await fresh.from()
      const ledger = await openLedger(url, wait)
      await furnish(ledger, issues)
      await hand(ledger, claimOf(1), 10)
      await ledger.claim([claimOf(2, { issue: 'o/r#2', slot: 1 })], 'b', 5000, 20)
      await ledger.saveIssues(
        [{ repo: 'o/r', issues: [issueOf(7, { title: "Ω '; drop table issue; --", body: '🜂\n' })], cursor: 'c2', complete: false }],
        20,
      )
      const open = {
        dispatch_id: null,
        name: '#3',
        url: 'u3',
        closes: ['o/r#9'],
        state: 'open',
        author: 'ann',
        fork: false,
        created_at: 1,
      } as const
      await ledger.saveOpenChanges([{ repo: 'o/r', changes: [open], complete: false }])
      await ledger.claimSprint(sprintOf(5), 'b', 5000, 20)
      await ledger.beginJob({ name: 'loop m/W/A', period: null }, 'b', 5000, 20)
      await ledger.skip({ worker: workers[0], issue: 'o/r#6', until: null, reason: 'red', at: 20 })
      await ledger.close()
      return url
    }

    it('backup: has every row, and is renewed until somebody uses it', async () => {
      // A copy reads pages of 1000 rows.
      const [from, to] = [await written(1100), await fresh.to()]
      const would = await dryRunBackup(from, to, wait)
      const target = await openDatabase(to, wait)
      assert.deepEqual(await target.read((trx) => target.tables(trx)), [], 'a dry run writes nothing')
      await target.close()
      const { rows } = await backupLedger(from, to, wait, silent)
      assert.ok(rows > 2200)
      assert.deepEqual([would.to, would.rows], [target.where, rows])
      assert.deepEqual(await contents(to, 50), await contents(from, 50))
      assert.deepEqual(await contents(to), await contents(from, 50))
      const source = await openLedger(from, wait)
      await holdWorker(source, workers[0], 'mine', 30)
      await source.close()
      await backupLedger(from, to, wait, silent)
      assert.deepEqual(await contents(to), await contents(from))
      const copy = await openLedger(to, wait)
      await copy.check()
      await holdWorker(copy, workers[0], null, 40)
      const [before, newest] = await copy.events({ limit: 2 })
      assert.ok(newest?.kind === 'worker.resumed' && newest.seq > before!.seq, 'event numbers continue')
      await copy.close()
      await assert.rejects(dryRunBackup(from, to, wait), withCode('ledger_target'))
      await assert.rejects(backupLedger(from, to, wait, silent), withCode('ledger_target'))
    })

    it('move: waits for leases, closes the old ledger, can be repeated', async () => {
      const [from, to] = [await written(), await fresh.to()]
      await assert.rejects(moveLedger({ from, to }, wait, 4999, silent), withCode('ledger_in_use'))
      // A move that was interrupted after the copy, before the old ledger was closed.
      await backupLedger(from, to, wait, silent)
      const before = await contents(from)
      await assert.rejects(dryRunMove(from, to, wait, 4999), withCode('ledger_in_use'))
      assert.equal((await dryRunMove(from, to, wait, 5001)).rows, before.length)
      await moveLedger({ from, to }, wait, 5001, silent)
      assert.deepEqual(await contents(to), before)
      await assert.rejects(openLedger(from, wait), withCode('ledger_moved'))
    })

    it('move: is refused while a lease is held, and names its owner', async () => {
      const hold = {
        sprint: (ledger: Ledger) => ledger.claimSprint(sprintOf(1), 'host:7', 5000, 20),
        loop: (ledger: Ledger) => ledger.beginJob({ name: 'loop m/W/A', period: null }, 'host:7', 5000, 20),
      }
      for (const [what, take] of Object.entries(hold)) {
        const [from, to] = [await fresh.from(), await fresh.to()]
        const ledger = await openLedger(from, wait)
        await furnish(ledger, 1)
        await take(ledger)
        await ledger.close()
        const inUse = (thrown: Error) => {
          assert.match(thrown.message, new RegExp(`host:7 holds .*${what}.* until 1970-01-01T00:00:05Z`))
          return withCode('ledger_in_use')(thrown)
        }
        await assert.rejects(dryRunMove(from, to, wait, 4999), inUse)
        await assert.rejects(moveLedger({ from, to }, wait, 4999, silent), inUse)
        await moveLedger({ from, to }, wait, 5000, silent)
      }
    })

    it('copy: notifications begin with the events after it', async () => {
      const [from, to] = [await written(), await fresh.to()]
      const source = await openLedger(from, wait)
      await source.savePlan({ after: null, until: await source.horizon(), add: [], cancel: [] })
      await source.close()
      await backupLedger(from, to, wait, silent)
      const target = await openLedger(to, wait)
      assert.equal(await target.notificationCursor(), null, 'positions of events are valid in one ledger only')
      await target.close()
    })

    it('copy: overwrites neither another ledger nor itself', async () => {
      const [from, to] = [await written(), await fresh.to()]
      const other = await openLedger(to, wait)
      await furnish(other, 1)
      await other.close()
      const before = await contents(to)
      await assert.rejects(backupLedger(from, to, wait, silent), withCode('ledger_target'))
      await assert.rejects(moveLedger({ from, to: from }, wait, 9999, silent), withCode('ledger_target'))
      await assert.rejects(dryRunMove(from, to, wait, 9999), withCode('ledger_target'))
      await assert.rejects(dryRunMove(from, from, wait, 9999), withCode('ledger_target'))
      await assert.rejects(dryRunBackup(from, from, wait), withCode('ledger_target'))
      assert.deepEqual(await contents(to), before)
    })
  })
}

/** Makes a folder, and returns a function that names new files in it. */
export function files(after: (end: () => void) => void): () => Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'burn-ledger-'))
  after(() => rmSync(folder, { recursive: true }))
  let count = 0
  return async () => `sqlite:${folder}/${++count}.db`
}
