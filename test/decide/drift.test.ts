/** The decision whether an agent runs with the settings that it should have. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExpectedModel } from '../../src/core/model-use.ts'
import type { Drift, DriftState } from '../../src/core/drift.ts'
import type { Span } from '../../src/core/span.ts'
import { driftOf, driftRemedy, driftText, reportedDrift, type DriftFacts } from '../../src/decide/drift.ts'

const at = Date.parse('2026-05-01T10:00:00Z')
const expected: ExpectedModel = {
  model: 'small-model',
  provider: null,
  profile: null,
  source: 'spec',
  fallbacks: [{ model: 'spare-model', provider: null }],
  aliases: { handy: 'small-model' },
}
const use = {
  worker: 'box/W/ANN',
  session: 'talk',
  at,
  provider: '',
  model_asked: 'small-model',
  model_answered: '',
  record: '/home/x/state.db',
  incarnation: 'one',
  profile: null,
  idle: false,
}
const started = { at: at - 1000, model: null, provider: null, conversation: 'talk', changed: [] }
const facts: DriftFacts = { worker: 'box/W/ANN', expected, incarnation: 'one', uses: [use], started }
const stateOf = (changes: Partial<DriftFacts>) => {
  const { state, used, differs } = driftOf({ ...facts, ...changes })
  return [state, used.source, differs.join()]
}
const used = (changes: Partial<typeof use>) => ({ uses: [{ ...use, ...changes }] })
const expects = (changes: Partial<ExpectedModel>) => ({ expected: { ...expected, ...changes } })

test('drift: the last request shows the model', () => {
  assert.deepEqual(stateOf({}), ['ok', 'asked', ''])
  assert.deepEqual(stateOf(used({ model_asked: 'handy' })), ['ok', 'asked', ''])
  assert.deepEqual(stateOf(used({ model_asked: 'big-model' })), ['wrong_model', 'asked', 'model'])
  assert.deepEqual(stateOf(used({ model_asked: 'spare-model' })), ['fallback', 'asked', 'model'])
  // The server answered with another model than the agent asked for.
  assert.deepEqual(stateOf(used({ model_answered: 'big-model' })), ['wrong_model', 'answered', 'model'])
  assert.match(driftOf({ ...facts, ...used({ model_answered: 'big-model' }) }).evidence, /^answered at .*, asked for small-model: /)
})

test('drift: compares providers and profiles that are known', () => {
  const nous = expects({ provider: 'nous' })
  assert.deepEqual(stateOf({ ...nous, ...used({ provider: 'nous' }) }), ['ok', 'asked', ''])
  assert.deepEqual(stateOf({ ...nous, ...used({ provider: 'custom' }) }), ['ok', 'asked', ''])
  assert.deepEqual(stateOf({ ...nous, ...used({ provider: 'openrouter' }) }), ['wrong_model', 'asked', 'provider'])
  const fallbacks = [{ model: 'small-model', provider: 'openrouter' }]
  assert.deepEqual(stateOf({ ...expects({ provider: 'nous', fallbacks }), ...used({ provider: 'openrouter' }) })[0], 'fallback')
  const profile = { uses: [{ ...use, model_asked: 'big-model', profile: '' }] }
  assert.deepEqual(stateOf({ ...expects({ profile: 'burn-ann' }), ...profile }), ['wrong_profile', 'asked', 'profile,model'])
  assert.deepEqual(stateOf(profile)[0], 'wrong_model')
})

test('drift: a request of an earlier agent is no evidence', () => {
  const big = { model_asked: 'big-model' }
  assert.deepEqual(stateOf({ started: null, ...used({ ...big, incarnation: 'zero' }) }), ['unknown', null, ''])
  assert.deepEqual(stateOf({ started: null, ...used({ ...big, incarnation: '' }) }), ['unknown', null, ''])
  // A sample saw the new agent only after its first request.
  assert.deepEqual(stateOf(used({ ...big, incarnation: 'zero' })), ['wrong_model', 'asked', 'model'])
  assert.deepEqual(stateOf(used({ ...big, incarnation: '', at: at - 2000 })), ['unknown', null, ''])
  assert.deepEqual(stateOf({ uses: [], started: { ...started, model: 'small-model' } }), ['ok', 'started', ''])
  assert.deepEqual(stateOf({ uses: [], started: { ...started, model: 'big-model' } }), ['wrong_model', 'started', 'model'])
  // A later request shows that the agent changed its model since its start.
  assert.deepEqual(stateOf({ started: { ...started, model: 'big-model' } }), ['ok', 'asked', ''])
})

test('drift: another session in the folder is no evidence', () => {
  const other = { ...use, session: 'other', at: at + 9, model_asked: 'big-model' }
  assert.deepEqual(stateOf({ uses: [use, other] }), ['ok', 'asked', ''])
  assert.deepEqual(stateOf({ uses: [other] }), ['unknown', null, ''])
  assert.deepEqual(
    stateOf({
      uses: [
        { ...use, model_asked: 'big-model' },
        { ...other, model_asked: 'small-model' },
      ],
    })[0],
    'wrong_model',
  )
  // A command of burn changed the model since the last request.
  assert.deepEqual(
    stateOf({
      uses: [
        { ...use, model_asked: 'big-model' },
        { ...use, session: '', at: at + 5 },
      ],
    })[0],
    'ok',
  )
})

test('drift: without a hook, sessions that differ are unknown', () => {
  const hookless = { ...started, conversation: null }
  const other = { ...use, session: 'other', at: at + 9, model_asked: 'big-model' }
  assert.deepEqual(stateOf({ started: hookless, uses: [use, other] }), ['unknown', null, ''])
  assert.deepEqual(stateOf({ started: hookless, uses: [{ ...use, session: 'other' }, use] }), ['ok', 'asked', ''])
  assert.deepEqual(stateOf({ started: hookless, uses: [other] })[0], 'wrong_model')
  assert.deepEqual(stateOf({ started: hookless, uses: [{ ...other, idle: true }] }), ['unknown', null, ''], 'the agent was idle then')
  assert.deepEqual(stateOf({ started: hookless, uses: [{ ...use, at: at - 2000 }, other] })[0], 'wrong_model', 'from before the start')
})

test('drift: reports settings that the spec has changed since the start', () => {
  const changed = { started: { ...started, changed: ['command', 'identity'] } }
  assert.deepEqual(stateOf(changed), ['outdated', 'asked', 'command,identity'])
  assert.deepEqual(stateOf({ ...changed, ...used({ model_asked: 'big-model' }) }), ['wrong_model', 'asked', 'model,command,identity'])
  assert.deepEqual(stateOf(expects({ model: null })), ['unknown', 'asked', ''])
})

test('drift: the text names the difference and the remedy', () => {
  const textOf = (changes: Partial<DriftFacts>) => driftText(driftOf({ ...facts, ...changes }))
  const big = used({ model_asked: 'big-model' })
  assert.equal(textOf(big), 'ANN runs big-model, the spec says small-model')
  const file = expects({ source: '~/.hermes/config.yaml' })
  assert.equal(textOf({ ...big, ...file }), 'ANN runs big-model, ~/.hermes/config.yaml says small-model')
  const swapped = used({ model_answered: 'big-model' })
  assert.equal(textOf(swapped), 'ANN asks for small-model, and the server answers with big-model')
  assert.equal(driftRemedy(driftOf({ ...facts, ...swapped })), null)
  const provider = { ...expects({ provider: 'nous' }), ...used({ provider: 'openrouter' }) }
  assert.equal(textOf(provider), 'ANN uses the provider openrouter, the spec says nous')
  assert.equal(textOf(used({ model_asked: 'spare-model' })), 'ANN runs the fallback spare-model, because small-model failed')
  assert.deepEqual(
    ['wrong_model', 'fallback', 'ok'].map((state) => driftRemedy({ worker: 'box/W/ANN', state: state as DriftState, swapped: false })),
    ['burn restart ANN', null, null],
  )
})

test('drift: reports use the state that the watchdog saved', () => {
  const live = (changes: Partial<DriftFacts>) => driftOf({ ...facts, ...changes })
  const span = (state: string, detail: string) => ({ state, detail, evidence: 'saved text', began_at: 5 }) as Span
  const big = live(used({ model_asked: 'big-model' }))
  const shown = (drift: Drift, saved?: Span) => {
    const report = reportedDrift(drift, saved, at + 9)
    return report === null ? null : [report.state, report.text, report.since]
  }
  const text = 'ANN runs big-model, the spec says small-model'
  assert.deepEqual(shown(big), ['wrong_model', text, at])
  assert.deepEqual(shown(big, span('wrong_model', 'big-model')), ['wrong_model', text, 5])
  assert.deepEqual(shown(big, span('fallback', 'big-model')), ['fallback', 'saved text', 5])
  assert.deepEqual(shown(big, span('fallback', 'other')), ['wrong_model', text, at])
  const unset = live({ ...expects({ model: null }), ...used({ model_asked: 'big-model' }) })
  assert.deepEqual(shown(unset, span('wrong_model', 'big-model')), ['wrong_model', 'saved text', 5])
  assert.deepEqual([shown(unset), shown(live({}), span('wrong_model', 'small-model'))], [null, null])
})
