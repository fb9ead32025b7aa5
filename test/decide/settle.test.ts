/** Tests of `settle`: its actions, and the state that they lead to. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UnderWayState } from '../../src/core/fleet-state.ts'
import type { LiveDispatch } from '../../src/core/ledger/claims.ts'
import type { DeliveryKind } from '../../src/core/lifecycle.ts'
import type { Issue } from '../../src/core/nouns.ts'
import { untouched } from '../support/records.ts'
import { dispatchOf, id, now, sprintOf, stateOf } from '../support/state.ts'
import { delivery } from './observations.ts'
import { settle, withFreed } from '../../src/decide/settle.ts'

/** A state in which one worker has one issue. */
function held(changes: Partial<UnderWayState>, dispatch: Partial<LiveDispatch> = {}): UnderWayState {
  const incarnations = new Map([['m/W/A', '1.%1.9']])
  return stateOf({ dispatches: [dispatchOf(dispatch)], incarnations, sprints: [sprintOf()], ...changes }, { idle_timeout: null })
}

const record = { ...untouched, issue: { ref: 'o/r#1' } as Issue, attempts: 1, standing: 'taken', revision: 4 } as const

test('settle: a later decider sees the moves of an earlier one', () => {
  const mangled = new Set([id])
  assert.deepEqual(
    settle(held({ mangled })).actions.map((action) => action.do),
    ['tell'],
  )
  const { actions, state } = settle(held({ mangled, closed: new Set(['o/r#1']) }))
  assert.deepEqual(
    actions.map((action) => (action.do === 'move' ? action.to : action.do)),
    ['done'],
  )
  assert.deepEqual([state.dispatches, state.sprints, state.freed], [[], [], [{ issue: 'o/r#1', to: 'done' }]])
})

test('settle: frees the issue, and counts a loss as an attempt', () => {
  const lost = settle(held({ ended: new Set(['m 1.%1.9']) })).state
  const [freed] = withFreed([record], lost)
  assert.deepEqual([freed?.standing, freed?.revision, freed?.attempts, freed?.failed_at, freed?.done], [null, 5, 2, now, false])
  const done = settle(held({ closed: new Set(['o/r#1']) })).state
  assert.deepEqual([withFreed([record], done)[0]?.attempts, withFreed([record], done)[0]?.done], [1, true])
  const other = { ...record, issue: { ref: 'o/r#2' } as Issue }
  assert.equal(withFreed([other], lost)[0], other)
})

test('settle: work in review frees its slot but keeps its issue', () => {
  const change = { dispatch_id: id, name: '#1', url: 'u', state: 'open', author: 'burn', fork: false, closes: [], created_at: now } as const
  const { state } = settle(held({ changes: [change] }))
  assert.deepEqual([state.dispatches.map((each) => [each.state, each.change_url]), state.freed], [[['review', 'u']], []])
  assert.deepEqual(settle(held({ closed: new Set(['o/r#1']) }, { kind: 'council' })).state.freed, [])
})

const furtherText = (kind: DeliveryKind) => delivery('seen', { id: '0k3v9w2x4abce', kind, dispatch: id })

test('corrections: only a correction that arrived releases the issue', () => {
  const after = (kind: DeliveryKind) => settle(held({ mangled: new Set([id]), corrections: [furtherText(kind)] })).actions
  assert.deepEqual(
    after('follow_up').map((action) => (action.do === 'tell' ? [action.kind, action.reason.code, action.before] : action.do)),
    [['correction', 'disregard', 0]],
  )
  assert.deepEqual(
    after('correction').map((action) => (action.do === 'move' ? action.to : action.do)),
    ['released'],
  )
})
