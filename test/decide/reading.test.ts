import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ParsedScreen, HookEvent } from '../../src/core/agent.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import { mergeReading } from '../../src/decide/reading.ts'

const screenOf = (state: ReadingState, detail: string | null = null): ParsedScreen => ({
  reading: { state, detail, evidence: 'a row' },
  composer: 'empty',
  composer_rows: [0, 1],
  draft: '',
})
const event: HookEvent = { seq: 1, at: 1_000_000, event: 'Stop', detail: null, conversation: null, deliveries: [] }
const merged = (screen: ReadingState, hook: ReadingState, age: number) =>
  mergeReading(screenOf(screen), event, { state: hook, detail: null }, event.at + age).state

test('reading: without a meaningful hook event the screen decides', () => {
  assert.equal(mergeReading(screenOf('idle'), null, null, 0).state, 'idle')
  assert.equal(mergeReading(screenOf('working'), event, null, event.at).state, 'working')
})

test('reading: if both agree, both are evidence and the detail stays', () => {
  const both = mergeReading(screenOf('waiting'), event, { state: 'waiting', detail: 'approval' }, event.at + 2000)
  assert.deepEqual(both, { state: 'waiting', detail: 'approval', evidence: 'a row; hook Stop 2 s ago' })
})

test('reading: an idle screen outweighs a busy hook after a while', () => {
  for (const busy of ['working', 'waiting'] as const) {
    assert.equal(merged('idle', busy, 9_999), busy)
    assert.equal(merged('idle', busy, 10_000), 'unknown')
    assert.equal(merged('idle', busy, 60_000), 'idle')
  }
})

test('reading: a question and a dead or unreachable pane outweigh events', () => {
  for (const screen of ['waiting', 'dead', 'unreachable'] as const)
    for (const hook of ['idle', 'working', 'error'] as const) assert.equal(merged(screen, hook, 0), screen)
})

test('reading: an answered question is working once the screen has updated', () => {
  assert.equal(merged('working', 'waiting', 2_999), 'waiting')
  assert.equal(merged('working', 'waiting', 3_000), 'working')
})

test('reading: a hook reports failed turns that screens do not show', () => {
  assert.equal(merged('idle', 'error', 3_600_000), 'error')
  assert.equal(merged('error', 'working', 0), 'working')
  assert.equal(merged('error', 'working', 3_000), 'error')
  // A turn that ended well a moment ago: the screen may still show the failed turn before it.
  assert.equal(merged('error', 'idle', 0), 'unknown')
  assert.equal(merged('error', 'idle', 3_000), 'error')
})

test('reading: idle needs an idle screen and no recent busy event', () => {
  const states: readonly ReadingState[] = ['starting', 'idle', 'working', 'waiting', 'error', 'dead', 'unreachable', 'unknown']
  fc.assert(
    fc.property(
      fc.constantFrom(...states),
      fc.constantFrom(...states),
      fc.integer({ min: -5_000, max: 10_000_000 }),
      (screen, hook, age) => {
        const state = merged(screen, hook, age)
        if (screen !== 'idle') assert.notEqual(state, 'idle')
        if (age < 10_000 && (hook === 'working' || hook === 'waiting')) assert.notEqual(state, 'idle')
        if (screen === 'working') assert.ok(state === 'working' || state === 'waiting')
      },
    ),
  )
})
