/** The names of workers, and their home repos. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { KnownWorker } from '../../src/spec/names.ts'
import { names, spreadHomes } from '../../src/spec/names.ts'
import { complete, specOf } from './specs.ts'

test('names: has several hundred different names in capital letters', () => {
  assert.ok(names.length > 400)
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.match(name, /^[A-Z]+$/)
})

interface Plan {
  readonly panes: number
  readonly names: readonly string[]
}

function workersFor(windows: readonly Plan[], known: readonly KnownWorker[]): readonly KnownWorker[] {
  const written = windows.map((plan, index) => ({ name: `W${index}`, repos: ['app'], ...plan }))
  return complete(specOf(written), known).workers
}

const drawnIn = (workers: readonly KnownWorker[], window: number) =>
  workers.filter(({ id, drawn }) => drawn && id.startsWith(`box/W${window}/`)).map(({ id }) => id)

const plan = fc.record({ panes: fc.integer({ min: 3, max: 14 }), names: fc.subarray(['AZOTH', 'ONE', 'TWO']) })

test('drawNames: keeps drawn names when neighbours change', () => {
  fc.assert(
    fc.property(fc.array(plan, { minLength: 2, maxLength: 4 }), fc.array(plan, { minLength: 2, maxLength: 4 }), (before, after) => {
      const first = workersFor(before, [])
      const second = workersFor(after, first)
      assert.equal(new Set(second.map(({ id }) => id)).size, second.length)
      for (const [window] of after.entries()) {
        const [was, is] = [drawnIn(first, window), drawnIn(second, window)]
        // The window keeps as many old names as it has panes, oldest first. New names follow them.
        assert.deepEqual(is.slice(0, was.length), was.slice(0, is.length))
      }
      assert.deepEqual(workersFor(after, [...first, ...second.filter(({ id }) => !first.some((one) => one.id === id))]), second)
    }),
    { numRuns: 40 },
  )
})

test('drawNames: keeps the worker when the spec names it later', () => {
  const first = workersFor([{ panes: 4, names: [] }], [])
  const third = (first[2]?.id ?? '').replace('box/W0/', '')
  const second = workersFor([{ panes: 4, names: [third] }], first)
  assert.deepEqual(new Set(second.map(({ id }) => id)), new Set(first.map(({ id }) => id)))
})

test('drawNames: draws the same unique names everywhere, beyond the registry, too', () => {
  const windows = [
    { panes: 500, names: [] },
    { panes: 500, names: ['AZOTH'] },
  ]
  const workers = workersFor(windows, [])
  assert.deepEqual(workersFor(windows, []), workers)
  assert.equal(new Set(workers.map(({ id }) => id.replace(/.*\//, ''))).size, 1000)
})

test('spreadHomes: spreads evenly, and moves few when one worker leaves', () => {
  const repos = ['app', 'docs', 'site', 'tools']
  fc.assert(
    fc.property(fc.subarray(names.slice(0, 60), { minLength: 1 }), fc.integer({ min: 1, max: 4 }), fc.nat(), (workers, count, leaver) => {
      const some = repos.slice(0, count)
      const homes = spreadHomes(workers, some)
      const sizes = some.map((repo) => workers.filter((worker) => homes.get(worker) === repo).length)
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1 && homes.size === workers.length)
      const left = workers.filter((_, index) => index !== leaver % workers.length)
      const then = spreadHomes(left, some)
      assert.ok(left.filter((worker) => then.get(worker) !== homes.get(worker)).length < count)
    }),
    { numRuns: 200 },
  )
})
