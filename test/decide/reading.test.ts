import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { ParsedScreen, HookEvent } from '../../src/core/agent.ts'
import type { ReadingState } from '../../src/core/nouns.ts'
import { mergeReading } from '../../src/decide/reading.ts'

const look = (state: ReadingState, detail: string | null = null): ParsedScreen => ({
  reading: { state, detail, evidence: 'a row' },
  composer: 'empty',
  composer_rows: [0, 1],
  draft: '',
})
const signal: HookEvent = { seq: 1, at: 1_000_000, event: 'Stop', detail: null, told: [] }
const merged = (screen: ReadingState, heard: ReadingState, age: number) =>
  mergeReading(look(screen), signal, { state: heard, detail: null }, signal.at + age).state

test('reading: without a hook, or after an event that means nothing, the screen alone speaks', () => {
  assert.equal(mergeReading(look('idle'), null, null, 0).state, 'idle')
  assert.equal(mergeReading(look('working'), signal, null, signal.at).state, 'working')
})

test('reading: where both agree, both are the evidence, and a detail is not lost', () => {
  const both = mergeReading(look('waiting'), signal, { state: 'waiting', detail: 'approval' }, signal.at + 2000)
  assert.deepEqual(both, { state: 'waiting', detail: 'approval', evidence: 'a row; hook Stop 2 s ago' })
})

test('reading: a screen that looks idle is believed late, and never at once, against a hook that says busy', () => {
  for (const busy of ['working', 'waiting'] as const) {
    assert.equal(merged('idle', busy, 9_999), busy)
    assert.equal(merged('idle', busy, 10_000), 'unknown')
    assert.equal(merged('idle', busy, 60_000), 'idle')
  }
})

test('reading: an open box on the screen, a dead pane and an unreachable machine outweigh any event', () => {
  for (const screen of ['waiting', 'dead', 'unreachable'] as const)
    for (const heard of ['idle', 'working', 'error'] as const) assert.equal(merged(screen, heard, 0), screen)
})

test('reading: a question that was answered is working as soon as the screen had time to say so', () => {
  assert.equal(merged('working', 'waiting', 2_999), 'waiting')
  assert.equal(merged('working', 'waiting', 3_000), 'working')
})

test('reading: a failed turn is known by its event where the screen does not tell', () => {
  assert.equal(merged('idle', 'error', 3_600_000), 'error')
  assert.equal(merged('error', 'working', 0), 'working')
  assert.equal(merged('error', 'working', 3_000), 'error')
})

test('reading: nothing is idle by its hook alone, and nothing that either witness just called busy is idle', () => {
  const states: readonly ReadingState[] = ['starting', 'idle', 'working', 'waiting', 'error', 'dead', 'unreachable', 'unknown']
  fc.assert(
    fc.property(
      fc.constantFrom(...states),
      fc.constantFrom(...states),
      fc.integer({ min: -5_000, max: 10_000_000 }),
      (screen, heard, age) => {
        const state = merged(screen, heard, age)
        if (screen !== 'idle') assert.notEqual(state, 'idle')
        if (age < 10_000 && (heard === 'working' || heard === 'waiting')) assert.notEqual(state, 'idle')
        if (screen === 'working') assert.ok(state === 'working' || state === 'waiting')
      },
    ),
  )
})
