/** The part of the suite about readings: the states of workers, texts after a failed turn, and dry runs. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { claimOf, hand, idOf, issueOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

/** Declares the tests of this part. */
export function readings(holds: Holds): void {
  holds.repeated('saveReadings: keeps the time since which a state holds', async ({ ledger }) => {
    const see = (state: 'idle' | 'working', at: number) => ledger.saveReadings([{ worker: workers[0], state }], at)
    for (const [state, at] of [
      ['idle', 20],
      ['idle', 21],
      ['working', 22],
      ['working', 23],
    ] as const)
      await see(state, at)
    const [worker] = (await ledger.view()).workers
    assert.deepEqual([worker?.state, worker?.state_since, worker?.start_seen], ['working', 22, true])
    await ledger.saveReadings([{ worker: workers[0], state: 'idle', start_seen: false }], 24)
    assert.equal((await ledger.view()).workers[0]?.start_seen, false)
  })

  holds('saveReadings: keeps the time of an error until the worker works', async ({ ledger }) => {
    const see = (state: 'idle' | 'working' | 'error', at: number, repeated = false) =>
      ledger.saveReadings([{ worker: workers[0], state, repeated }], at)
    const seen = async () => {
      const [worker] = (await ledger.view()).workers
      return [worker?.state, worker?.state_since, worker?.error_at]
    }
    await see('error', 20)
    await see('error', 21)
    assert.deepEqual(await seen(), ['error', 20, 20])
    await see('error', 22, true)
    await see('idle', 23)
    assert.deepEqual(await seen(), ['idle', 23, 22])
    await see('error', 24, true)
    await see('working', 25)
    assert.deepEqual(await seen(), ['working', 25, null])
  })

  holds('plan: plans a resume text once, while the dispatch is handed', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    const about = (before: number) => ({ dispatch: idOf(1), issue: 'o/r#1', before })
    const text = (id: number, before: number) => ({
      id: idOf(id),
      kind: 'resume' as const,
      worker: workers[0],
      text: 'go on',
      about: about(before),
    })
    const planned = async (id: number, before: number, owner = 'a') =>
      (await ledger.planDeliveries([text(id, before)], owner, 100, 30)).length
    assert.equal(await planned(2, 0), 0, 'only claimed')
    await hand(ledger, claimOf(1), 20)
    assert.equal(
      (await Promise.all([planned(3, 0), planned(4, 0, 'b')])).reduce((a, b) => a + b),
      1,
    )
    assert.equal(await planned(5, 0), 0)
    assert.equal(await planned(6, 1), 1)
    const resumes = await ledger.resumeTexts([idOf(1), idOf(9)])
    assert.deepEqual([...resumes.keys()], [idOf(1)])
    assert.deepEqual(
      resumes.get(idOf(1))?.map(({ state, planned_at }) => [state, planned_at]),
      [
        ['planned', 30],
        ['planned', 30],
      ],
    )
    await ledger.planDeliveries(
      [{ id: idOf(7), kind: 'follow_up', worker: workers[0], text: 'it was taken back', about: { dispatch: idOf(1), issue: 'o/r#1' } }],
      'a',
      100,
      31,
    )
    const release = (resumes_seen: number) =>
      ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'released', reason: because('no login'), resumes_seen }], 40)
    const review = { id: idOf(1), from: ['handed'], to: 'review', reason: because('its turn ended'), handed_at: 1 } as const
    assert.equal((await ledger.moveDispatches([review], 40)).length, 0, 'another text reached the agent since')
    assert.equal((await release(1)).length, 0, 'there is another resume text by now')
    assert.equal((await release(2)).length, 1)
    assert.equal(await planned(8, 2), 0, 'its agent no longer has it')
    const states = (await ledger.deliveries({ kind: 'resume' })).map(({ state }) => state)
    assert.deepEqual(states, ['refused', 'refused'], 'no agent is told to resume an ended dispatch')
    assert.deepEqual(
      (await ledger.deliveries({ ids: [idOf(7)] })).map(({ state }) => state),
      ['planned'],
      'the text about the end stays planned',
    )
  })

  holds('quiet save: its events are written later', async ({ ledger }) => {
    const events = async () => (await ledger.events({})).map(({ kind, subject }) => `${kind} ${subject}`)
    const page = (number: number) => ({
      repo: 'o/new',
      issues: [issueOf(number, { ref: `o/new#${number}`, repo: 'o/new' })],
      cursor: 'c',
      complete: true,
    })
    await ledger.saveIssues([page(1)], 10)
    const before = await events()
    await ledger.saveIssues([page(2)], 11, true)
    assert.deepEqual([await events(), (await ledger.cycleView()).has_pending_events], [before, true])
    assert.deepEqual(await ledger.openIssueRefs('o/new'), ['o/new#2'])
    await ledger.writePendingEvents(12)
    assert.deepEqual((await events()).slice(before.length), ['issue.closed o/new#1', 'issue.found o/new#2'])
    assert.equal((await ledger.cycleView()).has_pending_events, false)
  })
}
