/** The report of a period, in all formats. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../../src/core/events.ts'
import type { Dispatch, DispatchState } from '../../src/core/lifecycle.ts'
import type { ChangeToEnd } from '../../src/core/ledger/changes.ts'
import type { Span } from '../../src/core/span.ts'
import type { Sprint } from '../../src/core/sprint.ts'
import { reportContent } from '../../src/decide/notify-text.ts'
import { periodReport, type ReportFacts } from '../../src/decide/period-report.ts'
import { reportDocument } from '../../src/decide/report-document.ts'
import { reportHtml } from '../../src/decide/report-html.ts'
import { reportMarkdown, reportText } from '../../src/decide/report-text.ts'
import { completeHealth } from '../../src/spec/complete-observation.ts'
import { because } from '../support/reasons.ts'
import { fleetOf } from '../simulate/storm.ts'

const hour = 3_600_000
const since = Date.UTC(2026, 10, 26, 20)
const until = since + 10 * hour
const workers = fleetOf(1, 2).machines.flatMap(({ windows }) => windows.flatMap((window) => window.workers))
const [ann, ben] = workers.map(({ id }) => id) as [string, string]
const hostile = '</script><img src=x onerror=alert(1)> \u001b[31m`@all` | [x](javascript:1)'

function dispatchOf(id: string, state: DispatchState, changes: Partial<Dispatch> = {}): Dispatch {
  const texts = {
    reason: because('x'),
    state_reason: because('x'),
    comment_id: null,
    comment_state: null,
    incarnation: null,
    change_url: null,
  }
  const times = { claimed_at: since + hour, handed_at: since + hour, changed_at: since + 2 * hour }
  return { id, kind: 'work', issue: `o/a#${id}`, worker: ann, slot: 0, state, attempt: 1, ...texts, ...times, ...changes }
}
let seq = 0
function eventOf(id: string, state: DispatchState, at: number): Event {
  const about = { cursor: '', seq: seq++, subject: id, issue: `o/a#${id}`, worker: ann, actor: 'burn' as const }
  return { ...about, at, kind: `dispatch.${state}`, payload: { reason: because(`why ${state}`) } }
}
type Alarm = 'worker.waiting' | 'worker.error' | 'dispatcher.silent'
function alarmOf(kind: Alarm, subject: string, at: number, detail: string | null, evidence: string): Event {
  const about = { cursor: '', seq: seq++, subject, issue: null, worker: kind.startsWith('worker') ? subject : null, actor: 'burn' as const }
  return { ...about, at, kind, payload: { since: at, detail, evidence } }
}
function spanOf(subject: string, state: string, from: number, to: number | null, changes: Partial<Span> = {}): Span {
  const about = {
    kind: 'worker' as const,
    machine: 'm1',
    detail: null,
    issue: null,
    incarnation: null,
    evidence: 'evidence',
    reported: null,
  }
  return { subject, state, ...about, began_at: from, seen_at: to ?? until, ended_at: to, ...changes }
}
const sumOf = (cost: number | null) => {
  const sums = { calls: 1, input: 1500, cache_read: null, cache_write: null, output: 500, reasoning: null }
  return { ...sums, cost, subscription_cost: 7, unpriced_tokens: cost === null ? 2000 : 0 }
}
function usageOf(cost: number | null): ReportFacts['usage'] {
  const by = [
    { key: 'opus', ...sumOf(cost) },
    { key: null, ...sumOf(null) },
  ]
  const costs = { by_model: by, by_lane: [], by_issue: by, total: sumOf(cost), issue_costs: new Map([['o/a#1', 1.5]]) }
  return { since, unread: 1, unrecorded: 0, without_tokens: 2, costs }
}

function reviewOf(issue: string, watched: Pick<NonNullable<ChangeToEnd['watched']>, 'stage' | 'reason'> | null): ChangeToEnd {
  const about = { id: issue, issue, changed_at: since, state_reason: because('x'), change_url: 'u' }
  return { ...about, watched: watched === null ? null : { ...watched, staged_at: since } }
}

const dispatches = [
  dispatchOf('1', 'done', { change_url: 'https://forge.example/o/a/pulls/9' }),
  dispatchOf('2', 'failed', { worker: ben }),
  dispatchOf('3', 'review', { change_url: null }),
  dispatchOf('4', 'handed', { claimed_at: since - hour }),
  dispatchOf('5', 'lost', { claimed_at: since - hour }),
  dispatchOf('6', 'released'),
]
const spent = { code: 'budget_spent', scope: 'account', name: 'max', issue: null, unit: 'usd', spent: 9, allowed: 8 } as const
const facts: ReportFacts = {
  fleet: 'night',
  since,
  until,
  health: {
    now: until,
    settings: completeHealth({}),
    interval: 300_000,
    workers,
    held: new Set(),
    spans: [],
    measures: [],
    repos: [],
    queued: new Map(),
    attempts: [{ issue: 'o/a#2', attempts: 3 }],
    max_attempts: 3,
    last_change: null,
    last_commit: null,
    limited: [],
    sprints: [],
    tokens: new Map(),
    ledger_bytes: 0,
  },
  events: [
    ...['1', '2', '3', '6'].map((id) => eventOf(id, 'claimed', since + hour)),
    eventOf('1', 'review', since + 2 * hour),
    eventOf('1', 'done', since + 3 * hour),
    eventOf('2', 'failed', since + 3 * hour),
    eventOf('3', 'review', since + 3 * hour),
    eventOf('5', 'lost', since + 3 * hour),
    ...[2, 4].map((hours): Event => {
      const reason = { code: 'review_asks', by: ['mia'], threads: hours } as const
      const payload = { change: 'o/a!9', stage: 'needs_work', reason } as const
      return { ...eventOf('3', 'review', since + hours * hour), kind: 'change.stage', payload }
    }),
    eventOf('6', 'released', since + 3 * hour),
    alarmOf('worker.waiting', ann, since + 2 * hour, null, 'Allow ls?'),
    alarmOf('worker.waiting', ann, since + 4 * hour, null, 'Allow rm -rf?'),
    alarmOf('worker.error', ben, since + 5 * hour, 'auth', 'HTTP 401'),
    alarmOf('dispatcher.silent', 'box:1', since + 6 * hour, null, 'no cycle since 20:00'),
    {
      ...eventOf('9', 'done', since + 7 * hour),
      kind: 'account.held',
      subject: 'max',
      issue: null,
      worker: null,
      payload: { reason: spent, until: null },
    },
  ],
  dispatches: new Map(dispatches.map((each) => [each.id, each])),
  spans: [
    spanOf(ann, 'working', since - hour, since + 4 * hour),
    spanOf(ann, 'waiting', since + 4 * hour, null, { reported: 'worker.waiting', issue: 'o/a#4', evidence: 'Allow rm -rf?' }),
    spanOf(ben, 'idle', since, since + 5 * hour),
    spanOf(ben, 'error', since + 5 * hour, since + 6 * hour, { reported: 'worker.error', detail: 'auth', evidence: 'HTTP 401' }),
    spanOf('m1 cron backup', 'missed', since + hour, null, { kind: 'job', evidence: 'due at 21:00' }),
  ],
  measures: [
    { subject: 'repo o/a', at: since + hour, period: 0, numbers: { ready: 2 } },
    { subject: 'repo o/a', at: since + 3 * hour, period: 0, numbers: { ready: 0 } },
    ...[50, 5, 4, 50].map((disk_free, index) => ({
      subject: 'machine m1',
      at: since + index * hour,
      period: 0,
      numbers: { disk_total: 100, disk_free },
    })),
  ],
  sprints: [{ id: '6', failure: 'check_red', failure_text: '2 tests failed' } as Sprint],
  workers: workers.map((worker) => ({ ...worker, repos: ['o/a'] })),
  titles: new Map(dispatches.map(({ issue }) => [issue, hostile])),
  needs: {
    reviews: [
      reviewOf('o/a#3', { stage: 'escalated', reason: because('no rounds left') }),
      reviewOf('o/a#8', { stage: 'watched', reason: { code: 'checks_not_green', is: 'pending', checks: ['unit'] } }),
      { ...reviewOf('o/a#3', null), id: '3', change_url: null },
    ],
    over_budget: [{ issue: 'o/a#9', url: 'u', since, reason: because('too many tokens') }],
    logins: [],
  },
  usage: usageOf(2),
  trend: { last: { claimed: 9, done: 4 }, before: { claimed: 3 } },
  pruned_before: null,
  waiting: { issue: 'o/a#7', since: since - 48 * hour },
}

test('periodReport: counts every dispatch once, and the counts agree', () => {
  const { counts, done, oldest } = periodReport(facts)
  assert.deepEqual(counts, { before: 2, claimed: 4, done: 1, failed: 1, lost: 1, released: 1, now: 2, balanced: true })
  assert.deepEqual(
    [done.merged.map(({ issue, cost }) => [issue, cost]), done.opened.map(({ issue }) => issue)],
    [[['o/a#1', 1.5]], ['o/a#1', 'o/a#3']],
  )
  assert.deepEqual([oldest.change?.issue, oldest.waiting?.issue], ['o/a#3', 'o/a#7'])
})

test('periodReport: a reviewed change counts once, with its last review', () => {
  const report = periodReport(facts)
  assert.deepEqual(
    report.done.reviewed.map(({ issue, review }) => `${issue}: ${review}`),
    ['o/a#3: mia asked for changes (4 open threads)'],
  )
  const text = reportText(reportDocument(report))
  assert.match(text, /2 changes opened for review, 1 reviewed\n {2}REPO  DONE  OPENED  REVIEWED\n/)
  assert.match(text, /reviewed: 1\n[^]*mia asked for changes \(4 open threads\), 2026-11-27 00:00 by/)
  const approval: Event = { ...eventOf('3', 'review', until), kind: 'change.approved', payload: { change: 'o/a!9', by: 'ann' } }
  const { reviewed } = periodReport({ ...facts, events: [...facts.events, approval] }).done
  assert.deepEqual([reviewed.length, reviewed[0]?.review, reviewed[0]?.at], [1, 'ann approved the change', until])
})

test('periodReport: an open question needs you once', () => {
  const spans = facts.spans.map((span) => ({ ...span, seen_at: until }))
  const { needs_you } = periodReport({ ...facts, spans, health: { ...facts.health, spans } })
  assert.deepEqual(
    needs_you.filter(({ kind, subject }) => kind === 'question' || subject === 'questions').map(({ kind, subject }) => [kind, subject]),
    [['question', `${ann} (o/a#4)`]],
  )
})

test('periodReport: needs you, and what went wrong, have evidence', () => {
  const { needs_you, went_wrong, jobs } = periodReport(facts)
  assert.deepEqual(
    needs_you.map(({ kind, subject, remedy }) => [kind, subject, remedy]),
    [
      ['question', `${ann} (o/a#4)`, 'burn answer W1'],
      ['issue', 'o/a#9', 'close the issue, or remove its label over-budget to allow more attempts'],
      ['change', 'o/a#3', 'burn explain o/a#3'],
      ['health', 'attempts', 'run burn explain o/a#2'],
      ['kept change', 'o/a#3', 'burn sprint publish 3'],
    ],
  )
  const titled = needs_you.filter(({ title }) => title !== '')
  assert.deepEqual(
    [...new Set(titled.map(({ kind, subject, title }) => `${kind} ${subject}: ${title}`))],
    [`change o/a#3: ${hostile}`, `kept change o/a#3: ${hostile}`],
  )
  assert.deepEqual(
    went_wrong.map((each) => [each.class, each.items.map(({ subject, evidence }) => `${subject}: ${evidence}`)]),
    [
      ['agent: auth', [`${ben}: HTTP 401`]],
      ['agent: waited for an answer', [`${ann}: Allow ls?`]],
      ['budget used up', ['max: account max has used 9.00 of 8.00 USD today (budget)']],
      ['dispatcher silent', ['box:1: no cycle since 20:00']],
      ['issue failed', ['o/a#2: why failed']],
      ['issue lost', ['o/a#5: why lost']],
      ['machine: disk', ['m1: m1: 5 % free']],
      ['sprint: check red', ['o/a#6: 2 tests failed']],
    ],
  )
  assert.deepEqual(
    jobs.map(({ job, state }) => [job, state]),
    [['m1 cron backup', 'missed']],
  )
})

test('periodReport: gives the time of each worker in each state', () => {
  const [first, second] = periodReport(facts).workers
  assert.deepEqual([first?.opened, first?.done, second?.failed], [2, 1, 1])
  assert.deepEqual(first?.states, { working: 4 * hour, waiting: 6 * hour, unobserved: 0 })
  assert.equal(first?.utilisation, 0.4)
  assert.deepEqual(second?.states, { idle: 5 * hour, error: hour, unobserved: 4 * hour })
  assert.equal(second?.idle_while_ready, 2 * hour)
  const away = facts.spans.map((span) => ({ ...span, state: span.state === 'working' ? span.state : 'unreachable' }))
  const shares = periodReport({ ...facts, spans: away }).workers.map(({ utilisation }) => utilisation)
  assert.deepEqual(shares, [1, null], 'an unreachable worker may be at work')
})

test('periodReport: a cost per merged change needs all prices', () => {
  const merged = { ...eventOf('1', 'done', since + 3 * hour), payload: { reason: { code: 'change_merged' } } } as Event
  const costsOf = (cost: number | null, events: readonly Event[]) => periodReport({ ...facts, usage: usageOf(cost), events }).costs
  assert.equal(costsOf(2, [merged])?.per_merged, 2)
  assert.equal(costsOf(2, [eventOf('1', 'done', since + 3 * hour)])?.per_merged, null)
  assert.equal(costsOf(null, [merged])?.per_merged, null)
  assert.equal(periodReport({ ...facts, usage: { ...facts.usage, costs: null } }).costs, null)
})

test('report: the cost section leaves unknown costs blank', () => {
  const text = reportText(reportDocument(periodReport({ ...facts, usage: usageOf(null) })))
  const [, section = ''] = /\nCOST\n([^]*?)\n\n/.exec(text) ?? []
  assert.match(
    section,
    /^ {2}2\.0 k tokens since 2026-11-26 20:00\. \$7\.00 at list price is paid by\n {2}subscriptions\. The price of 2\.0 k tokens is unknown\.\n/,
  )
  // The column USD is blank in all rows, so it is left out.
  assert.match(section, /\n {2}MODEL +TOKENS +PLAN USD +UNPRICED\n {2}opus +2\.0 k +\$7\.00 +2\.0 k\n {2}- +2\.0 k/)
  assert.match(section, /1 record could not be read, so tokens are missing\.\n {2}2 workers got issues, but/)
})

test('periodReport: an empty ledger gives a report', () => {
  const nothing = { ...facts, events: [], dispatches: new Map(), spans: [], measures: [], sprints: [], workers: [], waiting: null }
  const text = reportText(reportDocument(periodReport(nothing)))
  assert.match(text, /0 under way before \+ 0 claimed = 0 done/)
  // Without samples, burn does not say that all is well.
  const unobserved = reportText(reportDocument(periodReport({ ...nothing, workers: facts.workers })))
  assert.match(unobserved, /NEEDS YOU\n[^]*WENT WRONG\n {2}No issue failed\. No sample covers the period[^]*JOBS\n {2}No sample covers/)
})

test('report: a pruned ledger makes counts unknown, not 0', () => {
  const textOf = (days: number) => reportText(reportDocument(periodReport({ ...facts, pruned_before: until - days * 24 * hour })))
  assert.match(textOf(20), /\nTREND\n +LAST 7 DAYS +7 DAYS BEFORE\n {2}claimed +9 +3\n/)
  assert.match(textOf(10), /\nTREND\n +LAST 7 DAYS\n {2}claimed +9\n[^]*\n {2}The ledger has only a part of the history before 2026-11-/)
  assert.match(textOf(1 / 24), /\nTREND\n {2}The ledger has only a part[^]*\nCOUNTS\n[^]*The ledger\n? *has only a part/)
})

test('reports: no format lets foreign text do anything', () => {
  const document = reportDocument(periodReport(facts))
  const [text, markdown, html] = [reportText(document), reportMarkdown(document), reportHtml(document)]
  for (const format of [text, markdown, html]) assert.doesNotMatch(format, /\u001b/)
  for (const line of text.split('\n')) assert.ok(Array.from(line).length <= 80, line)
  assert.match(text, /https:\/\/forge\.example\/o\/a\/pulls\/9/)
  assert.doesNotMatch(html, /<script|<img|onerror=[^&]*>/)
  assert.doesNotMatch(reportContent(periodReport(facts)).text, /@all|<img|\]\(javascript/)
  assert.match(html, /Content-Security-Policy" content="default-src 'none'/)
  assert.doesNotMatch(markdown, /(?<!\\)[`@<]|\]\(javascript/)
})
