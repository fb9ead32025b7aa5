import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Hold } from '../../src/core/ledger/holds.ts'
import { heldBy } from '../../src/decide/holds.ts'
import { said } from '../support/reasons.ts'

const hold = (scope: Hold['scope'], name: string, more: Partial<Hold> = {}): Hold => {
  const by = { code: 'person', reason: { code: 'prose', text: 'repairs' }, until: null, actor: 'ann', created_at: 1 } as const
  return { scope, name, ...by, ...more }
}

const accounts = [{ name: 'max', workers: ['mac/CRUCIBLE/AZOTH'] }]

test('holds: a worker reports the widest hold that covers it', () => {
  const worker = (...holds: readonly Hold[]) => said(heldBy(holds, 100, accounts).worker('mac/CRUCIBLE/AZOTH'))
  assert.equal(worker(), '')
  assert.equal(worker(hold('worker', 'mac/CRUCIBLE/AZOTH')), 'held: repairs')
  assert.equal(worker(hold('worker', 'mac/CRUCIBLE/AZOT'), hold('lane', 'mac/CRUC'), hold('machine', 'mac2')), '')
  assert.equal(worker(hold('lane', 'mac/CRUCIBLE'), hold('worker', 'mac/CRUCIBLE/AZOTH')), 'held: repairs (lane mac/CRUCIBLE)')
  assert.equal(worker(hold('machine', 'mac', { until: 3_600_000 })), 'held: repairs (machine mac, until 1970-01-01T01:00:00Z)')
  assert.equal(worker(hold('fleet', 'all'), hold('machine', 'mac')), 'held: repairs (the whole fleet)')
  assert.equal(worker(hold('account', 'max'), hold('lane', 'mac/CRUCIBLE')), 'held: repairs (account max)')
  assert.equal(worker(hold('account', 'other')), '')
  assert.equal(worker(hold('fleet', 'all', { until: 100 })), '', 'the hold has expired')
})

test('holds: ignores a repo back-off that outlasts the maximum', () => {
  const refused = (until: number) => hold('repo', 'o/r', { code: 'forge_refused', until, actor: 'burn' })
  const repo = (...holds: readonly Hold[]) => said(heldBy(holds, 100, accounts).repo('o/r'))
  assert.equal(repo(refused(3_600_000)), 'backed off until 1970-01-01T01:00:00Z: repairs')
  assert.equal(repo(refused(365 * 24 * 3_600_000)), '')
  assert.equal(repo(hold('repo', 'o/r', { until: 365 * 24 * 3_600_000 })), 'held: repairs (until 1971-01-01T00:00:00Z)')
  assert.equal(repo(hold('fleet', 'all')), 'held: repairs (the whole fleet)')
})
