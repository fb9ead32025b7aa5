import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hold } from '../../src/core/ledger/holds.ts'
import type { Reason } from '../../src/core/reasons.ts'
import type { ProvisionRecord } from '../../src/core/provision.ts'
import { lifeSteps } from '../../src/core/lifecycle.ts'
import { lastSign, lifeOf, type LifeFacts } from '../../src/decide/worker-life.ts'

const hour = 3_600_000
const now = 100 * hour

/** A worker that the spec has, and nothing else. */
const declared: LifeFacts = {
  reading: { state: 'dead', detail: null, evidence: 'the worker has no pane' },
  has_pane: false,
  has_agent: false,
  started_at: null,
  provision: null,
  holds: [],
  under_way: [],
  last_sign: null,
  silent_after: 24 * hour,
  now,
}

const ready: ProvisionRecord = { at: 10, steps: [{ step: 'folder', state: 'made', what: '/w/ANN', remedy: '' }] }
const broken: ProvisionRecord = {
  at: 11,
  steps: [{ step: 'login', state: 'failed', what: 'nobody is logged in', remedy: 'claude auth login' }],
}
const deployed: LifeFacts = {
  ...declared,
  reading: { state: 'idle', detail: null, evidence: 'the composer is empty' },
  has_pane: true,
  has_agent: true,
  started_at: 20,
  provision: ready,
}
const work = { worker: 'm/W/ANN', issue: 'o/r#1', what: 'has o/r#1', remedy: null }
const busy: LifeFacts = { ...deployed, under_way: [work], last_sign: { kind: 'hook', at: now - hour } }
const holdOf = (code: Hold['code'], reason: Reason = { code: 'prose', text: 'reboot' }): Hold[] => [
  { scope: 'worker', name: 'm/W/ANN', code, reason, until: null, actor: 'ann', created_at: 30 },
]
const retiring = holdOf('retire', { code: 'retiring', why: 'by ann' })
const retired = holdOf('retire', { code: 'retired', why: 'by ann' })
const withoutPane = { has_pane: false, has_agent: false }

test('a life: lifeSteps has each step of a story', () => {
  const story: [facts: LifeFacts, life: keyof typeof lifeSteps, since: number | null, evidence: RegExp][] = [
    [declared, 'declared', null, /has no pane/],
    [{ ...declared, provision: broken }, 'declared', 11, /^nobody is logged in$/],
    [{ ...declared, provision: ready }, 'provisioned', 10, /has no pane/],
    [deployed, 'deployed', 20, /composer is empty/],
    [{ ...deployed, holds: holdOf('person') }, 'held', 30, /^held: reboot$/],
    [{ ...busy, holds: holdOf('drain') }, 'draining', 30, /^held: reboot; m\/W\/ANN has o\/r#1$/],
    [{ ...deployed, holds: holdOf('drain') }, 'held', 30, /reboot/],
    [busy, 'deployed', 20, /./],
    [{ ...busy, last_sign: { kind: 'usage', at: now - 25 * hour } }, 'silent', now - 25 * hour, /no sign of life for 25 h .*tokens/],
    [busy, 'deployed', 20, /./],
    [{ ...deployed, has_agent: false, reading: declared.reading }, 'provisioned', 10, /./],
    [deployed, 'deployed', 20, /./],
    [{ ...busy, holds: retiring }, 'retiring', 30, /^the worker is retiring: by ann; m\/W\/ANN has o\/r#1$/],
    [{ ...deployed, holds: retiring }, 'retiring', 30, /nothing is under way/],
    [{ ...deployed, ...withoutPane, holds: retiring }, 'retiring', 30, /its pane has ended/],
    [{ ...deployed, ...withoutPane, holds: retired }, 'retired', 30, /^the worker is retired: by ann$/],
    [{ ...declared, provision: ready }, 'provisioned', 10, /./],
    [{ ...declared, reading: null }, 'retired', null, /the spec no longer has the worker/],
  ]
  let before: keyof typeof lifeSteps = 'declared'
  for (const [facts, life, since, evidence] of story) {
    const found = lifeOf(facts)
    assert.deepEqual([found.life, found.since], [life, since])
    assert.match(found.evidence, evidence)
    assert.ok(life === before || lifeSteps[before].some(({ to }) => to === life), `${before} → ${life}`)
    before = life
  }
})

test('a life: an unreachable machine proves nothing', () => {
  const away = { has_pane: null, has_agent: false }
  assert.equal(lifeOf({ ...deployed, ...away }).life, 'deployed')
  assert.equal(lifeOf({ ...declared, ...away }).life, 'declared')
  assert.equal(lifeOf({ ...deployed, ...away, holds: retiring }).life, 'retiring')
  assert.match(lifeOf({ ...deployed, ...away, holds: retired }).evidence, /retired.*cannot see/)
})

test('a life: retires and ends after the worker leaves the spec', () => {
  const life = (facts: Partial<LifeFacts>) => lifeOf({ ...deployed, reading: null, ...facts }).life
  assert.equal(life({}), 'retiring')
  assert.equal(life({ ...withoutPane, under_way: [work] }), 'retiring')
  assert.equal(life(withoutPane), 'retired')
})

test('a life: a worker without work is never silent', () => {
  assert.equal(lifeOf({ ...deployed, last_sign: { kind: 'reading', at: 0 } }).life, 'deployed')
  assert.equal(lifeOf({ ...busy, last_sign: null }).life, 'deployed')
  assert.equal(lifeOf({ ...busy, silent_after: hour }).life, 'silent')
  assert.deepEqual(
    lastSign([
      { kind: 'hook', at: 5 },
      { kind: 'commit', at: 7 },
      { kind: 'usage', at: 6 },
    ]),
    { kind: 'commit', at: 7 },
  )
})
