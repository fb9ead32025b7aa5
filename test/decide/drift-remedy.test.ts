/** The decision what burn does about an agent that runs with other settings than it should. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Drift } from '../../src/core/drift.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import { remedyStep, type Remedy, type RemedyFacts } from '../../src/decide/drift-remedy.ts'

const drift: Drift = {
  worker: 'box/W/ANN',
  state: 'wrong_model',
  expected: { model: 'small-model', provider: null, profile: null, source: 'spec' },
  used: { model: 'big-model', provider: null, profile: null, source: 'asked' },
  differs: ['model'],
  swapped: false,
  evidence: 'asked: state.db',
  at: 1,
}
const facts: RemedyFacts = {
  drift,
  settings: { remedy: 'restart', attempts: 2 },
  state: 'idle',
  tried: [],
  has_command: true,
  has_work: false,
  has_text: false,
  held: null,
}
const step = (changes: Partial<RemedyFacts> = {}) => {
  const { do: what, ...rest } = remedyStep({ ...facts, ...changes })
  return 'why' in rest ? `${what}: ${rest.why}` : what
}
const drifted = (changes: Partial<Drift>) => ({ drift: { ...drift, ...changes } })
const allows = (remedy: RemedyFacts['settings']['remedy'], attempts = 2) => ({ settings: { remedy, attempts } })
const tried = (...all: Remedy[]) => ({ tried: all })

test('remedy: does nothing about states without a difference', () => {
  assert.deepEqual([step(drifted({ state: 'ok' })), step(drifted({ state: 'unknown' }))], ['nothing', 'nothing'])
  assert.equal(step(drifted({ state: 'fallback' })), 'nothing')
})

test('remedy: only reports if the spec says so', () => {
  assert.equal(step(allows('report')), 'nothing')
  assert.equal(step({ ...allows('report'), ...drifted({ swapped: true }) }), 'nothing')
})

test('remedy: a command comes before a restart', () => {
  assert.equal(step(), 'command')
  assert.equal(step(drifted({ differs: ['provider'] })), 'command')
  assert.equal(step(tried('command')), 'restart')
  assert.equal(step({ has_command: false }), 'restart')
  assert.equal(step(drifted({ state: 'wrong_profile', differs: ['profile'] })), 'restart')
  assert.equal(step(drifted({ state: 'wrong_profile', differs: ['profile', 'model'] })), 'restart')
  assert.equal(step(drifted({ expected: { ...drift.expected, model: null } })), 'restart')
})

test('remedy: restarts only if the spec allows it', () => {
  const outdated = drifted({ state: 'outdated', differs: ['environment'] })
  assert.equal(step(outdated), 'restart')
  assert.equal(step({ ...allows('command'), ...outdated }), 'nothing')
  assert.match(step({ ...allows('command'), ...tried('command') }), /^escalate: only a restart helps/)
  assert.match(step({ ...allows('command'), has_command: false }), /^escalate: only a restart helps/)
})

test('remedy: never acts during a turn', () => {
  const others: readonly ReadingState[] = ['working', 'waiting', 'unknown', 'unreachable', 'dead']
  for (const state of others) {
    assert.equal(step({ state }), `wait: the agent is not idle: ${state}`)
    assert.equal(step({ state, ...tried('command') }), `wait: the agent is not idle: ${state}`)
  }
  assert.equal(step({ state: 'error' }), 'command')
})

test('remedy: waits for texts, holds and issues', () => {
  assert.match(step({ has_text: true }), /^wait: a text/)
  assert.match(step({ has_text: true, ...tried('command') }), /^wait: a text/)
  assert.equal(step({ held: 'a person holds it' }), 'wait: a person holds it')
  assert.equal(step({ has_work: true }), 'command', 'a command keeps the issue')
  assert.equal(step({ has_work: true, ...tried('command') }), 'wait: the worker has an issue')
})

test('remedy: escalates after the last attempt', () => {
  const failed = tried('command', 'restart')
  assert.equal(step(failed), 'escalate: burn used 2 remedies in 24 hours without success')
  assert.equal(step({ ...failed, ...allows('restart', 3) }), 'restart')
  assert.match(step({ ...failed, state: 'working' }), /^escalate: /, 'a turn does not hide it')
  assert.match(step(drifted({ swapped: true })), /^escalate: no restart helps/)
})
