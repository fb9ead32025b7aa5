/** Decisions about logins: states, attempts to renew them, reports, warnings before a night, and shared logins. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AgentLogins, FoundLogin, Login } from '../../src/core/login.ts'
import {
  afterAttempt,
  afterReading,
  loginReports,
  noMemory,
  refreshOutcome,
  refreshStep,
  type LoginMemory,
} from '../../src/decide/login-refresh.ts'
import { finalEnd, loginState, sharedLogins } from '../../src/decide/logins.ts'

const minute = 60_000
const hour = 60 * minute
const now = Date.UTC(2026, 5, 1, 12)

const found: FoundLogin = {
  provider: 'nous',
  account: null,
  kind: 'oauth',
  ends_at: now + hour,
  renewable: true,
  renewable_until: null,
  refused: false,
  stamp: 's',
}

function loginOf(more: Partial<Login> = {}): Login {
  const { refused: _, kind: __, ...rest } = found
  const about = { id: 'm ~/.hermes/auth.json nous', machine: 'm', agent: 'hermes', file: '~/.hermes/auth.json', why: '', store: '/h' }
  return { ...rest, ...about, state: 'valid', renewed_by: 'burn', workers: ['m/W/A'], ...more }
}

test('loginState: tells renewable logins from ended ones', () => {
  const state = (more: Partial<FoundLogin>) => loginState({ ...found, ...more }, now, 2 * minute)
  assert.equal(state({}), 'valid')
  assert.equal(state({ ends_at: now + 2 * minute }), 'due')
  assert.equal(state({ ends_at: now + 2 * minute, renewable: false }), 'valid')
  assert.equal(state({ ends_at: now }), 'expired')
  assert.equal(state({ ends_at: now, renewable: false }), 'ended')
  assert.equal(state({ ends_at: now, renewable_until: now }), 'ended')
  assert.equal(state({ ends_at: now, renewable_until: now + 1 }), 'expired')
  assert.equal(state({ refused: true, ends_at: null }), 'refused')
  assert.equal(state({ kind: 'key', ends_at: null }), 'key')
  assert.equal(state({ ends_at: null }), 'unknown')
})

test('refreshStep: renews only due logins', () => {
  const step = (more: Partial<Login>) => {
    const decided = refreshStep(loginOf(more), noMemory, now)
    return decided.do === 'nothing' ? decided.why : decided.do
  }
  assert.equal(step({}), 'not_due')
  assert.equal(step({ state: 'due' }), 'renew')
  assert.equal(step({ state: 'expired' }), 'renew')
  assert.equal(step({ state: 'expired', renewed_by: 'agent' }), 'not_by_burn')
  assert.equal(step({ state: 'unknown' }), 'unknown')
  assert.equal(step({ state: 'refused', renewed_by: null }), 'needs_person')
  assert.equal(step({ state: 'ended', renewed_by: null }), 'needs_person')
})

test('refreshStep: waits a minute, and longer after each failure', () => {
  const login = loginOf({ state: 'expired' })
  const waits = [0, 1, 2, 5, 20].map((failures) => {
    const step = refreshStep(login, { ...noMemory, tried_at: now, failures }, now + 59_999)
    return step.do === 'wait' ? (step.until - now) / minute : null
  })
  assert.deepEqual(waits, [1, 1, 2, 16, 30])
  assert.equal(refreshStep(login, { ...noMemory, tried_at: now, failures: 1 }, now + minute).do, 'renew')
})

test('refreshOutcome: compares the file before and after', () => {
  const before = loginOf({ state: 'due', ends_at: now })
  assert.equal(refreshOutcome(before, loginOf({ ends_at: now + 1 })), 'renewed')
  assert.equal(refreshOutcome(before, before), 'kept')
  assert.equal(refreshOutcome(before, loginOf({ state: 'refused', ends_at: null, renewable: false })), 'refused')
  assert.equal(refreshOutcome(before, loginOf({ state: 'unknown', ends_at: null })), 'unknown')
  assert.equal(refreshOutcome(before, loginOf({ renewable: false, ends_at: now + 1 })), 'refused')
  assert.deepEqual([afterAttempt(noMemory, 'kept').failures, afterAttempt({ ...noMemory, failures: 3 }, 'renewed').failures], [1, 0])
})

const settings = { night: { from: 20 * 60, to: 8 * 60 }, zone: 'UTC' }

/** Returns the reports of one run, and the memory after it. */
function reported(login: Login, memory: LoginMemory, at = now): [string[], LoginMemory] {
  const { reports, memories } = loginReports([login], new Map([[login.id, memory]]), settings, at)
  return [reports.map(({ kind }) => kind.slice('login.'.length)), memories.get(login.id) ?? noMemory]
}

test('loginReports: reports each trouble and its end once', () => {
  const refused = loginOf({ state: 'refused', renewed_by: null, ends_at: null })
  const [first, told] = reported(refused, noMemory)
  assert.deepEqual(first, ['ended'])
  assert.deepEqual(reported(refused, told)[0], [])
  // burn could not read the file once: nothing is known to have changed.
  const [silent, kept] = reported(loginOf({ state: 'unknown', renewed_by: null }), told)
  assert.deepEqual([silent, kept.reported], [[], 'login.ended'])
  assert.deepEqual(reported(loginOf(), kept)[0], ['restored'])
  const expired = loginOf({ state: 'expired', ends_at: now - hour })
  assert.deepEqual(reported(expired, { ...noMemory, failures: 2 })[0], [])
  const [failing, after] = reported(expired, { ...noMemory, failures: 3 })
  assert.deepEqual(failing, ['failing'])
  assert.deepEqual(reported(refused, after)[0], ['ended'])
})

test('loginReports: warns once before a night of logins that nothing renews', () => {
  const at = (time: number) => Date.UTC(2026, 5, 1, time)
  const ending = loginOf({ ends_at: at(31), renewed_by: null, renewable: false })
  assert.deepEqual(reported(ending, noMemory, at(20) - 1)[0], [])
  const [first, warned] = reported(ending, noMemory, at(20))
  assert.deepEqual(first, ['ending'])
  assert.deepEqual(reported(ending, warned, at(23))[0], [])
  // burn did not run at 20:00.
  assert.deepEqual(reported(ending, noMemory, at(29))[0], ['ending'])
  const next = loginOf({ ends_at: at(50), renewed_by: null, renewable: false })
  assert.deepEqual(reported(next, warned, at(44))[0], ['ending'])
  const others = [
    loginOf({ ends_at: at(32), renewed_by: null, renewable: false }),
    loginOf({ ends_at: at(21) }),
    loginOf({ ends_at: at(21), renewed_by: 'agent' }),
    loginOf({ state: 'key', ends_at: null, renewed_by: null, renewable: false }),
    loginOf({ ends_at: at(31), renewed_by: null, renewable: false, workers: [] }),
  ]
  for (const login of others) assert.deepEqual(reported(login, noMemory, at(20))[0], [])
  assert.deepEqual(reported(loginOf({ ends_at: at(21), renewable_until: at(30) }), noMemory, at(20))[0], ['ending'])
  assert.equal(finalEnd(loginOf({ ends_at: at(21), renewable_until: at(30) }), at(20)), at(30))
})

test('loginReports: a renewal ends the warning before the night', () => {
  const at = (time: number) => Date.UTC(2026, 5, 1, time)
  const until = (ends_at: number) => loginOf({ ends_at, renewed_by: null, renewable: false })
  const [, warned] = reported(until(at(31)), noMemory, at(20))
  assert.deepEqual(reported(loginOf({ state: 'unknown', ends_at: null, renewed_by: null }), warned, at(21))[0], [])
  const [restored, after] = reported(until(at(80)), warned, at(21))
  assert.deepEqual([restored, reported(until(at(80)), after, at(22))[0]], [['restored'], []])
  assert.deepEqual(reported(loginOf({ state: 'key', ends_at: null, renewed_by: null }), warned, at(21))[0], ['restored'])
  // The later end is in the same night, so the warning must tell it.
  const [again, later] = reported(until(at(31) + hour / 2), warned, at(21))
  assert.deepEqual([again, reported(until(at(31) + hour / 2), later, at(22))[0]], [['ending'], []])
  assert.deepEqual(reported(loginOf({ state: 'refused', ends_at: null, renewed_by: null }), warned, at(31) + hour / 2)[0], ['ended'])
})

test('loginReports: keeps the memories of unreadable files', () => {
  const known = new Map([['m ~/.hermes/auth.json nous', { ...noMemory, tried_at: now }]])
  const { memories } = loginReports([loginOf({ id: 'm ~/.hermes/auth.json', state: 'unknown' })], known, settings, now)
  assert.equal(memories.get('m ~/.hermes/auth.json nous')?.tried_at, now)
})

test('afterReading: a copy stays a copy until its stamp changes', () => {
  const [one, two] = [loginOf({ stamp: 'a' }), loginOf({ stamp: 'a', store: 'n', id: 'n' })]
  const first = afterReading(one, noMemory, [])
  assert.equal(first.copied, false)
  const second = afterReading(two, noMemory, [first])
  assert.equal(second.copied, true)
  // The first place renews its login, so the tokens of the copy are spent.
  const renewed = afterReading(loginOf({ stamp: 'b' }), first, [])
  assert.deepEqual([renewed.copied, renewed.stamps], [false, ['b', 'a']])
  assert.equal(afterReading(two, second, [renewed]).copied, true)
  assert.equal(afterReading(two, noMemory, [renewed]).copied, true)
  assert.equal(afterReading(loginOf({ stamp: 'c', store: 'n' }), second, [renewed]).copied, false)
  // Files of one store, such as the profiles of Hermes, keep their tokens equal.
  assert.equal(afterReading(loginOf({ stamp: 'a', id: 'profile' }), noMemory, [first]).copied, false)
  assert.equal(afterReading(loginOf({ stamp: 'a', store: 'n', provider: 'x' }), noMemory, [first]).copied, false)
  // Two machines of the spec are one computer: an attempt on one of them counts for both.
  assert.equal(afterReading(loginOf({ stamp: 'a', machine: 'n' }), noMemory, [{ ...first, tried_at: 5 }]).tried_at, 5)
  const step = refreshStep(loginOf({ state: 'expired' }), { ...noMemory, copied: true }, now)
  assert.deepEqual(step, { do: 'nothing', why: 'copied' })
})

test('loginReports: uses the time zone for the night', () => {
  const login = loginOf({ ends_at: Date.UTC(2026, 5, 1, 22), renewed_by: null, renewable: false })
  const inBerlin = (time: number) =>
    loginReports([login], new Map(), { ...settings, zone: 'Europe/Berlin' }, Date.UTC(2026, 5, 1, time)).reports.length
  assert.deepEqual([inBerlin(17), inBerlin(18)], [0, 1])
})

test('sharedLogins: names workers of one file, and copies of one login', () => {
  const kind = (shared_risk: string | null, copied_risk: string | null): AgentLogins => ({
    places: () => [],
    read: () => [],
    log_in: '',
    shared_risk,
    copied_risk,
  })
  const kinds = new Map([
    ['hermes', kind(null, 'copies')],
    ['claude', kind('races', 'copies')],
  ])
  const one = loginOf({ workers: ['m/W/A', 'm/W/B'] })
  assert.deepEqual(sharedLogins([one], kinds), [{ logins: [one.id], workers: ['m/W/A', 'm/W/B'], risk: null }])
  const claude = loginOf({ agent: 'claude', id: 'c', workers: ['m/W/A', 'm/W/B'] })
  assert.deepEqual(
    sharedLogins([claude], kinds).map(({ risk }) => risk),
    ['races'],
  )
  const profile = loginOf({ id: 'profile', workers: ['m/W/B'] })
  assert.deepEqual(sharedLogins([loginOf(), profile], kinds), [])
  const copy = loginOf({ id: 'copy', machine: 'n', store: 'n', workers: ['n/W/C'] })
  assert.deepEqual(sharedLogins([loginOf(), copy], kinds), [
    { logins: [loginOf().id, 'copy'], workers: ['m/W/A', 'n/W/C'], risk: 'copies' },
  ])
  assert.deepEqual(sharedLogins([loginOf(), { ...copy, stamp: 'later' }], kinds), [])
})
