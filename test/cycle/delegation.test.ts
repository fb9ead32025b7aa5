/** Delegation on a simulated fleet: assignments, deadlines, lanes, crashes, and people who assign issues themselves. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { DelegationAgent } from '../../src/core/delegation-settings.ts'
import type { Issue } from '../../src/core/nouns.ts'
import { actionsOf } from '../../src/core/actions.ts'
import { BurnError } from '../../src/core/errors.ts'
import { issuesOf } from '../simulate/storm.ts'
import { simulatedFleet } from '../support/world.ts'

const hour = 3_600_000
const titles = ['deploy new server config', 'Fix a typo', 'Talk about lunch', 'Restart the server', 'Deploy again']

/** Returns an agent for all repos of the simulated fleet. */
function agentOf(name: string, words: Readonly<Record<string, number>>, more: Partial<DelegationAgent> = {}): DelegationAgent {
  const nothing = { labels: new Map(), paths: new Map(), lane: null, capacity: 2 }
  return { name, login: name, keywords: new Map(Object.entries(words)), repos: ['o/a', 'o/b', 'o/c'], ...nothing, ...more }
}

const agents = [agentOf('claw', { config: 1, typo: 1 }), agentOf('ezra', { deploy: 1, server: 1 })]

/** Makes a simulated fleet with five issues and two agents. All workers are held, so that only delegation acts. */
async function delegatingFleet(t: TestContext, { declared = agents, hold = true, change = (issue: Issue): Issue => issue } = {}) {
  const issues = issuesOf(5).map((issue, index) => change({ ...issue, title: titles[index] ?? '' }))
  const fleet = await simulatedFleet(t, issues)
  const dispatcher = await fleet.open()
  const { ledger, session } = dispatcher
  Object.assign(fleet.fleet, { delegation: { threshold: 3, deadline: 24 * hour, agents: declared } })
  if (hold) {
    const held = { code: 'person', reason: { code: 'prose', text: 'a test' }, until: null, actor: 'ann' } as const
    await ledger.saveHolds([{ scope: 'machine', name: 'm1', ...held }], 1)
  }
  const assignees = async () => {
    const all = await Promise.all(issues.map(({ ref }) => fleet.forge.issue(ref)))
    return all.map((issue) => issue?.assignees.join() ?? '')
  }
  const kinds = async () => (await ledger.events({ kinds: ['delegation.*'], limit: 100 })).map(({ kind, subject }) => `${kind} ${subject}`)
  const comments = async (ref: string) => (await fleet.forge.comments(ref)).map(({ body }) => body)
  return { ...fleet, ...dispatcher, session, issues, assignees, kinds, comments }
}

test('delegation: assigns once, with one comment and one event', async (t) => {
  const { cycle, assignees, kinds, comments, pass, forge } = await delegatingFleet(t)
  const { delegated } = await cycle()
  assert.deepEqual(await assignees(), ['ezra', 'claw', '', 'ezra', ''], 'the capacity of ezra is 2')
  assert.equal(delegated.length, 4)
  const first = await comments('o/a#1')
  assert.equal(first.length, 1)
  assert.match(
    first[0] ?? '',
    /^<!-- burn:1 fleet=storm note=delegated login=ezra -->\nThe fleet \*\*storm\*\* assigned this issue to \*\*ezra\*\*/,
  )
  assert.match(first[0] ?? '', /score 6 \(threshold 3\): deploy \(title 3\), server \(title 3\); next is claw with 3/)
  const decided = ['assigned o/a#1', 'assigned o/b#2', 'assigned o/a#4', 'left o/c#3'].map((each) => `delegation.${each}`)
  assert.deepEqual((await kinds()).toSorted(), decided.toSorted())
  const before = forge.requests()
  await pass(60_000)
  assert.deepEqual((await cycle()).delegated, [])
  assert.equal((await kinds()).length, 4)
  assert.ok(forge.requests() - before <= 6, 'a quiet cycle only lists the three repos')
})

test('delegation: removes an assignment that nobody started in time', async (t) => {
  const { cycle, assignees, kinds, comments, pass, forge } = await delegatingFleet(t)
  await cycle()
  const reply = forge.comments.bind(forge)
  forge.comments = async (ref) => {
    const all = await reply(ref)
    // One agent answers on its issue.
    return ref === 'o/a#4' ? [...all, { id: '99', author: 'Ezra', body: 'On it.', created_at: Date.UTC(2027, 0, 1) }] : all
  }
  await pass(25 * hour)
  await cycle()
  assert.deepEqual(await assignees(), ['', '', '', 'ezra', ''])
  assert.match((await comments('o/a#1')).join(), /^<!-- burn:1 [^\n]*\n[^\n]*removed the assignment to \*\*ezra\*\*: nobody started before/)
  await pass(60_000)
  await cycle()
  assert.deepEqual(await assignees(), ['claw', '', '', 'ezra', 'ezra'], 'burn tries each agent once')
  assert.ok((await kinds()).includes('delegation.expired o/a#1') && (await kinds()).includes('delegation.started o/a#4'))
})

test('delegation: an unreadable issue keeps its agent after the deadline', async (t) => {
  const { cycle, assignees, pass, forge } = await delegatingFleet(t)
  await cycle()
  forge.comments = () => Promise.reject(new BurnError('forge_failed', 'no comments', 'wait'))
  await pass(25 * hour)
  await cycle()
  assert.deepEqual((await assignees()).slice(0, 2), ['ezra', 'claw'])
})

test('delegation: completes an assignment after a lost answer', async (t) => {
  const { cycle, assignees, kinds, comments, pass, forge, notices } = await delegatingFleet(t)
  const [assign, comment] = [forge.assign.bind(forge), forge.comment.bind(forge)]
  const lose = async (): Promise<never> => {
    throw new BurnError('forge_timeout', 'the answer was lost', 'wait')
  }
  forge.assign = async (...given) => (await assign(...given), lose())
  await cycle()
  assert.deepEqual(await kinds(), ['delegation.left o/c#3'])
  assert.ok(notices.some((notice) => notice.includes('the answer was lost')))
  Object.assign(forge, { assign, comment: async (ref: string, body: string) => (await comment(ref, body), lose()) })
  await pass(60_000)
  await cycle()
  Object.assign(forge, { comment })
  for (let times = 0; times < 2; times++) {
    await pass(60_000)
    await cycle()
  }
  assert.deepEqual(await assignees(), ['ezra', 'claw', '', 'ezra', ''])
  assert.equal((await comments('o/a#1')).length, 1)
  assert.equal((await kinds()).filter((each) => each.startsWith('delegation.assigned')).length, 3)
})

test('delegation: a process killed at any step leaves one assignment', async (t) => {
  // After the intent, the assignment, its record, and the comment.
  for (const step of [1, 2, 3, 4]) {
    const only = (issue: Issue) => (issue.number === 1 ? issue : { ...issue, assignees: ['ann'] })
    const { cycle, assignees, kinds, comments, pass, forge, ledger } = await delegatingFleet(t, { change: only })
    const unkilled = { ...ledger }
    let left = step
    const killed = <A extends unknown[], R>(run: (...given: A) => Promise<R>): ((...given: A) => Promise<R>) => {
      return async (...given) => {
        const result = await run(...given)
        if (--left === 0) throw new RangeError('killed')
        return result
      }
    }
    const { beginDelegation, moveDelegation, saveDelegationComment } = ledger
    const [assign, comment] = [forge.assign.bind(forge), forge.comment.bind(forge)]
    Object.assign(ledger, {
      beginDelegation: killed(beginDelegation),
      moveDelegation: killed(moveDelegation),
      saveDelegationComment: killed(saveDelegationComment),
    })
    Object.assign(forge, { assign: killed(assign), comment: killed(comment) })
    await assert.rejects(cycle(), /killed/, `step ${step}`)
    Object.assign(ledger, unkilled)
    Object.assign(forge, { assign, comment })
    // The lease of the killed process expires.
    for (let times = 0; times < 2; times++) {
      await pass(60_000)
      await cycle()
    }
    assert.equal((await assignees())[0], 'ezra', `step ${step}`)
    assert.equal((await comments('o/a#1')).length, 1, `step ${step}`)
    assert.deepEqual(await kinds(), ['delegation.assigned o/a#1'], `step ${step}`)
  }
})

test('delegation: respects the assignments of people', async (t) => {
  const { cycle, assignees, kinds, pass, forge } = await delegatingFleet(t, {
    change: (issue) => (issue.number === 2 ? { ...issue, assignees: ['ann'] } : issue),
  })
  const assign = forge.assign.bind(forge)
  // A person assigns the issue between the decision and the assignment.
  forge.assign = async (ref, from, to) => {
    if (ref === 'o/a#1' && to.length > 0) await assign(ref, [], ['bob'])
    return assign(ref, from, to)
  }
  await cycle()
  assert.deepEqual(await assignees(), ['bob', 'ann', '', 'ezra', ''])
  forge.assign = assign
  await assign('o/a#4', ['ezra'], [])
  await pass(60_000)
  await cycle()
  await pass(60_000)
  await cycle()
  assert.deepEqual(await assignees(), ['bob', 'ann', '', '', 'ezra'], 'burn does not assign the issue to this agent again')
  assert.deepEqual(
    (await kinds()).filter((each) => each.startsWith('delegation.changed')),
    ['delegation.changed o/a#1', 'delegation.changed o/a#4'],
  )
})

test('delegation: a refused login is no fault of the issue', async (t) => {
  const { cycle, assignees, kinds, pass, forge, notices } = await delegatingFleet(t)
  Object.assign(forge, { assignable: async () => ['claw'] })
  await cycle()
  assert.deepEqual(await assignees(), ['claw', 'claw', '', '', ''])
  assert.ok((await kinds()).includes('delegation.refused o/a ezra'))
  assert.ok(!(await kinds()).some((each) => each.startsWith('delegation.left o/a')))
  Object.assign(forge, { assignable: async () => null })
  const assign = forge.assign.bind(forge)
  forge.assign = () => Promise.reject(new BurnError('forge_unassignable', 'no access', 'give access'))
  await pass(2 * hour)
  await cycle()
  assert.ok(notices.some((notice) => notice.includes('no access')))
  forge.assign = assign
  await pass(2 * hour)
  await cycle()
  assert.deepEqual(await assignees(), ['claw', 'claw', '', 'ezra', 'ezra'])
})

test('delegation: issues of a lane go to its workers', async (t) => {
  const ezra = agentOf('ezra', { deploy: 1, server: 1 }, { lane: 'lane' })
  const { cycle, assignees, ledger, pass, kinds, forge } = await delegatingFleet(t, {
    declared: [ezra],
    hold: false,
    change: (issue) => (issue.number === 4 ? issue : { ...issue, assignees: ['ann'] }),
  })
  const { actions } = await cycle()
  assert.deepEqual(actionsOf(actions, 'claim'), [], 'workers do not get an issue that burn assigns in this cycle')
  assert.deepEqual(await assignees(), ['ann', 'ann', 'ann', 'ezra', 'ann'])
  // A person may assign an issue to the lane, too.
  await forge.assign('o/a#1', ['ann'], ['EZRA'])
  await pass(60_000)
  assert.deepEqual((await cycle()).claimed.map(({ issue }) => issue).toSorted(), ['o/a#1', 'o/a#4'])
  await pass(60_000)
  await cycle()
  assert.deepEqual(await kinds(), ['delegation.assigned o/a#4', 'delegation.started o/a#4'])
  await ledger.check()
})

test('delegation: untrusted issues stay unassigned', async (t) => {
  const { cycle, assignees, kinds, ledger } = await delegatingFleet(t, {
    change: (issue) => (issue.number < 3 ? { ...issue, author: 'mallory' } : issue),
  })
  await ledger.saveWriters('o/a', ['ann', 'burn'], { listed: true }, Date.UTC(2026, 0, 1))
  await ledger.saveWriters('o/b', ['ann', 'burn'], { listed: true }, Date.UTC(2026, 0, 1))
  await cycle()
  assert.deepEqual(await assignees(), ['', '', '', 'ezra', 'ezra'])
  assert.ok(!(await kinds()).some((each) => each.endsWith('o/a#1')))
})
