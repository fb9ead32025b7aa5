/** The troubles of a period that are no ends of dispatches: from the events that samples recorded, and from the measures of machines. */
import type { Event } from '../core/events.ts'
import type { HealthFacts } from '../core/health.ts'
import type { IssueRef, Time, WorkerId } from '../core/nouns.ts'
import type { Measure, Span } from '../core/span.ts'
import { sentence } from './wording.ts'
import { machineRules } from './health-machines.ts'

/** The kinds of events that report a trouble. */
export const troubleEvents = [
  'worker.waiting',
  'worker.error',
  'worker.dead',
  'worker.limited',
  'machine.unreachable',
  'dispatcher.silent',
  'repo.unread',
  'issue.over_budget',
  'lane.held',
  'account.held',
  'fleet.held',
] as const

/** A trouble, with the class under which the report lists it. */
export interface PeriodTrouble {
  readonly class: string
  readonly subject: IssueRef | string
  readonly worker: WorkerId | null
  readonly at: Time
  readonly evidence: string
}

interface TroubleFacts {
  readonly events: readonly Event[]
  readonly spans: readonly Span[]
  readonly measures: readonly Measure[]
  readonly health: HealthFacts
}

/** Returns the troubles. A question that is still open is none, because the report lists it among the needs of the fleet. */
export function troubles({ events, spans, measures, health }: TroubleFacts): PeriodTrouble[] {
  const asking = new Set(spans.flatMap(({ state, ended_at, subject }) => (state === 'waiting' && ended_at === null ? [subject] : [])))
  const last = new Map(events.filter(({ kind }) => kind === 'worker.waiting').map((event) => [event.subject, event]))
  const isOpenQuestion = (event: Event) => asking.has(event.subject) && last.get(event.subject) === event
  const reported = events.flatMap((event) => (isOpenQuestion(event) ? [] : fromEvent(event)))
  return [...reported, ...fromMeasures(measures, health)]
}

function fromEvent(event: Event): PeriodTrouble[] {
  const { kind, subject, issue, worker, at, payload } = event
  const spent = 'reason' in payload && payload.reason.code === 'budget_spent' ? payload.reason : null
  if (spent !== null)
    return [
      {
        class: spent.issue === null ? 'budget used up' : 'issue over its budget',
        subject: issue ?? subject,
        worker,
        at,
        evidence: sentence(spent),
      },
    ]
  const name = classOf(kind, 'detail' in payload ? payload.detail : null)
  if (name === null) return []
  const evidence = 'evidence' in payload ? payload.evidence : 'why' in payload ? payload.why : ''
  return [{ class: name, subject: issue ?? subject, worker, at: 'since' in payload ? (payload.since ?? at) : at, evidence }]
}

function classOf(kind: string, detail: string | null): string | null {
  if (kind === 'worker.waiting') return 'agent: waited for an answer'
  if (kind === 'worker.error' || kind === 'worker.limited') return `agent: ${detail ?? 'turn failed'}`
  if (kind === 'worker.dead') return 'agent: dead'
  if (kind === 'machine.unreachable') return 'machine unreachable'
  if (kind === 'dispatcher.silent') return 'dispatcher silent'
  return kind === 'repo.unread' ? 'repo not read' : null
}

/** Judges each sample of each machine, and returns the first sample of each series that a rule of health does not accept. */
function fromMeasures(measures: readonly Measure[], health: HealthFacts): PeriodTrouble[] {
  const machines = Map.groupBy(
    measures.filter(({ subject }) => subject.startsWith('machine ')),
    ({ subject }) => subject.slice('machine '.length),
  )
  const rules = machineRules.filter(({ name }) => name !== 'machines')
  return rules.flatMap(({ name, judge }) =>
    [...machines].flatMap(([machine, own]) => {
      const judged = own.map((measure) => ({ at: measure.at, ...judge({ ...health, measures: [measure] }) }))
      const bad = judged.map(({ status }) => status === 'warn' || status === 'fail')
      return judged.flatMap(({ at, evidence }, index) =>
        bad[index] === true && bad[index - 1] !== true ? [{ class: `machine: ${name}`, subject: machine, worker: null, at, evidence }] : [],
      )
    }),
  )
}
