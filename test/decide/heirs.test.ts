/** A worker that leaves must not leave a change behind that nobody could continue. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hold } from '../../src/core/ledger/holds.ts'
import { changesWithoutHeir } from '../../src/decide/heirs.ts'
import { fleetOf } from '../simulate/storm.ts'
import { dispatchOf, now, stateOf } from '../support/state.ts'

const plain = fleetOf(1, 2)
const [first, second] = plain.machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
const [repo = ''] = first?.repos ?? []
const dispatches = [dispatchOf({ worker: first?.id ?? '', issue: `${repo}#1`, state: 'review' })]
const left = (state: Partial<ReturnType<typeof stateOf>>, leaving = [first?.id ?? '']) =>
  changesWithoutHeir({ ...stateOf(), fleet: fleetWith({}), dispatches, ...state }, new Set(leaving)).map(({ issue }) => issue)
/** The fleet with changes of its second worker, which by default serves the same repos. */
const fleetWith = (more: object) => ({
  ...plain,
  machines: plain.machines.map((machine) => ({
    ...machine,
    windows: machine.windows.map((window) => ({
      ...window,
      workers: window.workers.map((worker) => (worker.id === second?.id ? { ...worker, repos: first?.repos ?? [], ...more } : worker)),
    })),
  })),
})

test('heirs: another worker of the lane may continue a change', () => {
  assert.equal(first?.lane, second?.lane)
  assert.deepEqual(left({}), [])
  assert.deepEqual(left({ dispatches: [] }, [first?.id ?? '', second?.id ?? '']), [])
})

test('heirs: names a change that nobody could continue', () => {
  assert.deepEqual(left({}, [first?.id ?? '', second?.id ?? '']), [`${repo}#1`], 'both leave')
  assert.deepEqual(left({ fleet: fleetWith({ repos: ['o/elsewhere'] }) }), [`${repo}#1`])
  assert.deepEqual(left({ fleet: fleetWith({ lane: 'other' }) }), [`${repo}#1`])
  assert.deepEqual(left({ fleet: fleetWith({ role: 'council' }) }), [`${repo}#1`])
  const name = second?.id ?? ''
  const retiring: Hold = {
    scope: 'worker',
    name,
    code: 'retire',
    reason: { code: 'retiring', why: '' },
    until: null,
    actor: 'a',
    created_at: now,
  }
  assert.deepEqual(left({ holds: [retiring] }), [`${repo}#1`], 'the other one retires, too')
  const gone = [dispatchOf({ worker: 'm1/GONE/A', issue: `${repo}#1`, state: 'review' })]
  assert.deepEqual(left({ dispatches: gone, fleet: fleetWith({ lane: 'other' }) }, ['m1/GONE/A']), [])
})
