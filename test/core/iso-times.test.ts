/** JSON output has one form of times. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { isTimeField, withIsoTimes } from '../../src/core/iso-times.ts'

test('times: each is ISO 8601, and counts stay numbers', () => {
  const at = Date.UTC(2026, 0, 31)
  const iso = '2026-01-31T00:00:00.000Z'
  const given = { at, events: [{ lease_until: at, before: 2, ms: at, ended_at: null }], since: 'then', to: 'review' }
  const events = [{ lease_until: iso, before: 2, ms: at, ended_at: null }]
  assert.deepEqual(withIsoTimes(given), { at: iso, events, since: 'then', to: 'review' })
})

/** Fields that no command prints. */
const inner = new Set(['near', 'lease', 'resumes'])

test('times: JSON output knows each field with a time', () => {
  const root = resolve(import.meta.dirname, '../../src')
  const sources = globSync('{core,observe,decide,operate}/**/*.ts', { cwd: root }).map((file) => readFileSync(resolve(root, file), 'utf8'))
  const names = sources.flatMap((text) => [...text.matchAll(/readonly (\w+)\??: Time\b/g)].map(([, name = '']) => name))
  assert.deepEqual([...new Set(names)].filter((name) => !isTimeField(name) && !inner.has(name)).toSorted(), [])
  assert.ok(names.length > 50)
})
