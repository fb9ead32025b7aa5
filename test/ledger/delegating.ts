/** The part of the conformance suite about delegations. */
import assert from 'node:assert/strict'
import type { Ledger } from '../../src/core/ledger.ts'
import type { Holds } from './conformance.ts'
import { because } from '../support/reasons.ts'
import { claimOf, hand } from './fixtures.ts'

const ezra = { issue: 'o/r#1', login: 'Ezra', agent: 'ops', reason: because('server'), deadline: 500 }
const live = ['assigning', 'assigned', 'started'] as const
const wanted = { repos: ['o/r'], rules: 'r', limit: 9 }

const refs = async (ledger: Ledger, rules = 'r') => (await ledger.delegable({ ...wanted, rules })).map(({ issue }) => issue.ref)
const revisionOf = async (ledger: Ledger, issue: string) => (await ledger.issue(issue))?.revision ?? -1
const begin = async (ledger: Ledger, at = 100) => ledger.beginDelegation(ezra, await revisionOf(ledger, ezra.issue), at)

/** Declares the tests of delegations. */
export function delegating(holds: Holds): void {
  holds('delegation: assigns an issue once, and changes its record', async ({ ledger }) => {
    assert.equal(await ledger.beginDelegation(ezra, 99, 100), false, 'another revision')
    assert.equal(await begin(ledger), true)
    assert.equal(await begin(ledger), false, 'a live delegation')
    assert.deepEqual(await ledger.claim([claimOf(1, { assignees: [] })], 'a', 200, 150), [], 'no claim during the assignment')
    assert.equal(await ledger.moveDelegation({ ...ezra, from: live, to: 'assigned' }, 200), true)
    await ledger.saveDelegationComment(ezra.issue, 'EZRA', '7')
    const { live: rows, assigned, past } = await ledger.delegationRecords()
    const { reason, ...given } = ezra
    const facts = { assignees: ['Ezra'], dispatched: false, open_change: null, comment_id: '7' }
    assert.deepEqual(rows, [{ ...given, reason, state: 'assigned', ...facts, created_at: 100, changed_at: 200 }])
    assert.deepEqual([assigned, past], [[{ issue: 'o/r#1', assignees: ['Ezra'] }], []])
    assert.deepEqual(await refs(ledger), ['o/r#2', 'o/r#3', 'o/r#4'])
    assert.deepEqual(await ledger.claim([claimOf(1, { assignees: [] })], 'a', 300, 250), [], 'outdated assignees')
    await hand(ledger, claimOf(1, { assignees: ['Ezra'] }), 260)
    assert.equal((await ledger.delegationRecords()).live[0]?.dispatched, true)
    const kinds = (await ledger.events({ kinds: ['delegation.*'] })).map(({ kind, payload }) => [kind, payload])
    assert.deepEqual(kinds, [['delegation.assigned', { agent: 'ops', login: 'Ezra', reason }]])
  })

  holds('delegation: remembers past agents until a person requeues', async ({ ledger }) => {
    await begin(ledger)
    await ledger.moveDelegation({ ...ezra, from: live, to: 'assigned' }, 200)
    assert.equal(await ledger.moveDelegation({ ...ezra, from: live, to: 'expired' }, 600), true)
    assert.equal(await ledger.moveDelegation({ ...ezra, from: live, to: 'closed' }, 700), false)
    assert.deepEqual((await ledger.delegationRecords()).past, [{ issue: 'o/r#1', login: 'Ezra' }])
    assert.deepEqual((await ledger.issue('o/r#1'))?.issue.assignees, [])
    assert.deepEqual((await ledger.trackRecords()).logins, new Map([['ezra', { done: 0, ended: 1 }]]))
    await ledger.requeue('o/r#1', 800)
    assert.deepEqual((await ledger.delegationRecords()).past, [])
    assert.equal(await begin(ledger, 900), true)
  })

  holds('delegation: leaves an issue until it or the rules change', async ({ ledger }) => {
    const revision = await revisionOf(ledger, 'o/r#2')
    const reason = { code: 'no_suitable_agent', threshold: 3, best: null } as const
    await ledger.leaveIssues([{ issue: 'o/r#2', revision, reason }], 'r', 100)
    await ledger.leaveIssues([{ issue: 'o/r#3', revision: revision + 1, reason }], 'r', 100)
    assert.deepEqual(await refs(ledger), ['o/r#1', 'o/r#3', 'o/r#4'])
    assert.equal((await refs(ledger, 'other')).length, 4)
    await ledger.requeue('o/r#2', 200)
    assert.equal((await refs(ledger)).length, 4)
  })
}
