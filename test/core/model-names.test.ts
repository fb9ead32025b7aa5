/** The comparison of the names of models and providers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOpenChoice, isSameModel, isSameProvider } from '../../src/core/model-names.ts'

const same: readonly (readonly [string, string])[] = [
  ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929'],
  ['claude-opus-4.6', 'claude-opus-4-6'],
  ['claude-opus-4-6[1m]', 'claude-opus-4-6'],
  ['anthropic/claude-opus-4.6', 'claude-opus-4-6'],
  ['us.anthropic.claude-sonnet-4-20250514-v1:0', 'claude-sonnet-4'],
  ['claude-sonnet-4@20250514', 'claude-sonnet-4'],
  ['claude-3-5-sonnet-latest', 'claude-3-5-sonnet'],
  ['sonnet', 'claude-sonnet-4-5-20250929'],
  ['flash', 'gemini-2.5-flash'],
  ['gpt-5', 'gpt-5-2025-08-07'],
  ['gpt-4', 'gpt-4-0613'],
  ['gemini-2.5-pro', 'models/gemini-2.5-pro-002'],
  ['llama3', 'llama3:latest'],
  ['/models/SmolLM2-135M-Instruct.Q4_1.gguf', 'smollm2-135m-instruct.q4_1'],
  ['NousResearch/Hermes-4-405B', 'hermes-4-405b'],
  ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5-20...'],
]
const different: readonly (readonly [string, string])[] = [
  ['claude-opus-4', 'claude-opus-4-1'],
  ['claude-opus-4-1', 'claude-opus-4-8'],
  ['claude-sonnet-4-20250514', 'claude-sonnet-4-20250929'],
  ['sonnet', 'claude-opus-4-6'],
  ['qwen2.5:7b', 'qwen2.5:14b'],
  ['hermes4', 'hermes4:14b'],
  ['kimi-k2-0905', 'kimi-k2-0711'],
  ['gpt-4', 'gpt-4-32k'],
  ['stub', 'stub-answered'],
  ['big-model', 'small-model'],
  ['claude-sonnet-4-5-20250929', 'claude-opus-4...'],
  ['x', '...'],
]

test('model names: the same model has several names', () => {
  for (const [one, other] of same) assert.ok(isSameModel(one, other) && isSameModel(other, one), `${one} ${other}`)
  for (const [one, other] of different) assert.ok(!isSameModel(one, other) && !isSameModel(other, one), `${one} ${other}`)
  assert.deepEqual(['default', 'auto', 'opusplan', 'opus'].map(isOpenChoice), [true, true, true, false])
})

test('model names: an unnamed provider is no other provider', () => {
  assert.ok(isSameProvider('Nous', 'nous'))
  assert.ok(isSameProvider('custom:lab', 'openrouter'))
  assert.ok(isSameProvider('', 'openrouter'))
  assert.ok(!isSameProvider('nous', 'openrouter'))
})
