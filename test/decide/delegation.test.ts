/** Scores of issues, the choice of an agent, and the lanes behind logins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { DelegationAgent } from '../../src/core/delegation-settings.ts'
import type { LiveDelegation } from '../../src/core/delegation.ts'
import type { IssueRecord } from '../../src/core/ledger/backlog.ts'
import type { Fleet, Issue } from '../../src/core/nouns.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { assign } from '../../src/decide/assign.ts'
import { delegations, trackOf, type DelegationView } from '../../src/decide/delegation.ts'
import { scorer } from '../../src/decide/delegation-score.ts'
import { anyCharacter } from '../support/any-character.ts'
import { untouched } from '../support/records.ts'
import { said } from '../support/reasons.ts'
import { now, stateOf } from '../support/state.ts'
import { fleetOf } from '../simulate/storm.ts'

const hour = 3_600_000

/** Returns an agent with these keywords. */
function agentOf(name: string, words: Readonly<Record<string, number>>, more: Partial<DelegationAgent> = {}): DelegationAgent {
  const nothing = { labels: new Map(), paths: new Map(), lane: null, capacity: 9 }
  return { name, login: name, keywords: new Map(Object.entries(words)), repos: ['o/a'], ...nothing, ...more }
}

function issueOf(number: number, title: string, more: Partial<Issue> = {}): Issue {
  const plain = {
    ref: `o/a#${number}`,
    repo: 'o/a',
    number,
    title,
    body: '',
    labels: [],
    assignees: [],
    author: 'ann',
    state: 'open' as const,
  }
  return { ...plain, created_at: number, updated_at: 1, comments: 0, url: '', ...more }
}

const recordOf = (issue: Issue, more: Partial<IssueRecord> = {}): IssueRecord => ({ ...untouched, issue, ...more })

/** Returns the input of the decider: these agents and issues, and nothing has happened yet. */
function viewOf(agents: readonly DelegationAgent[], issues: readonly IssueRecord[], more: Partial<DelegationView> = {}): DelegationView {
  const fleet: Fleet = { ...fleetOf(1, 4), delegation: { threshold: 3, deadline: 24 * hour, agents } }
  const facet = {
    delegations: [],
    past: new Map(),
    load: new Map(),
    track: new Map(),
    assignable: new Map(),
    refused: new Map(),
    replied: new Map(),
  }
  return { ...stateOf({ fleet, issues, writers: new Map([['o/a', new Set(['ann'])]]) }), ...facet, ...more }
}

/** Returns each step as a line. */
const steps = (view: DelegationView) =>
  actionsOf(delegations(view), 'delegate').map(({ step, issue, agent }) => `${step} ${issue}${agent === '' ? '' : ` ${agent}`}`)
const why = (view: DelegationView) => actionsOf(delegations(view), 'delegate').map(({ reason }) => said(reason))

const claw = agentOf('claw', { config: 1 })
const ezra = agentOf('ezra', { deploy: 1, server: 1 })

test('score: compares stems, phrases, labels and paths', () => {
  const points = (words: Readonly<Record<string, number>>, issue: Partial<Issue>, more: Partial<DelegationAgent> = {}) =>
    scorer([agentOf('x', words, more)])({ title: '', body: '', labels: [], ...issue })[0]?.points
  for (const title of ['Deploy it', 'deploys', 'Deployed!', 'Deploying', 'the deployment', 'reDeploy', 'DeployTest'])
    assert.equal(points({ deploy: 1 }, { title }), 3, title)
  for (const title of ['deplorable', 'redeploy', '']) assert.equal(points({ deploy: 1 }, { title }), 0, title)
  assert.equal(points({ comment: 1, '!': 5 }, { title: 'see github.com', body: 'commands' }), 0)
  assert.equal(points({ 'merge queue': 2 }, { title: 'Merge the queue', body: 'the merge  queues' }), 2)
  assert.equal(points({ server: 1 }, { title: 'server', body: 'server server' }), 3, 'each keyword counts once')
  assert.equal(points({ server: 1, epic: -2 }, { title: 'Epic server' }), -3)
  assert.equal(points({}, { labels: ['OPS'] }, { labels: new Map([['ops', 2]]) }), 6)
  assert.equal(points({}, { body: 'see `deploy/run.sh`' }, { paths: new Map([['deploy/**', 2]]) }), 2)
})

test('score: a hostile text takes linear time', () => {
  const score = scorer([agentOf('x', { server: 1 }, { paths: new Map([['**/a/**', 1]]) })])
  // Quadratic time would take hours.
  for (const body of ['a/'.repeat(500_000), 'a'.repeat(1_000_000), 'aA'.repeat(500_000), '\u0130'.repeat(500_000)])
    assert.ok(score({ title: body, body, labels: [] }).length > 0)
  fc.assert(
    fc.property(fc.string({ unit: anyCharacter, maxLength: 300 }), (text) => {
      assert.ok(Number.isFinite(score({ title: text, body: text, labels: [text] })[0]?.points))
    }),
    { numRuns: 100 },
  )
})

test('delegate: explains score, runner-up and threshold', () => {
  const issues = [recordOf(issueOf(1, 'deploy new server config')), recordOf(issueOf(2, 'Lunch', { body: 'near the server' }))]
  const view = viewOf([claw, ezra], issues)
  assert.deepEqual(steps(view), ['assigned o/a#1 ezra', 'left o/a#2'])
  assert.deepEqual(why(view), [
    'score 6 (threshold 3): deploy (title 3), server (title 3); next is claw with 3',
    'no agent reaches the threshold 3; the best is ezra with 1 (delegation.threshold)',
  ])
})

test('delegate: record, free capacity and order decide ties', () => {
  const twins = [agentOf('one', { server: 1 }), agentOf('two', { server: 1 })]
  const issues = [recordOf(issueOf(1, 'server'))]
  const tie = (more: Partial<DelegationView>) => {
    const view = viewOf(twins, issues, more)
    return `${steps(view).join()}: ${/so (.*) decided/.exec(why(view).join())?.[1]}`
  }
  assert.equal(tie({}), 'assigned o/a#1 one: the order in the spec')
  assert.equal(tie({ load: new Map([['one', 1]]) }), 'assigned o/a#1 two: more free capacity')
  assert.equal(tie({ track: new Map([['two', { done: 3, ended: 3 }]]) }), 'assigned o/a#1 two: undefined')
  const better = agentOf('better', { server: 1.5 })
  const failed = { track: new Map([['better', { done: 0, ended: 8 }]]), load: new Map() }
  assert.deepEqual(steps(viewOf([twins[0]!, better], issues, failed)), ['assigned o/a#1 better'], 'the record changes a rank by a quarter')
})

test('delegate: respects capacity, past agents and the forge', () => {
  const issues = [1, 2, 3].map((number) => recordOf(issueOf(number, 'deploy the server config')))
  const limited = [agentOf('claw', { config: 1.5 }), { ...ezra, capacity: 2 }]
  assert.deepEqual(steps(viewOf(limited, issues, { load: new Map([['ezra', 1]]) })), [
    'assigned o/a#1 ezra',
    'assigned o/a#2 claw',
    'assigned o/a#3 claw',
  ])
  assert.match(why(viewOf(limited, issues, { load: new Map([['ezra', 2]]) })).join(), /at capacity: ezra/)
  const far = viewOf([claw, { ...ezra, capacity: 2 }], issues, { load: new Map([['ezra', 1]]) })
  assert.deepEqual(steps(far), ['assigned o/a#1 ezra'], 'the others wait, because they suit claw much less')
  const none = [{ ...ezra, capacity: 0 }]
  assert.deepEqual(steps(viewOf(none, issues.slice(0, 1))), ['left o/a#1'])
  const full = viewOf([{ ...ezra, capacity: 1 }], issues.slice(0, 1), { load: new Map([['ezra', 4]]) })
  assert.deepEqual(steps(full), [], 'the issue waits')
  const past = { past: new Map([['o/a#1', new Set(['ezra'])]]) }
  assert.deepEqual(steps(viewOf([claw, ezra], issues.slice(0, 1), past)), ['assigned o/a#1 claw'])
  const refused = viewOf([claw, ezra], issues.slice(0, 1), { assignable: new Map([['o/a', ['CLAW']]]) })
  assert.deepEqual(steps(refused), ['assigned o/a#1 claw'])
  assert.deepEqual(
    actionsOf(delegations(refused), 'note').map(({ event }) => event.subject),
    ['o/a ezra'],
  )
  assert.deepEqual(
    steps(viewOf([ezra], issues.slice(0, 1), { refused: new Map([['o/a', new Set(['ezra'])]]) })),
    [],
    'no fault of the issue',
  )
})

test('delegate: chooses only trusted issues that nobody has', () => {
  const title = 'deploy'
  const issues = [
    recordOf(issueOf(1, title, { author: 'mallory' })),
    recordOf(issueOf(2, title, { assignees: ['bob'] })),
    recordOf(issueOf(3, title), { standing: 'taken' }),
    recordOf(issueOf(4, title), { done: true }),
    recordOf(issueOf(5, title), { open_change: '#9' }),
    recordOf(issueOf(6, title, { labels: ['council'] })),
    recordOf({ ...issueOf(7, title), ref: 'o/z#7', repo: 'o/z' }),
    recordOf(issueOf(8, title)),
  ]
  const view = viewOf([ezra], issues)
  Object.assign(view.fleet.dispatch, { council_labels: ['council'] })
  assert.deepEqual(steps(view), ['assigned o/a#8 ezra'])
  assert.deepEqual(steps({ ...view, held_repos: new Map([['o/a', { code: 'prose', text: 'held' }]]) }), [])
  const laned = [{ ...ezra, lane: 'elsewhere' }]
  assert.deepEqual(steps(viewOf(laned, issues.slice(7))), ['left o/a#8'], 'the lane serves no such repo')
})

test('delegate: takes the next step of a live delegation', () => {
  const live: LiveDelegation = {
    issue: 'o/a#1',
    login: 'ezra',
    agent: 'ezra',
    state: 'assigned',
    reason: { code: 'prose', text: 'why' },
    comment_id: '1',
    created_at: now - 25 * hour,
    deadline: now - hour,
    changed_at: now - 25 * hour,
    assignees: ['Ezra'],
    dispatched: false,
    open_change: null,
  }
  const silent = new Map([['o/a#1', false]])
  const step = (changes: Partial<LiveDelegation>, more: Partial<DelegationView> = {}) =>
    steps(viewOf([ezra], [], { delegations: [{ ...live, ...changes }], replied: silent, ...more })).join()
  assert.equal(step({}), 'expired o/a#1 ezra')
  assert.equal(step({ deadline: now + 1 }), '')
  assert.equal(step({}, { replied: new Map() }), '', 'burn could not read the comments')
  assert.equal(step({}, { replied: new Map([['o/a#1', true]]) }), 'started o/a#1 ezra')
  assert.equal(step({}, { held_repos: new Map([['o/a', { code: 'prose', text: 'held' }]]) }), '')
  assert.equal(step({ dispatched: true }), 'started o/a#1 ezra')
  assert.equal(step({ open_change: '#2' }), 'started o/a#1 ezra')
  assert.equal(step({ state: 'started' }), '')
  assert.equal(step({ assignees: null }), 'closed o/a#1 ezra')
  assert.equal(step({ assignees: ['bob'] }), 'changed o/a#1 ezra')
  assert.equal(step({ state: 'assigning', assignees: [] }), 'assigned o/a#1 ezra')
  assert.equal(step({ comment_id: null, deadline: now + 1 }), 'commented o/a#1 ezra')
  assert.equal(step({ agent: 'gone', login: 'gone', assignees: ['gone'] }), 'expired o/a#1 gone', 'an agent that left the spec')
})

test('delegate: the record of a lane is that of its workers', () => {
  const { fleet } = viewOf([ezra, { ...claw, lane: 'lane' }], [])
  const workers = new Map([
    ['m1/LANE/W1', { done: 2, ended: 3 }],
    ['m1/LANE/W2', { done: 1, ended: 1 }],
    ['m9/GONE/X', { done: 5, ended: 5 }],
  ])
  const logins = new Map([['ezra', { done: 1, ended: 4 }]])
  assert.deepEqual(
    [...trackOf(fleet, { logins, workers })],
    [
      ['ezra', { done: 1, ended: 4 }],
      ['claw', { done: 3, ended: 4 }],
    ],
  )
})

test('lanes: only their workers get issues of their logins', () => {
  const base = fleetOf(1, 4)
  const [machine] = base.machines
  const all = machine!.windows[0]!.workers.map((worker) => ({ ...worker, repos: ['o/a'], depth: 1 }))
  const windows = ['ops', 'bugs'].map((lane, index) => ({
    name: lane.toUpperCase(),
    lane,
    workers: all.slice(index * 2, index * 2 + 2).map((worker) => ({ ...worker, lane, id: `m1/${lane.toUpperCase()}/${worker.name}` })),
  }))
  const agents = [{ ...ezra, lane: 'ops' }, claw]
  const fleet: Fleet = { ...base, machines: [{ ...machine!, windows }], delegation: { threshold: 3, deadline: hour, agents } }
  const issues = ['', 'EZRA', 'ezra', 'ezra', 'claw', ''].map((login, index) =>
    recordOf(issueOf(index + 1, 'x', { assignees: login === '' ? [] : [login] })),
  )
  const reading = { state: 'idle', detail: null, evidence: '' } as const
  const workers = windows.flatMap((window) => window.workers.map((worker) => ({ worker, reading, incarnation: null })))
  const actions = assign(stateOf({ fleet, issues, workers, login: 'burn', writers: new Map([['o/a', new Set(['ann'])]]) }))
  assert.deepEqual(
    actionsOf(actions, 'claim').map(({ issue, worker }) => `${issue.number} ${worker.lane}`),
    ['2 ops', '3 ops', '1 bugs', '6 bugs'],
  )
  const verdicts = actionsOf(actions, 'judge').map(({ issue, standing, reason }) => [issue.at(-1), standing, reason.code])
  assert.deepEqual(
    verdicts.find(([number]) => number === '4'),
    ['4', null, 'queued_lane'],
    'it does not block the queue of the repo',
  )
  assert.deepEqual(
    verdicts.find(([number]) => number === '5'),
    ['5', 'none', 'assigned'],
  )
})
