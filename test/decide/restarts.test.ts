import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineFor } from '../../src/core/typed-line.ts'
import { isOwnLine } from '../../src/decide/observation.ts'
import { restartStep, type RestartFacts, type RestartMode } from '../../src/decide/restarts.ts'

const now = 1_000_000
const idle = { state: 'idle', detail: null, evidence: '❯' } as const

function step(more: Partial<RestartFacts> = {}, mode: RestartMode = 'idle'): string {
  const facts = {
    reading: idle,
    since: now,
    pane: { made: true, in_mode: false },
    has_agent: true,
    composer: 'empty',
    looping: false,
    now,
  } as const
  const { do: what, ...rest } = restartStep({ ...facts, ...more }, mode, 'ANN')
  return 'why' in rest ? `${what}: ${rest.why}` : what
}
const reading = (state: RestartFacts['reading']['state']) => ({ reading: { state, detail: null, evidence: 'x' } })
const under_way = { worker: 'm/W/ANN', issue: 'o/r#1', what: 'has o/r#1', remedy: null }

test('restart: begins with an idle or missing agent', () => {
  assert.equal(step(), 'begin')
  assert.equal(step(reading('error')), 'begin')
  assert.equal(step({ has_agent: false, ...reading('dead') }, 'drain'), 'begin')
  assert.equal(step({ under_way }), 'begin', 'an idle agent may have a dispatch')
})

test('restart: waits for turns, texts and work', () => {
  assert.equal(step(reading('working')), 'wait: is working')
  assert.equal(step(reading('working'), 'now'), 'begin')
  assert.match(step(reading('waiting')), /^wait: waits for an answer\. Run: burn answer ANN/)
  assert.equal(step({ under_way }, 'drain'), 'wait: has o/r#1')
  assert.match(step({ pane: { made: true, in_mode: true } }), /^wait: .*scrolling/)
  assert.match(step({ delivery: { state: 'submitted', changed_at: now } }), /^wait: .*proof/)
  assert.match(step({ delivery: { state: 'placing', changed_at: now - 1 } }), /^wait: gets a text/)
})

test('restart: refuses what it must not end', () => {
  assert.match(step({ composer: 'draft' }, 'now'), /^refuse: has a person's draft/)
  assert.match(step({ delivery: { state: 'placed', changed_at: now } }, 'now'), /^refuse: gets a text/)
  assert.match(step({ delivery: { state: 'placed', changed_at: now - 60_000 } }), /^refuse: gets a text/)
  assert.match(step({ pane: { made: false, in_mode: false } }, 'now'), /^refuse: .*did not create/)
  assert.match(step({ pane: null }), /^refuse: has no pane/)
  assert.match(step({ looping: true }, 'now'), /^refuse: runs burn worker loop/)
  assert.match(step(reading('unreachable'), 'now'), /^refuse: can't be reached/)
  assert.match(step({ ...reading('unknown'), since: now - 60_000 }), /^refuse: .*does not recognise/)
  assert.equal(step({ ...reading('unknown') }), 'wait: is unknown')
})

test("restart: a text of burn is no person's draft", () => {
  assert.equal(step({ composer: 'draft', own_draft: true }), 'begin')
  assert.equal(step({ composer: 'draft', own_draft: true }, 'now'), 'begin')
  assert.match(step({ composer: 'draft', own_draft: true, delivery: { state: 'submitted', changed_at: now } }), /^wait: .*proof/)
  const id = '0000000000abc'
  const typed = `[burn ${id}] Say hello.`
  assert.ok(isOwnLine(typed, { id, typed }))
  assert.ok(!isOwnLine(`${typed} And wait for me.`, { id, typed }), 'a person added a text')
  assert.ok(!isOwnLine('Say hello.', { id, typed }))
  const line = lineFor(id, '/home/x/ann', { sha256: 'a'.repeat(64), lines: 3, longest: 20 }, 80)
  assert.ok(isOwnLine(`${line.slice(0, 40)}\n  ${line.slice(40)}`, { id, typed: line }), 'the composer wraps the line')
})
