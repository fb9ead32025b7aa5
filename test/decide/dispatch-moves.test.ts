import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveDispatch } from '../../src/core/ledger/claims.ts'
import type { Change } from '../../src/core/nouns.ts'
import type { UnderWayState } from '../../src/core/fleet-state.ts'
import { dispatchMoves } from '../../src/decide/dispatch-moves.ts'
import { snapshotOf } from '../support/changes.ts'
import { said } from '../support/reasons.ts'
import { dispatchOf, id, now, sprintOf, stateOf } from '../support/state.ts'

const minute = 60_000
/** A state in which one worker has one issue, and has been idle for 40 minutes. */
function viewOf(changes: Partial<UnderWayState> = {}, dispatch: Partial<LiveDispatch> = {}): UnderWayState {
  const states = new Map([['m/W/A', { state: 'idle', since: now - 40 * minute } as const]])
  const dispatches = [dispatchOf({ handed_at: now - 90 * minute, ...dispatch })]
  return stateOf({ dispatches, states, incarnations: new Map([['m/W/A', '1.%1.9']]), ...changes }, { idle_timeout: 30 * minute })
}

/** A change from the dispatch's branch. */
const changeOf = (more: Partial<Change> = {}): Change => ({
  dispatch_id: id,
  name: '#12',
  url: 'u',
  state: 'open',
  author: 'burn',
  fork: false,
  closes: [],
  created_at: now,
  ...more,
})

const settled = (view: UnderWayState) => dispatchMoves(view)
const becomes = (view: UnderWayState) => settled(view).map(({ to }) => to)

test('moves: a dispatch fails when its agent was idle for long', () => {
  const [move] = settled(viewOf())
  assert.deepEqual([move?.to, move?.from], ['failed', ['handed']])
  assert.deepEqual(move?.reason, { code: 'turn_quiet', minutes: 40 })
})

test('moves: an idle agent keeps its dispatch in doubtful cases', () => {
  const never: Record<string, UnderWayState> = {
    'at work': viewOf({ states: new Map([['m/W/A', { state: 'working', since: now - 90 * minute }]]) }),
    'idle for a moment': viewOf({ states: new Map([['m/W/A', { state: 'idle', since: now - 29 * minute }]]) }),
    'handed a moment ago': viewOf({}, { handed_at: now - 29 * minute }),
    'not in a known state': viewOf({ states: new Map() }),
    'its next text on the way': viewOf({ arriving: new Set([id]) }),
    'its text unknown': viewOf({ unproven: new Set([id]) }),
    'its repo down': viewOf({ repos_down: new Map([['o/r', 'no route']]) }),
    'its repo not asked': viewOf({ writers: new Map() }),
    'its agent not found': viewOf({ incarnations: new Map() }),
    'another agent in its pane, and its own not known to have ended': viewOf({ incarnations: new Map([['m/W/A', '1.%1.10']]) }),
    'switched off': viewOf({ fleet: stateOf({}, { idle_timeout: null }).fleet }),
    'a question to the council': viewOf({}, { kind: 'council' }),
    'in review': viewOf({}, { state: 'review' }),
  }
  for (const [what, view] of Object.entries(never)) assert.deepEqual(becomes(view), [], what)
})

test('moves: a follow-up that burn still types has not ended', () => {
  const dispatch = { change_url: 'u', handed_at: now - 2 * minute }
  const [move] = settled(viewOf({}, dispatch))
  assert.deepEqual([move?.to, move?.handed_at], ['review', dispatch.handed_at])
  const { dispatches } = viewOf({}, dispatch)
  const closed = snapshotOf({ change: { ...changeOf(), state: 'closed' } })
  const reviews = [
    { dispatch: { ...dispatches[0]!, changed_at: now, change_url: 'u', sprint: false, watched: null }, snapshot: closed, history: [] },
  ]
  assert.deepEqual(becomes(viewOf({ reviews }, dispatch)), ['failed'], 'somebody closed the change')
  const gone = reviews.map((review) => ({ ...review, snapshot: { ...closed, protection: null } }))
  assert.deepEqual(becomes(viewOf({ reviews: gone }, dispatch)), ['review'], 'the forge closed it with its base')
  const changes = [changeOf({ state: 'closed' })]
  const inReview = { ...dispatch, state: 'review' } as const
  assert.deepEqual(becomes(viewOf({ reviews: gone, changes }, inReview)), [])
  assert.deepEqual(becomes(viewOf({ reviews }, inReview)), ['failed'], 'the base is back, and the change is closed')
  assert.deepEqual(becomes(viewOf({ arriving: new Set([id]) }, dispatch)), [])
})

test('moves: certain facts come before an idle agent', () => {
  const change = (state: Change['state']) => [changeOf({ state })]
  assert.deepEqual(becomes(viewOf({ closed: new Set(['o/r#1']) })), ['done'])
  assert.deepEqual(becomes(viewOf({ changes: change('open') })), ['review'])
  assert.deepEqual(becomes(viewOf({ changes: change('merged') })), ['done'])
  assert.deepEqual(becomes(viewOf({ changes: change('closed') }, { state: 'review' })), ['failed'])
  assert.deepEqual(becomes(viewOf({ ended: new Set(['m 1.%1.9']) })), ['lost'])
  assert.deepEqual(
    becomes(viewOf({ ended: new Set(['other 1.%1.9']) })),
    ['failed'],
    'an agent with the same incarnation on another machine ended',
  )
  assert.deepEqual(becomes(viewOf({ ended: new Set(['m 1.%1.9']), incarnations: new Map([['m/W/A', '1.%1.10']]) })), ['lost'])
})

const sprinting = (changes: Partial<UnderWayState>, lease_until: number, dispatch: Partial<LiveDispatch> = {}) =>
  viewOf({ incarnations: new Map(), sprints: [sprintOf({ lease_until })], ...changes }, { incarnation: null, ...dispatch })

test('moves: a sprint without a process ends or goes to review', () => {
  const open = [changeOf()] as UnderWayState['changes']
  const claimed = settled(sprinting({}, now, { state: 'claimed', handed_at: null }))
  assert.deepEqual(
    claimed.map(({ from, to, reason }) => [from, to, said(reason)]),
    [[['claimed'], 'released', 'the process of the sprint is gone, and the sprint had not begun']],
  )
  assert.deepEqual(
    settled(sprinting({}, now)).map(({ from, to, reason }) => [from, to, said(reason)]),
    [[['handed'], 'lost', 'the process of the sprint is gone']],
  )
  assert.deepEqual(becomes(sprinting({ changes: open }, now)), ['review'])
  assert.deepEqual(becomes(sprinting({ closed: new Set(['o/r#1']) }, now)), ['done'])
})

test('moves: a running sprint keeps its state', () => {
  assert.deepEqual(becomes(sprinting({}, now + 1)), [])
  assert.deepEqual(becomes(sprinting({}, now + 1, { state: 'claimed', handed_at: null })), [])
  assert.deepEqual(becomes(sprinting({ repos_down: new Map([['o/r', 'no route']]) }, now - minute)), [])
  assert.deepEqual(becomes(sprinting({ writers: new Map() }, now - minute)), [])
  assert.deepEqual(becomes(sprinting({}, now - minute, { state: 'review' })), [], 'a sprint in review needs no process')
})

test('moves: tells only an agent that works on a closed issue', () => {
  const closed = new Set(['o/r#1'])
  const tell = (changes: Partial<UnderWayState> = {}, dispatch: Partial<LiveDispatch> = {}) =>
    settled(viewOf({ closed, ...changes }, dispatch))[0]?.tell
  const text = `o/r#1 was closed while you worked on it (dispatch ${id}). Stop, push nothing more, and end your turn.`
  assert.equal(tell(), text)
  assert.equal(tell({ incarnations: new Map() }), text, 'the machine was not observed: the text waits for that agent')
  const change = (state: Change['state']) => ({ changes: [changeOf({ state })] })
  const silent: Record<string, unknown> = {
    'its agent has ended': tell({ ended: new Set(['m 1.%1.9']) }),
    'in review': tell({}, { state: 'review' }),
    'its change is open': tell(change('open')),
    'its own change was merged': tell(change('merged')),
    'never placed': tell({}, { state: 'claimed', incarnation: null }),
    'a question to the council': tell({}, { kind: 'council' }),
    'a sprint': tell({}, { incarnation: null }),
    'another end': settled(viewOf())[0]?.tell,
  }
  for (const [what, told] of Object.entries(silent)) assert.equal(told, undefined, what)
})

test('moves: a change from another branch can end the dispatch', () => {
  const other = (more: Partial<Change> = {}) => ({ changes: [changeOf({ dispatch_id: null, closes: ['o/r#1'], ...more })] })
  const step = (more: Partial<Change>, dispatch: Partial<LiveDispatch> = {}) =>
    settled(viewOf(other(more), { claimed_at: now - 95 * minute, ...dispatch })).map(({ to, change_url }) => `${to} ${change_url}`)
  assert.deepEqual(step({}), ['review u'])
  assert.deepEqual(step({ state: 'merged' }), ['done u'])
  assert.deepEqual(step({ state: 'merged' }, { state: 'review', change_url: 'u' }), ['done u'])
  assert.deepEqual(step({ state: 'closed' }, { state: 'review', change_url: 'u' }), ['failed u'])
  assert.deepEqual(step({ state: 'closed' }, { state: 'review', change_url: 'another' }), [])
  const idle = ['failed undefined']
  assert.deepEqual(step({ state: 'closed' }), idle, 'somebody closed another change')
  assert.deepEqual(step({ state: 'merged', created_at: now - 96 * minute }), idle, 'a change that was merged before the claim')
  assert.deepEqual(step({ state: 'merged', dispatch_id: '0k3v9w2x4abcx' }), idle, 'the change of another dispatch')
  assert.deepEqual(step({ closes: ['o/r#2'] }), idle, 'the change of another issue')
  assert.deepEqual(step({}, { state: 'claimed', handed_at: null, incarnation: null }), ['released undefined'], 'the dispatch has not begun')
  assert.deepEqual(step({}, { kind: 'council' }), [])
})

test('moves: a change that no longer closes the issue releases it', () => {
  const view = viewOf({ changes: [changeOf({ dispatch_id: null })] }, { state: 'review', change_url: 'u' })
  assert.deepEqual(
    settled(view).map(({ from, to, reason, change_url }) => [from, to, said(reason), change_url]),
    [[['review'], 'released', 'change #12 no longer closes the issue', null]],
  )
})

test('moves: a merged or open change decides among several', () => {
  const both = (...states: Change['state'][]) => ({
    changes: states.map((state, index) => changeOf({ state, url: `u${index}`, closes: ['o/r#1'], dispatch_id: index === 0 ? id : null })),
  })
  assert.deepEqual(becomes(viewOf(both('closed', 'open'), { state: 'review', change_url: 'u0' })), [])
  assert.deepEqual(becomes(viewOf(both('closed', 'merged'), { state: 'review', change_url: 'u1' })), ['done'])
  assert.deepEqual(becomes(viewOf(both('closed', 'closed'), { state: 'review', change_url: 'u0' })), ['failed'])
  assert.deepEqual(becomes(viewOf({ changes: [changeOf(), changeOf({ state: 'merged' })] })), ['done'])
})

test('moves: a foreign change ends a sprint without credit', () => {
  const other = { dispatch_id: null, closes: ['o/r#1'] }
  const step = (more: Partial<Change>, changes: Partial<UnderWayState> = {}) =>
    settled(
      sprinting({ changes: [changeOf({ ...other, ...more })], ...changes }, now + minute, { worker: 'sprint/host/1', claimed_at: 0 }),
    ).map(({ to, reason, change_url }) => [to, said(reason), change_url])
  assert.deepEqual(step({}), [['released', 'change #12 is open', undefined]])
  assert.deepEqual(step({ state: 'merged' }), [])
  assert.deepEqual(step({ state: 'merged' }, { closed: new Set(['o/r#1']) }), [['done', 'the issue is closed', null]])
  assert.deepEqual(step({ dispatch_id: id }), [['review', 'a change is open for review', 'u']])
})

test("moves: a working agent keeps its issue despite another branch's change", () => {
  const working = { states: new Map([['m/W/A', { state: 'working' as const, since: now }]]) }
  const view = (state: Change['state'], more: Partial<UnderWayState> = working) =>
    viewOf({ changes: [changeOf({ dispatch_id: null, closes: ['o/r#1'], state })], ...more }, { claimed_at: 0 })
  for (const more of [
    working,
    { incarnations: new Map() },
    { states: new Map([['m/W/A', { state: 'idle' as const, since: now - 1000 }]]) },
  ])
    assert.deepEqual(becomes(view('open', more)), [])
  assert.deepEqual(becomes(view('closed')), [], 'somebody closed it')
  assert.deepEqual(becomes(view('open', {})), ['review'])
  assert.deepEqual(becomes(view('open', { ended: new Set(['m 1.%1.9']) })), ['review'], 'its agent has ended, so its work is in review')
  const [merged] = settled(view('merged'))
  assert.deepEqual([merged?.to, merged?.tell?.includes('was closed')], ['done', true])
  assert.equal(settled(view('merged', {}))[0]?.tell, undefined, 'the agent is idle')
})
