/** The simulation: it is deterministic, scales as expected, and keeps the rules of `judge.ts` under all faults. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Receipt } from '../../src/simulate/world.ts'
import { assumed, habitsOf } from '../../src/simulate/habits.ts'
import { simulate } from '../../src/simulate/simulate.ts'
import { figuresOf } from '../../src/simulate/figures.ts'
import { simulateInThread } from '../../src/simulate/thread.ts'
import { OffHeapTexts } from '../../src/simulate/off-heap-texts.ts'
import { fleetOf, issuesOf, night } from './storm.ts'

const hour = 3_600_000
const steady = { turn: { median: 10 * 60_000, spread: 0 }, review: { median: 5 * 60_000, spread: 0 }, changes: 1, merged: 1 }
const twoMinutes = { interval: 2 * 60_000 }
const calm = { habits: steady, start: 0, longest: 48 * hour, faults: new Map(), dispatchers: 1 }

async function ended(seed: number, machines: number, issues: number, more: object = {}) {
  const result = await simulate({ ...calm, fleet: fleetOf(machines, 4, twoMinutes), issues: issuesOf(issues), seed, ...more })
  await result.ledger.close()
  return result
}

test('simulate: the same seed gives the same events', async () => {
  const habits = { ...steady, turn: { median: 8 * 60_000, spread: 0.8 }, changes: 1 }
  const record = async (seed: number) => {
    const receipts: Receipt[] = []
    const onReceipt = (receipt: Receipt) => void receipts.push(receipt)
    const faults = new Map([['agent', 20 * 60_000]])
    const { samples, ended: over } = await ended(seed, 1, 6, { habits, faults, dispatchers: 2, onReceipt })
    assert.ok(receipts.length >= 6)
    return JSON.stringify([samples, over, receipts])
  }
  const first = await record(5)
  assert.equal(await record(5), first)
  assert.notEqual(await record(6), first)
})

test('simulate: twice the fleet takes half the time', async () => {
  const one = await ended(1, 1, 16)
  const two = await ended(1, 2, 16)
  assert.ok(one.finished && two.finished)
  // 16 issues of 10 minutes for 4 agents are 40 minutes of work; the last is reviewed 5 minutes later.
  const minutes = (result: typeof one) => (result.ended - result.began) / 60_000
  assert.ok(minutes(one) >= 45 && minutes(one) < 55, `${minutes(one)} min`)
  assert.ok(minutes(two) >= 25 && minutes(two) < 35, `${minutes(two)} min`)
  const busy = one.world.agents().map((agent) => agent.busy / 60_000)
  assert.deepEqual(
    busy.map((each) => Math.round(each)),
    [40, 40, 40, 40],
  )
})

test('simulate: gives the same in a thread, and stops there', async () => {
  const input = { ...calm, fleet: fleetOf(1, 4, twoMinutes), issues: issuesOf(4), seed: 3, price: 2 }
  const open: number[] = []
  const figures = await simulateInThread(input, new AbortController().signal, (sample) => void open.push(sample.open))
  const here = await ended(3, 1, 4)
  assert.deepEqual(figures, figuresOf(here, input.fleet, 2))
  assert.deepEqual(
    open,
    here.samples.map((sample) => sample.open),
  )
  const stop = new AbortController()
  const synthetic = { ...input, issues: { count: 500, fleet: input.fleet } }
  const cut = await simulateInThread(synthetic, stop.signal, () => stop.abort())
  assert.deepEqual([cut.issues, cut.finished, cut.hours < 48], [500, false, true])
})

test('habits: come from the turns in the ledger', () => {
  const worked = (worker: string, handed_at: number, review_at: number | null, ended_at: number, state: 'done' | 'failed' | 'released') => {
    return { worker, issue: 'o/r#1', handed_at, review_at, ended_at, state }
  }
  // A worker has two prompts at once. The second turn begins when the first ends.
  const pairs = Array.from({ length: 12 }, (_, index) => {
    const at = index * 1000
    return [worked('a', at, at + 100, at + 400, 'done'), worked('a', at + 1, at + 300, at + 500, 'failed')]
  })
  const { habits, turns, reviews } = habitsOf(pairs.flat())
  assert.deepEqual([turns, reviews], [24, 24])
  assert.deepEqual('seen' in habits.turn ? new Set(habits.turn.seen) : null, new Set([100, 200]))
  assert.deepEqual('seen' in habits.review ? new Set(habits.review.seen) : null, new Set([300, 200]))
  assert.deepEqual([habits.changes, habits.merged], [1, 0.5])
  assert.deepEqual(habitsOf(pairs.flat().slice(0, 6)).habits, assumed)
})

test('off-heap texts: return the last text, however sizes change', () => {
  const text = fc.tuple(fc.constantFrom('a', 'ä', '◆', '😀'), fc.nat(200)).map(([one, times]) => one.repeat(times))
  const steps = fc.array(fc.tuple(fc.nat(), text), { maxLength: 30 })
  fc.assert(
    fc.property(steps, (given) => {
      const [stored, texts] = [new OffHeapTexts(), [] as string[]]
      for (const [which, each] of given) {
        const at = which % (texts.length + 1)
        if (at === texts.length) assert.equal(stored.add(each), at)
        else stored.replace(at, each)
        texts[at] = each
      }
      assert.deepEqual(
        texts.map((_, at) => stored.text(at)),
        texts,
      )
    }),
    { numRuns: 50 },
  )
  const long = 'ä'.repeat(3 * 1024 * 1024)
  const stored = new OffHeapTexts()
  stored.add('short')
  stored.replace(0, long)
  assert.equal(stored.add('next'), 1)
  assert.deepEqual([stored.text(0) === long, stored.text(1)], [true, 'next'])
})

const seeds = process.env['BURN_STORM'] === undefined ? [Date.now() % 100_000] : process.env['BURN_STORM'].split(',').map(Number)
for (const seed of seeds)
  test(`storm: rules hold under all faults (BURN_STORM=${seed} repeats it)`, async () => {
    const { dispatches, faults } = await night(seed, 4)
    assert.ok(dispatches >= 4 && faults > 0)
  })
