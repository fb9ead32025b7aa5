import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import type { Event } from '../../src/core/events.ts'
import type { DelegationMove } from '../../src/core/ledger/delegations.ts'
import type { HoldScope } from '../../src/core/nouns.ts'
import type { SpanKind } from '../../src/core/span.ts'
import { keysOf } from '../../src/core/json.ts'
import { deliveryTransitions, dispatchTransitions } from '../../src/core/lifecycle.ts'
import { eventKinds, eventText } from '../../src/decide/event-kinds.ts'

const src = resolve(import.meta.dirname, '../../src')

test('events: each kind has a meaning, and words for its payload', () => {
  for (const [kind, { meaning, payload }] of Object.entries(eventKinds)) {
    assert.match(meaning, /^\S.*\.$/, kind)
    const example = (field: string) =>
      field === 'reason'
        ? { code: 'draft' }
        : /until|before|after|since|_at|ms|presses|bytes|token|priority/.test(field)
          ? 60_000
          : `the ${field}`
    const given = Object.fromEntries(Object.keys(payload).map((field) => [field, example(field)]))
    const text = eventText({ kind, payload: given } as unknown as Event)
    assert.doesNotMatch(text, /undefined|\[object|NaN/, kind)
    if (Object.keys(payload).length > 0) assert.notEqual(text, '', kind)
  }
})

test('events: the source writes each kind of the table', () => {
  const table = [join(src, 'core/events.ts'), join(src, 'decide/event-kinds.ts'), join(src, 'decide/notice-kinds.ts')]
  const sources = globSync('**/*.ts', { cwd: src }).map((file) => join(src, file))
  const text = sources
    .filter((file) => !table.includes(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  // The source builds these kinds from a state or a scope: `dispatch.${state}`, `delivery.${state}`, `${scope}.held`, `${kind}.cleared`.
  const delegation = { assigned: 0, started: 0, closed: 0, changed: 0, expired: 0, refused: 0 } satisfies Record<DelegationMove['to'], 0>
  const states = { dispatch: keysOf(dispatchTransitions), delivery: keysOf(deliveryTransitions), delegation: keysOf(delegation) }
  const scopes = Object.keys({ worker: 0, lane: 0, machine: 0, repo: 0, account: 0, fleet: 0 } satisfies Record<HoldScope, 0>)
  const built = new Set([
    ...Object.entries(states).flatMap(([life, each]) => each.map((state) => `${life}.${state}`)),
    ...Object.keys({ worker: 0, machine: 0, dispatcher: 0, job: 0, drift: 0 } satisfies Record<SpanKind, 0>).map(
      (kind) => `${kind}.cleared`,
    ),
    ...scopes.flatMap((scope) => [`${scope}.held`, `${scope}.resumed`]),
  ])
  for (const kind of Object.keys(eventKinds)) if (!built.has(kind)) assert.ok(text.includes(`'${kind}'`), `no source file writes ${kind}`)
})

test('events: a stored notice names the kind of its subject', () => {
  for (const [kind, { level, fleeting, subject }] of Object.entries<{ level?: string; fleeting?: true; subject?: string }>(eventKinds)) {
    const [first = ''] = kind.split('.')
    if (level !== undefined && fleeting !== true && ['issue', 'worker'].includes(first)) assert.equal(subject, first, kind)
  }
})

test('events: an ended state has its duration', () => {
  const textOf = (now: string | null, ms: number) =>
    eventText({ kind: 'worker.cleared', payload: { state: 'waiting', now, ms } } as unknown as Event)
  assert.equal(textOf('idle', 45_000), 'waiting for 45 s, now idle')
  assert.equal(textOf(null, 8 * 3_600_000), 'waiting for 8 h')
})

test('events: sentences of older and kinds of newer versions stay readable', () => {
  assert.equal(eventText({ kind: 'dispatch.done', payload: { prose: 'its change was merged' } }), 'its change was merged')
  assert.equal(eventText({ kind: 'moon.full', payload: { on: 1 } } as unknown as Event), '{"on":1}')
})
