/** The part of the suite about the records of issues, repos and workers. */
import type { Holds } from './conformance.ts'
import assert from 'node:assert/strict'
import type { Standing } from '../../src/core/ledger/backlog.ts'
import { claimOf, hand, idOf, issueOf, workers } from './fixtures.ts'
import { because } from '../support/reasons.ts'

/** Declares the tests of issues and repos. */
export function issues(holds: Holds): void {
  holds('saveIssues: updates changes, and a complete listing closes missing issues', async ({ ledger }) => {
    const hostile = { title: "a\u0000b\ud800 '; drop table issue; --", body: '🜂 `$(x)` #{pane} \u001b[31m\r\n', labels: ['"q"', 'é'] }
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(2, hostile)], cursor: 'c2', complete: false }], 20)
    const record = await ledger.issue('o/r#2')
    assert.deepEqual(record?.issue, issueOf(2, { ...hostile, title: "ab\ufffd '; drop table issue; --" }))
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(2), issueOf(9)], cursor: 'c3', complete: true }], 30)
    assert.deepEqual((await ledger.candidates(new Map())).map(({ issue }) => issue.number).toSorted(), [2, 9])
    assert.equal((await ledger.issue('o/r#1'))?.issue.state, 'closed')
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1)], cursor: 'c4', complete: false }], 40)
    assert.deepEqual(
      (await ledger.events({ issue: 'o/r#1' })).map(({ kind }) => kind),
      ['issue.found', 'issue.closed', 'issue.reopened'],
    )
    const [repo] = (await ledger.view()).repos
    assert.deepEqual([repo?.cursor, repo?.listed_at], ['c4', 30])
  })

  holds.repeated('saveIssues: merges pages of several repos at once', async ({ ledger }) => {
    const other = issueOf(1, { ref: 'o/other#1', repo: 'o/other' })
    const pages = [
      { repo: 'o/r', issues: [issueOf(1), issueOf(2)], cursor: 'c2', complete: true },
      { repo: 'o/other', issues: [other], cursor: 'd1', complete: false },
    ]
    await ledger.saveIssues(pages, 20)
    assert.deepEqual((await ledger.candidates(new Map())).map(({ issue }) => issue.ref).toSorted(), ['o/other#1', 'o/r#1', 'o/r#2'])
    assert.deepEqual(
      (await ledger.repos()).map(({ repo, cursor, listed_at }) => [repo, cursor, listed_at]),
      [
        ['o/other', 'd1', null],
        ['o/r', 'c2', 20],
      ],
    )
  })

  holds.repeated('saveIssues: leaves other repos unchanged', async ({ ledger }) => {
    await ledger.saveIssues([{ repo: 'o/other', issues: [], cursor: 'c', complete: true }], 20)
    assert.equal((await ledger.candidates(new Map())).length, 4)
  })

  holds('repos: keep their writers and the time of their changes', async ({ ledger }) => {
    await ledger.saveWriters('o/r', ['ann', 'bob'], { listed: true }, 20)
    await ledger.saveChangeCursors(new Map([['o/r', 21]]))
    const expected = {
      repo: 'o/r',
      cursor: 'c1',
      writers: ['ann', 'bob'],
      writers_at: 20,
      rights_at: 20,
      listed_at: 1,
      changes_at: 21,
      wait_reason: null,
      unread: null,
      changed_at: null,
      news_at: 4,
      comments_at: null,
    }
    assert.deepEqual((await ledger.view()).repos, [expected])
  })

  holds.repeated('saveVerdicts: writes an event only if the verdict differs', async ({ ledger }) => {
    const verdict = { issue: 'o/r#1', eligible: false, reason: because('label "epic" is skipped'), standing: null, revision: 0 }
    await ledger.saveVerdicts([verdict, { ...verdict, issue: 'o/r#2' }, { ...verdict, issue: 'o/r#99' }], 20)
    await ledger.saveVerdicts([verdict, { ...verdict, issue: 'o/r#2', eligible: true }], 30)
    assert.deepEqual((await ledger.issue('o/r#1'))?.verdict, { eligible: false, reason: verdict.reason, at: 20 })
    assert.deepEqual(
      (await ledger.events({ issue: 'o/r#2' })).map(({ kind }) => kind),
      ['issue.found', 'issue.ineligible', 'issue.eligible'],
    )
    assert.equal((await ledger.events({ issue: 'o/r#1' })).length, 2)
  })

  holds.repeated('back-off: holds an issue until a time or a requeue', async ({ ledger }) => {
    await ledger.saveBackoff({ subject: 'o/r#1', until: 900, why: because('its comments cannot be written') }, 20)
    const record = await ledger.issue('o/r#1')
    assert.deepEqual([record?.backoff, record?.attempts], [{ until: 900, why: because('its comments cannot be written') }, 0])
    assert.equal(await ledger.requeue('o/r#1', 30), true)
    assert.equal((await ledger.issue('o/r#1'))?.backoff, null)
  })

  holds('follow-up: does not move its dispatch, and is pruned with it', async ({ ledger }) => {
    await hand(ledger, claimOf(1), 20)
    const about = { dispatch: idOf(1), issue: 'o/r#1' }
    await ledger.planDeliveries([{ id: idOf(2), kind: 'follow_up', worker: workers[0], text: 'it was closed', about }], 'a', 1000, 21)
    const refused = { id: idOf(2), token: 1, from: 'planned', to: 'refused', evidence: because('no agent') } as const
    const [moved] = await ledger.moveDeliveries([refused], 'a', 22)
    assert.deepEqual([moved?.dispatch, moved?.kind], [idOf(1), 'follow_up'])
    assert.equal((await ledger.dispatches({ issue: 'o/r#1' }))[0]?.state, 'handed')
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { state: 'closed' })], cursor: 'c2', complete: false }], 23)
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'released', reason: because('by a person') }], 24)
    assert.equal((await ledger.prune(500, 600, false)).dispatches, 1)
    assert.deepEqual(await ledger.deliveries({ ids: [idOf(2)] }), [])
  })

  holds('candidates: has new and changed issues, and the first queued ones', async ({ ledger }) => {
    const unjudged = async () => (await ledger.candidates(new Map())).map(({ issue }) => issue.number).toSorted()
    const front = async (n: number) =>
      (await ledger.candidates(new Map([['o/r', n]]))).filter(({ standing }) => standing === 'queued').map(({ issue }) => issue.number)
    const judge = async (number: number, standing: Standing | null) => {
      const { revision = 0 } = (await ledger.issue(`o/r#${number}`)) ?? {}
      const verdict = { issue: `o/r#${number}`, eligible: standing === 'queued', reason: because('because') }
      await ledger.saveVerdicts([{ ...verdict, standing, revision }], 20)
    }
    assert.deepEqual(await unjudged(), [1, 2, 3, 4])
    for (const number of [3, 1, 2]) await judge(number, 'queued')
    await judge(4, 'none')
    assert.deepEqual([await unjudged(), await front(2), await front(9)], [[], [1, 2], [1, 2, 3]])
    await hand(ledger, claimOf(1), 21)
    assert.deepEqual([await unjudged(), await front(9)], [[], [2, 3]])
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'lost', reason: because('gone') }], 22)
    assert.deepEqual(await unjudged(), [1])
    await judge(1, 'queued')
    await ledger.saveIssues(
      [{ repo: 'o/r', issues: [issueOf(2, { title: 'new' }), issueOf(3, { state: 'closed' })], cursor: 'c2', complete: false }],
      23,
    )
    assert.deepEqual([await unjudged(), await front(9)], [[2], [1]])
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { comments: 3, updated_at: 23 })], cursor: 'c3', complete: false }], 23)
    assert.deepEqual([await unjudged(), (await ledger.issue('o/r#1'))?.issue.comments], [[2], 3])
    await ledger.rejudgeIfRulesChanged('other rules')
    assert.deepEqual(await unjudged(), [1, 2, 4])
    for (const number of [1, 2, 4]) await judge(number, 'none')
    await ledger.rejudgeIfRulesChanged('other rules')
    assert.deepEqual(await unjudged(), [])
    await ledger.saveWriters('o/r', ['ann'], { listed: true }, 24)
    await ledger.saveWriters('o/r', ['ann', 'bob'], { listed: true }, 25)
    assert.deepEqual(await unjudged(), [1, 2, 4])
    await judge(1, 'queued')
    assert.deepEqual(await ledger.backlog(), { open: 3, eligible: 1, unjudged: 2, elsewhere: [] })
    assert.deepEqual((await ledger.openIssues('o/r')).length, 3)
    assert.deepEqual((await ledger.openIssueRefs('o/r')).toSorted(), ['o/r#1', 'o/r#2', 'o/r#4'])
    assert.equal(await ledger.countOpenIssues('o/r'), 3)
  })

  holds('labelledIssues: finds the open issues with exactly this label', async ({ ledger }) => {
    const label = 'a_b"\\%!'
    const issues = [[label], ['axb"\\%!'], [`${label}c`, 'é', label], []].map((labels, index) => issueOf(index + 1, { labels }))
    const closed = issueOf(5, { labels: [label], state: 'closed' })
    await ledger.saveIssues([{ repo: 'o/r', issues: [...issues, closed], cursor: 'c', complete: true }], 1)
    const found = await ledger.labelledIssues(label)
    assert.deepEqual(found.map(({ ref }) => ref).toSorted(), ['o/r#1', 'o/r#3'])
  })

  holds('saveApprovals: approves a text until it is edited', async ({ ledger }) => {
    const state = async () => {
      const { approval, revision, standing } = (await ledger.issue('o/r#1')) ?? {}
      return { approval, revision: revision ?? -1, standing }
    }
    const edit = (body: string) => ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { body })], cursor: 'c', complete: false }], 21)
    const { revision } = await state()
    assert.deepEqual(await ledger.saveApprovals([{ issue: 'o/r#1', revision: revision + 1, approved: true }], 20), [], 'another revision')
    assert.deepEqual(await ledger.saveApprovals([{ issue: 'o/r#1', revision, approved: true }], 20), ['o/r#1'])
    assert.equal((await state()).approval, 'current')
    await ledger.saveVerdicts([{ issue: 'o/r#1', eligible: true, reason: because('x'), standing: 'queued', revision }], 20)
    await edit('another text')
    assert.deepEqual(await state(), { approval: 'edited', revision: revision + 1, standing: null })
    await ledger.saveApprovals([{ issue: 'o/r#1', revision: revision + 1, approved: false }], 22)
    assert.equal((await state()).approval, null)
  })

  holds('saveWriters: has issues judged again if the writers changed', async ({ ledger }) => {
    await ledger.saveWriters('o/r', ['ann', 'bob'], { listed: true }, 20)
    const before = (await ledger.issue('o/r#1'))?.revision ?? 0
    await ledger.saveVerdicts([{ issue: 'o/r#1', eligible: true, reason: because('x'), standing: 'queued', revision: before }], 20)
    await ledger.saveWriters('o/r', ['bob', 'ann'], { listed: false }, 30)
    assert.equal((await ledger.issue('o/r#1'))?.standing, 'queued')
    await ledger.saveWriters('o/r', ['bob'], { listed: false }, 40)
    const [{ writers, writers_at, rights_at } = {}] = await ledger.repos()
    assert.deepEqual([writers, writers_at, rights_at], [['bob'], 20, 40])
    assert.equal((await ledger.issue('o/r#1'))?.standing, null)
  })

  holds.repeated('saveVerdicts: drops a verdict of an old revision', async ({ ledger }) => {
    const before = (await ledger.issue('o/r#1'))?.revision ?? 0
    await hand(ledger, claimOf(1), 10)
    const old = { issue: 'o/r#1', eligible: true, reason: because('m/W/A has it'), standing: 'taken', revision: before + 1 } as const
    await ledger.moveDispatches([{ id: idOf(1), from: ['handed'], to: 'released', reason: because('by hand') }], 11)
    await ledger.saveVerdicts([old], 12)
    assert.equal((await ledger.issue('o/r#1'))?.standing, null)
  })

  holds('queue: has the highest priority first, then the lowest rank, then the oldest issue', async ({ ledger }) => {
    await ledger.saveIssues([{ repo: 'o/r', issues: [issueOf(1, { due_at: 77 })], cursor: 'c2', complete: false }], 4)
    const rank = (number: number) => (number === 4 ? 1e13 : 5e13)
    const verdicts = (await ledger.candidates(new Map())).map(({ issue, revision }) => {
      return {
        issue: issue.ref,
        eligible: true,
        reason: { code: 'queued' },
        standing: 'queued',
        revision,
        rank: rank(issue.number),
      } as const
    })
    await ledger.saveVerdicts(verdicts, 5)
    const urgent = [3, 4, 1].map((number, index) => ledger.prioritize(`o/r#${number}`, [2, 2, -1][index] ?? 0, 6))
    assert.deepEqual(await Promise.all([...urgent, ledger.prioritize('o/r#99', 1, 6)]), [true, true, true, false])
    assert.deepEqual([await ledger.highestPriority('o/r#1'), await ledger.highestPriority('o/r#3')], [2, 2])
    assert.equal((await ledger.issue('o/r#1'))?.issue.due_at, 77)
    const front = await ledger.candidates(new Map([['o/r', 4]]))
    assert.deepEqual(
      front.map(({ issue, priority }) => [issue.number, priority]),
      [
        [4, 2],
        [3, 2],
        [2, 0],
        [1, -1],
      ],
    )
  })

  holds('saveWaiting: keeps the reason until there is none', async ({ ledger }) => {
    await ledger.saveWaitReasons(new Map([['o/r', because('all are full')]]))
    assert.deepEqual(
      (await ledger.repos()).map(({ wait_reason }) => wait_reason),
      [because('all are full')],
    )
    await ledger.saveWaitReasons(new Map())
    assert.deepEqual(
      (await ledger.repos()).map(({ wait_reason }) => wait_reason),
      [null],
    )
  })

  holds.repeated('requeue: refuses live and unknown issues', async ({ ledger }) => {
    await ledger.claim([claimOf(1)], 'a', 100, 10)
    assert.deepEqual(await Promise.all(['o/r#1', 'o/r#2', 'o/r#99'].map((ref) => ledger.requeue(ref, 11))), [false, true, false])
  })
}

/** Declares the tests of workers and holds. */
export function fleet(holds: Holds): void {
  holds.repeated('workers: are in the order of recording', async ({ ledger }) => {
    await ledger.recordWorkers(
      ['m/W/Z', workers[1], 'm/W/D'].map((id) => ({ id, drawn: true })),
      20,
    )
    const { workers: kept } = await ledger.view()
    assert.deepEqual(
      kept.map(({ id }) => id),
      [...workers, 'm/W/Z', 'm/W/D'],
    )
    assert.deepEqual(
      kept.map(({ drawn }) => drawn),
      [false, false, false, true, true],
    )
  })

  holds('agents: has those of live work and of last identities', async ({ ledger }) => {
    const tell = async (count: number, incarnation: string | null) => {
      const id = idOf(count)
      await ledger.planDeliveries([{ id, kind: 'identity', worker: workers[1], text: 'you are B' }], 'a', 1000, 10)
      const move = { id, token: 1, from: 'planned' as const, evidence: because('x') }
      if (incarnation === null) await ledger.moveDeliveries([{ ...move, to: 'refused' }], 'a', 10)
      else await ledger.moveDeliveries([{ ...move, to: 'placing', incarnation }], 'a', 10)
      if (incarnation !== null) await ledger.moveDeliveries([{ ...move, from: 'placing', to: 'seen' }], 'a', 10)
    }
    await tell(11, '1.%2.20')
    await tell(12, '1.%2.21.500')
    await tell(13, null)
    await hand(ledger, claimOf(14), 20)
    const known = (await ledger.knownAgents()).map(({ worker, incarnation }) => `${worker} ${incarnation}`)
    assert.deepEqual([...new Set(known)].toSorted(), [`${workers[0]} 1.%1.9`, `${workers[1]} 1.%2.21.500`])
  })

  holds.repeated('waitForChange: ends when it is stopped, before or meanwhile', async ({ ledger }) => {
    await ledger.waitForChange(AbortSignal.abort())
    const stop = AbortSignal.timeout(200)
    await ledger.waitForChange(stop)
    assert.ok(stop.aborted)
  })

  holds.repeated('view: is consistent while others write', async ({ ledger }) => {
    const writes = Array.from({ length: 8 }, (_, i) =>
      ledger.claim([claimOf(i + 1, { issue: `o/r#${(i % 4) + 1}`, slot: i })], 'a', 100, 10),
    )
    const views = await Promise.all(Array.from({ length: 8 }, () => ledger.view()))
    await Promise.all(writes)
    for (const { dispatches, deliveries } of views) assert.equal(deliveries.length, dispatches.length)
  })
}
