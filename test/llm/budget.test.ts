/** What a conversation may use up, and how it is ended from outside. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Budget } from '../../src/core/sprint.ts'
import { openBackend } from '../../src/llm/open.ts'
import { at, deps, echo, folder, model, never, task } from './rig.ts'

const forever = { script: [{ text: 'More.', calls: [{ name: 'echo', args: { text: 'x' } }] }] }

const budgets: readonly (readonly [string, Partial<Budget>, RegExp, number])[] = [
  ['turns', { turns: 3 }, /3 of 3 turns/, 3],
  ['tokens', { tokens: 200 }, /220 of 200 tokens/, 2],
  ['money', { money: 0.0003 }, /\$0\.0004 of \$0\.0003/, 2],
]

for (const [name, budget, reason, requests] of budgets) {
  test(`${name} that are used up end it, and the next time there is nothing left`, async (t) => {
    const server = await model(t, forever)
    const using = deps(t)
    const models = [at(server.url, { price: { in: 1, out: 10 } }), at(server.url, { model: 'other' })]
    const talk = openBackend({ kind: 'runner', models, hermes_home: '' }, using).begin(task(folder(t), { tools: [echo()], budget }))
    for (const _ of [1, 2]) {
      const { failure } = await talk.say('Do it.', never)
      assert.equal(failure?.class, 'budget')
      assert.match(failure?.reason ?? '', reason)
      assert.equal(server.requests.length, requests)
    }
  })
}

test('time that is used up ends an answer that does not come', async (t) => {
  const server = await model(t, { script: [{ hang: 'half' }] })
  const backend = openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t))
  const { failure } = await backend.begin(task(folder(t), { budget: { time: 50 } })).say('Do it.', never)
  assert.equal(failure?.class, 'budget')
  assert.match(failure?.reason ?? '', /0\.05 s are used up/)
})

test('stop ends an answer, a call, and whatever comes after', async (t) => {
  const server = await model(t, { script: [{ hang: 'half' }] })
  const backend = openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t))
  const stop = new AbortController()
  const asked = server.asked()
  const answer = backend.begin(task(folder(t))).say('Do it.', stop.signal)
  await asked
  stop.abort()
  assert.equal((await answer).failure?.class, 'stopped')

  const calling = await model(t, {
    script: [
      {
        calls: [
          { name: 'wait', args: {} },
          { name: 'echo', args: {} },
        ],
      },
    ],
  })
  const second = new AbortController()
  const wait = {
    ...echo('wait'),
    run: async (_: unknown, signal: AbortSignal) => {
      second.abort()
      return { ok: !signal.aborted, text: 'ended' }
    },
  }
  const work = task(folder(t), { tools: [wait, echo()] })
  const other = openBackend({ kind: 'runner', models: [at(calling.url)], hermes_home: '' }, deps(t)).begin(work)
  assert.equal((await other.say('Do it.', second.signal)).failure?.class, 'stopped')
  assert.deepEqual(work.texts('call'), ['wait false ended', 'echo false It was not run: the work was stopped.'])
  assert.equal((await other.say('Again.', second.signal)).failure?.class, 'stopped')
  assert.equal(calling.requests.length, 1)
})

test('where an endpoint does not say what it uses, tokens are estimated, and that is said once', async (t) => {
  const server = await model(t, {
    script: [
      { calls: [{ name: 'echo', args: {} }], usage: false },
      { text: 'Done.', usage: false },
    ],
  })
  const work = task(folder(t), { tools: [echo()] })
  const { usage } = await openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t))
    .begin(work)
    .say('Do it.', never)
  assert.ok(usage.tokens_in > 10 && usage.tokens_out > 0)
  assert.equal(usage.cost, null)
  assert.deepEqual(work.texts('note').length, 1)
  assert.match(work.texts('note')[0] ?? '', /estimated/)
})

test('what the provider says it cost is believed', async (t) => {
  const server = await model(t, { script: [{ text: 'Done.', usage: { prompt_tokens: 5, completion_tokens: 5, cost: 0.25 } }] })
  const talk = openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t)).begin(task(folder(t)))
  assert.equal((await talk.say('Do it.', never)).usage.cost, 0.25)
})
