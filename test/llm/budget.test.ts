/** The budget of a conversation, and its end by a stop. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Budget } from '../../src/core/sprint.ts'
import { openBackend } from '../../src/llm/open.ts'
import { at, deps, echo, folder, model, never, task } from './rig.ts'

const endlessScript = { script: [{ text: 'More.', calls: [{ name: 'echo', args: { text: 'x' } }] }] }

const budgets: readonly (readonly [string, Partial<Budget>, RegExp, number])[] = [
  ['turns', { turns: 3 }, /turn limit reached: 3 of 3/, 3],
  ['tokens', { tokens: 200 }, /token limit reached: 220 of 200/, 2],
  ['money', { money: 0.0003 }, /\$0\.0004 of \$0\.0003/, 2],
]

for (const [name, budget, reason, requests] of budgets) {
  test(`budget: no turn begins after the limit of ${name}`, async (t) => {
    const server = await model(t, endlessScript)
    const testDeps = deps(t)
    const models = [at(server.url, { price: { in: 1, out: 10 } }), at(server.url, { model: 'other' })]
    const conversation = openBackend({ kind: 'runner', models, hermes_home: '' }, testDeps).begin(
      task(folder(t), { tools: [echo()], budget }),
    )
    for (const _ of [1, 2]) {
      const { failure } = await conversation.say('Do it.', never)
      assert.equal(failure?.class, 'budget')
      assert.match(failure?.reason ?? '', reason)
      assert.equal(server.requests.length, requests)
    }
  })
}

test('budget: time that is used up ends a pending answer', async (t) => {
  const server = await model(t, { script: [{ hang: 'half' }] })
  const backend = openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t))
  const { failure } = await backend.begin(task(folder(t), { budget: { time: 50 } })).say('Do it.', never)
  assert.equal(failure?.class, 'budget')
  assert.match(failure?.reason ?? '', /time limit reached: 0\.05 s/)
})

test('stop: ends an answer, a tool call and the next turn', async (t) => {
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
  const waitTool = {
    ...echo('wait'),
    run: async (_: unknown, signal: AbortSignal) => {
      second.abort()
      return { ok: !signal.aborted, text: 'ended' }
    },
  }
  const work = task(folder(t), { tools: [waitTool, echo()] })
  const other = openBackend({ kind: 'runner', models: [at(calling.url)], hermes_home: '' }, deps(t)).begin(work)
  assert.equal((await other.say('Do it.', second.signal)).failure?.class, 'stopped')
  assert.deepEqual(work.texts('call'), ['wait false ended', 'echo false burn did not run this call, because the sprint was stopped.'])
  assert.equal((await other.say('Again.', second.signal)).failure?.class, 'stopped')
  assert.equal(calling.requests.length, 1)
})

test('usage: is estimated, with one note, if the endpoint reports none', async (t) => {
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
  assert.match(work.texts('note')[0] ?? '', /estimates/)
})

test('usage: takes the cost that the provider reports', async (t) => {
  const server = await model(t, { script: [{ text: 'Done.', usage: { prompt_tokens: 5, completion_tokens: 5, cost: 0.25 } }] })
  const conversation = openBackend({ kind: 'runner', models: [at(server.url)], hermes_home: '' }, deps(t)).begin(task(folder(t)))
  assert.equal((await conversation.say('Do it.', never)).usage.cost, 0.25)
})
