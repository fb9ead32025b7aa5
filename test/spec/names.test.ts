import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { KnownWorker } from '../../src/spec/names.ts'
import { names, spreadHomes } from '../../src/spec/names.ts'
import { complete, specOf } from './specs.ts'

test('the registry is several hundred names of capital letters, each once', () => {
  assert.ok(names.length > 400)
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.match(name, /^[A-Z]+$/)
})

interface Plan {
  readonly panes: number
  readonly names: readonly string[]
}

function raise(windows: readonly Plan[], known: readonly KnownWorker[]): readonly KnownWorker[] {
  const written = windows.map((plan, index) => ({ name: `W${index}`, repos: ['app'], ...plan }))
  return complete(specOf(written), known).workers
}

const drawnIn = (workers: readonly KnownWorker[], window: number) =>
  workers.filter(({ id, drawn }) => drawn && id.startsWith(`box/W${window}/`)).map(({ id }) => id)

const plan = fc.record({ panes: fc.integer({ min: 3, max: 14 }), names: fc.subarray(['AZOTH', 'ONE', 'TWO']) })

test('a drawn name stays when neighbours go, come or are renamed', () => {
  fc.assert(
    fc.property(fc.array(plan, { minLength: 2, maxLength: 4 }), fc.array(plan, { minLength: 2, maxLength: 4 }), (before, after) => {
      const first = raise(before, [])
      const second = raise(after, first)
      assert.equal(new Set(second.map(({ id }) => id)).size, second.length)
      for (const [window] of after.entries()) {
        const [was, is] = [drawnIn(first, window), drawnIn(second, window)]
        // As many of the old ones as there is room for, the first drawn first; new ones only after them.
        assert.deepEqual(is.slice(0, was.length), was.slice(0, is.length))
      }
      assert.deepEqual(raise(after, [...first, ...second.filter(({ id }) => !first.some((one) => one.id === id))]), second)
    }),
    { numRuns: 100 },
  )
})

test('a drawn name that is written down stays the worker it is', () => {
  const first = raise([{ panes: 4, names: [] }], [])
  const third = (first[2]?.id ?? '').replace('box/W0/', '')
  const second = raise([{ panes: 4, names: [third] }], first)
  assert.deepEqual(new Set(second.map(({ id }) => id)), new Set(first.map(({ id }) => id)))
})

test('names are drawn the same on every machine that reads the spec, each once in the fleet, beyond the registry too', () => {
  const windows = [
    { panes: 500, names: [] },
    { panes: 500, names: ['AZOTH'] },
  ]
  const workers = raise(windows, [])
  assert.deepEqual(raise(windows, []), workers)
  assert.equal(new Set(workers.map(({ id }) => id.replace(/.*\//, ''))).size, 1000)
})

test('homes are spread evenly, and when one worker goes fewer others move than there are repos', () => {
  const repos = ['app', 'docs', 'site', 'tools']
  fc.assert(
    fc.property(fc.subarray(names.slice(0, 60), { minLength: 1 }), fc.integer({ min: 1, max: 4 }), fc.nat(), (workers, count, gone) => {
      const some = repos.slice(0, count)
      const homes = spreadHomes(workers, some)
      const sizes = some.map((repo) => workers.filter((worker) => homes.get(worker) === repo).length)
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1 && homes.size === workers.length)
      const left = workers.filter((_, index) => index !== gone % workers.length)
      const then = spreadHomes(left, some)
      assert.ok(left.filter((worker) => then.get(worker) !== homes.get(worker)).length < count)
    }),
    { numRuns: 200 },
  )
})
