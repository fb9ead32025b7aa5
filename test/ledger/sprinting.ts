/** The part of the suite about sprints, jobs and skipped issues. */
import type { SprintClaim, SprintEnd } from '../../src/core/ledger/sprints.ts'
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import { claimOf, idOf, issueOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

const sprintWorker = 'sprint/host/1'

function sprintOf(count: number, changes: Partial<SprintClaim> = {}): SprintClaim {
  return {
    id: idOf(count),
    issue: 'o/r#1',
    worker: sprintWorker,
    slot: 0,
    host: 'host',
    attempt: 1,
    reason: because('the oldest'),
    ...changes,
  }
}

const change: SprintEnd = {
  outcome: 'change',
  failure: null,
  dispatch: 'review',
  reason: because('open for review'),
  change_url: 'http://f/1',
}
const red: SprintEnd = {
  outcome: 'failed',
  failure: { class: 'check_red', reason: '2 tests' },
  dispatch: 'failed',
  reason: because('red'),
}
const back: SprintEnd = {
  outcome: 'given_back',
  failure: { class: 'stopped', reason: 'Ctrl-C' },
  dispatch: 'released',
  reason: because('stopped'),
}

/** Declares the tests of this part. */
export function sprinting(holds: Holds): void {
  claiming(holds)
  ending(holds)
  settling(holds)
  naming(holds)
}

function claiming(holds: Holds): void {
  holds.repeated('claimSprint: a sprint and a pane never have the same issue', async ({ ledger }) => {
    assert.equal(await ledger.claimSprint(sprintOf(1), 'a', 100, 10), 'won')
    assert.deepEqual(await ledger.claim([claimOf(2)], 'b', 100, 11), [])
    assert.equal((await ledger.claim([claimOf(3, { issue: 'o/r#2' })], 'b', 100, 12)).length, 1)
    assert.equal(await ledger.claimSprint(sprintOf(4, { issue: 'o/r#2', worker: 'sprint/host/2' }), 'a', 100, 13), 'issue')
    const view = await ledger.view()
    assert.deepEqual([view.sprints.length, view.dispatches.length, view.deliveries.length], [1, 2, 1])
    assert.equal((await ledger.issue('o/r#1'))?.standing, 'taken')
  })

  holds('claimSprint: shares the slots of a worker with panes', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'b', 100, 10)
    assert.equal(await ledger.claimSprint(sprintOf(2, { issue: 'o/r#2', worker: workers[0] }), 'a', 100, 11), 'worker')
    assert.equal(await ledger.claimSprint(sprintOf(3, { issue: 'o/r#2', worker: workers[0], slot: 1 }), 'a', 100, 12), 'won')
  })

  holds.repeated('claimSprint: refuses issues that are closed, attempted or unknown', async ({ ledger }) => {
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { state: 'closed' })], cursor: 'c', complete: false }], 5)
    assert.equal(await ledger.claimSprint(sprintOf(1), 'a', 100, 10), 'issue')
    assert.equal(await ledger.claimSprint(sprintOf(2, { issue: 'o/r#2', attempt: 2 }), 'a', 100, 11), 'issue')
    assert.equal(await ledger.claimSprint(sprintOf(3, { issue: 'o/r#9' }), 'a', 100, 12), 'issue')
  })
}

function ending(holds: Holds): void {
  holds('kept change: keeps its issue, and is published once', async ({ ledger }) => {
    const kept: SprintEnd = {
      outcome: 'kept',
      failure: { class: 'protected_paths', reason: 'it touches .drone.yml' },
      dispatch: 'review',
      reason: because('it touches .drone.yml'),
    }
    await ledger.claimSprint(sprintOf(1), 'a', 100, 10)
    await ledger.handSprint(idOf(1), 'a', 11)
    await ledger.saveComments([{ id: idOf(1), comment_id: '7', comment_state: 'handed' }], 12)
    assert.equal(await ledger.publishSprint(idOf(1), 'http://f/1', 12), false, 'it is not kept yet')
    await ledger.endSprint(idOf(1), 'a', kept, 13)
    await ledger.saveComments([{ id: idOf(1), comment_id: '7', comment_state: 'review' }], 14)
    assert.equal((await ledger.issue('o/r#1'))?.standing, 'taken')
    assert.equal(await ledger.claimSprint(sprintOf(2, { worker: 'sprint/host/2', attempt: 2 }), 'b', 100, 15), 'issue')
    assert.equal(await ledger.publishSprint(idOf(1), 'http://f/1', 16), true)
    assert.equal(await ledger.publishSprint(idOf(1), 'http://f/2', 17), false)
    const [row] = await ledger.sprints({})
    assert.deepEqual([row?.outcome, row?.failure, row?.failure_text, row?.change_url], ['change', null, null, 'http://f/1'])
    const [due] = await ledger.pendingComments('b')
    assert.deepEqual([due?.id, due?.state, due?.change_url], [idOf(1), 'review', 'http://f/1'])
    await ledger.check()
  })

  holds('endSprint: saves the result once, for its owner only', async ({ ledger }) => {
    await ledger.claimSprint(sprintOf(1), 'a', 100, 10)
    assert.deepEqual(
      (await ledger.pendingComments('a')).map(({ id }) => id),
      [idOf(1)],
    )
    assert.deepEqual(await ledger.pendingComments('b'), [])
    assert.equal(await ledger.handSprint(idOf(1), 'b', 11), false)
    assert.equal(await ledger.handSprint(idOf(1), 'a', 12), true)
    const used = { model: 'm', provider: 'p', turns: 3, tokens_in: 3_000_000_000, tokens_out: 20, cost: 0.125 }
    assert.equal(await ledger.saveSprint(idOf(1), 'b', used, 3_600_000), false)
    assert.equal(await ledger.saveSprint(idOf(1), 'a', used, 3_600_000), true)
    assert.equal(await ledger.endSprint(idOf(1), 'b', change, 20), false)
    assert.equal(await ledger.endSprint(idOf(1), 'a', change, 20), true)
    assert.equal(await ledger.endSprint(idOf(1), 'a', red, 21), false)
    const usage = (await ledger.usage({ since: 0 })).map(({ source, worker, issue, hour, calls, input, output }) => [
      source,
      worker,
      issue,
      hour,
      calls,
      input,
      output,
    ])
    assert.deepEqual(usage, [['sprint', 'sprint/host/1', 'o/r#1', 3_600_000, 3, 3_000_000_000, 20]])
    const [row] = await ledger.sprints({ issue: 'o/r#1' })
    assert.deepEqual(
      [row?.stage, row?.outcome, row?.tokens_in, row?.cost, row?.ended_at, row?.lease_owner],
      ['ended', 'change', 3_000_000_000, 0.125, 20, null],
    )
    const [dispatch] = await ledger.dispatches({ issue: 'o/r#1' })
    assert.deepEqual([dispatch?.state, dispatch?.change_url], ['review', 'http://f/1'])
    assert.deepEqual((await ledger.view()).sprints, [])
    const step = { dispatch: idOf(1), action: 'fix_checks', signature: 's', attempt: 1 } as const
    const follow = { ...step, head: 'h', reason: because('red'), worker: null, sprint_text: 'fix it' }
    assert.equal(await ledger.beginStep(follow, 30), true)
    assert.equal(await ledger.continueSprint(step, { worker: sprintWorker, host: 'host', owner: 'a', until: 200 }, 31), true)
    const [again] = await ledger.sprints({ issue: 'o/r#1' })
    assert.deepEqual([again?.stage, again?.ended_at, again?.turns, again?.cost], ['claimed', null, 3, 0.125], 'the counters stay')
    await ledger.saveSprint(idOf(1), 'a', { ...used, turns: 5, tokens_out: 30 }, 3_600_000)
    const calls = (await ledger.usage({ since: 0 })).map((each) => [each.calls, each.output])
    assert.deepEqual(calls, [[5, 30]], 'the usage grows by the new run alone')
  })

  holds('endSprint: a failure counts as an attempt, a release does not', async ({ ledger }) => {
    for (const [count, end] of [back, red].entries()) {
      await ledger.claimSprint(sprintOf(count + 1), 'a', 100, 10)
      await ledger.handSprint(idOf(count + 1), 'a', 11)
      assert.equal(await ledger.endSprint(idOf(count + 1), 'a', end, 12), true)
      assert.equal((await ledger.issue('o/r#1'))?.attempts, count)
    }
    const rows = await ledger.sprints({ limit: 1 })
    assert.deepEqual(
      rows.map(({ id, failure, failure_text }) => [id, failure, failure_text]),
      [[idOf(2), 'check_red', '2 tests']],
    )
  })

  holds.repeated('endSprint: releases an issue whose sprint never began', async ({ ledger }) => {
    await ledger.claimSprint(sprintOf(1), 'a', 100, 10)
    assert.equal(await ledger.endSprint(idOf(1), 'a', red, 12), true)
    assert.equal((await ledger.dispatches({ issue: 'o/r#1' }))[0]?.state, 'released')
  })
}

function settling(holds: Holds): void {
  holds('sprint: ends when its dispatch ends elsewhere', async ({ ledger }) => {
    const cases = [
      ['done', 10, 'issue_gone'],
      ['released', 10, 'fenced'],
      ['lost', 1000, 'crashed'],
    ] as const
    for (const [index, [to, at, failure]] of cases.entries()) {
      const id = idOf(index + 1)
      await ledger.claimSprint(sprintOf(index + 1, { issue: `o/r#${index + 1}` }), 'a', 100, 5)
      await ledger.handSprint(id, 'a', 6)
      await ledger.moveDispatches([{ id, from: ['handed'], to, reason: because('said so') }], at)
      assert.deepEqual(
        (await ledger.sprints({ ids: [id] })).map((row) => [row.failure, row.failure_text, row.ended_at]),
        [[failure, 'said so', at]],
      )
      assert.equal(await ledger.saveSprint(id, 'a', { turns: 9 }, 1), false)
    }
  })

  holds('sprint: writes its result after another process saw its change', async ({ ledger }) => {
    const review = { from: ['handed'], to: 'review', reason: because('seen'), change_url: 'http://f/1' } as const
    for (const [count, at] of [10, 1000].entries()) {
      await ledger.claimSprint(sprintOf(count + 1, { issue: `o/r#${count + 1}` }), 'a', 100, 5)
      await ledger.handSprint(idOf(count + 1), 'a', 6)
      await ledger.moveDispatches([{ ...review, id: idOf(count + 1) }], at)
    }
    assert.equal(await ledger.endSprint(idOf(1), 'a', change, 11), true)
    assert.equal(await ledger.endSprint(idOf(2), 'a', change, 1001), false)
    assert.deepEqual(
      (await ledger.sprints({})).map(({ outcome, change_url }) => [outcome, change_url]),
      [
        ['change', 'http://f/1'],
        ['change', 'http://f/1'],
      ],
    )
  })
}

function naming(holds: Holds): void {
  holds('job: runs for one owner until its lease expires', async ({ ledger }) => {
    const job = { name: 'loop x', period: null }
    assert.equal(await ledger.beginJob(job, 'a', 100, 10), null)
    assert.equal((await ledger.beginJob(job, 'b', 200, 99))?.owner, 'a')
    await ledger.renewLeases('a', 150)
    assert.equal((await ledger.beginJob(job, 'b', 200, 149))?.owner, 'a')
    assert.equal(await ledger.beginJob(job, 'b', 300, 150), null)
    await ledger.endJob({ name: 'loop x', last_result: 'not mine', next_run: null }, 'a')
    assert.deepEqual((await ledger.view()).leases.get('loop x'), { owner: 'b', until: 300 })
    await ledger.releaseLeases('b')
    assert.equal(await ledger.beginJob(job, 'c', 400, 160), null)
    assert.equal(await ledger.beginJob(job, 'c', 500, 170), null, 'its owner extends the lease')
    await ledger.endJob({ name: 'loop x', last_result: 'done', next_run: null }, 'c')
    const ended = { owner: null, until: null, last_run: 160, last_result: 'done', next_run: null }
    assert.deepEqual(await ledger.jobs(), [{ ...job, ...ended }])
    assert.deepEqual([...(await ledger.view()).leases.keys()], [])
  })

  holds('job: is not due before its time, unless the clock was set back', async ({ ledger }) => {
    const [job, day] = [{ name: 'retention', period: 86_400_000 }, 86_400_000]
    assert.equal(await ledger.beginJob(job, 'a', 100, 10), null)
    await ledger.endJob({ name: job.name, last_result: 'done', next_run: 10 + day }, 'a')
    assert.equal((await ledger.beginJob(job, 'b', day, day - 1))?.next_run, 10 + day)
    assert.equal((await ledger.beginJob(job, 'b', 100, -50_000))?.next_run, 10 + day)
    assert.equal(await ledger.beginJob(job, 'b', 100, -70_000), null)
    await ledger.endJob({ name: job.name, last_result: 'failed', next_run: null }, 'b')
    assert.equal(await ledger.beginJob(job, 'a', 2 * day, 20), null, 'a failed job is due')
  })

  holds.repeated('lease: of a sprint can be renewed and released', async ({ ledger }) => {
    await ledger.claimSprint(sprintOf(1), 'a', 100, 10)
    assert.deepEqual(await ledger.renewLeases('a', 300), [idOf(1)])
    assert.equal((await ledger.view()).sprints[0]?.lease_until, 300)
    await ledger.releaseLeases('a')
    assert.equal((await ledger.view()).sprints[0]?.lease_until, 0)
  })

  holds('skip: applies to one worker, until a time', async ({ ledger }) => {
    const skip = { worker: sprintWorker, issue: 'o/r#1', reason: 'no change twice', at: 5 }
    await ledger.skip({ ...skip, until: 100 })
    await ledger.skip({ ...skip, issue: 'o/r#2', until: null })
    await ledger.skip({ ...skip, worker: 'm/W/A', until: 50 })
    const left = async (at: number, worker?: string) =>
      (await ledger.skips(at, worker)).map(({ worker: skipper, issue }) => `${skipper} ${issue}`)
    assert.deepEqual(await left(40), ['m/W/A o/r#1', `${sprintWorker} o/r#1`, `${sprintWorker} o/r#2`])
    assert.deepEqual(await left(100, sprintWorker), [`${sprintWorker} o/r#2`])
    assert.deepEqual([await ledger.unskip(sprintWorker, 'o/r#2'), await ledger.unskip(sprintWorker, 'o/r#2')], [true, false])
  })
}
