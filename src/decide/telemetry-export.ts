/**
 * Turns events, spans and measures into records for other programs. A record has names, states, times and numbers, and no text of issues,
 * prompts, screens or people: a field has only values of a closed form.
 */
import type { Event } from '../core/events.ts'
import type { Measure, Span } from '../core/span.ts'
import type { Time } from '../core/nouns.ts'

/** The version of the records. It grows if a field changes its meaning or ends. */
export const exportVersion = 1

/** The fields of a record in their order, each with its meaning. docs/reference/telemetry.md has the same table. */
export const exportFields = {
  version: 'version of the format: 1',
  record: '`event`, `span` or `measure`',
  at: 'time of the event or the measure, or start of the span (ISO 8601, UTC)',
  until: 'end of the span; empty if it has not ended; for an hourly summary the end of its hour',
  kind: 'kind of the event, or kind of the subject of a span: `worker`, `machine`, `dispatcher`, `job`, `drift`',
  subject: 'the dispatch, delivery, issue, repo, worker or machine; a job is its machine and a hash, because its name is a command',
  machine: 'machine of the span',
  issue: 'issue of the event, or of the worker during the span',
  worker: 'worker of the event',
  incarnation: 'process of the agent during the span',
  actor: '`burn`, `person` or `forge`',
  state: 'state of the span; for the end of a trouble the ended state',
  detail: 'kind of the failure or the question, if burn knows it',
  reason: 'code of the reason of the event',
  name: 'name of a measured number; for an event `ms`: the duration of the ended state',
  value: 'the measured number',
  seen: 'last sample that showed the state of the span; for a dispatcher the start of its last cycle',
} as const

/** The numbers of measures, each with its meaning. A summary of an hour has the mean, and `max_` before the name has the maximum. */
export const measuredNumbers = {
  load: 'machine: load average over one minute',
  cores: 'machine: number of processor cores',
  memory_total: 'machine: memory (bytes)',
  memory_free: 'machine: free memory (bytes)',
  disk_total: 'machine: size of the file system with the home directory (bytes)',
  disk_free: 'machine: free space of this file system (bytes)',
  clock_offset: "machine: the machine's clock minus burn's clock (ms, full seconds)",
  agents_memory: 'machine: resident memory of the processes in panes (bytes)',
  leftovers: 'machine: processes of agents that no pane owns',
  leftovers_memory: 'machine: resident memory of these processes (bytes)',
  jobs: 'machine: jobs of the schedulers that burn reads',
  open: 'repo: open issues',
  ready: 'repo: issues that wait for a worker',
  in_review: 'repo: issues whose change is in review',
  merged: 'repo: changes for issues of the fleet that were merged in the last 24 hours',
  commits: 'repo: commits on the fetched branches of the git mirror; missing if this computer has no mirror',
} as const

/** A record. A field is null if it does not apply or is unknown. */
export type ExportRecord = Readonly<Record<keyof typeof exportFields, string | number | null>>

const none: ExportRecord = {
  version: exportVersion,
  record: null,
  at: null,
  until: null,
  kind: null,
  subject: null,
  machine: null,
  issue: null,
  worker: null,
  incarnation: null,
  actor: null,
  state: null,
  detail: null,
  reason: null,
  name: null,
  value: null,
  seen: null,
}

/** Returns the record of an event, without the texts of its payload. `hash`: returns a hash of a text. */
export function eventRecord({ at, kind, subject, issue, worker, actor, payload }: Event, hash: (text: string) => string): ExportRecord {
  const given: Readonly<Record<string, unknown>> = { ...payload }
  const { reason, state, detail, ms } = given
  const code = typeof reason === 'object' && reason !== null && 'code' in reason ? reason.code : null
  const duration = typeof ms === 'number' ? { name: 'ms', value: ms } : {}
  return {
    ...none,
    record: 'event',
    at: iso(at),
    kind,
    subject: kind.startsWith('job.') ? hashedJob(subject, hash) : subject,
    issue,
    worker,
    actor,
    state: word(state),
    detail: word(detail),
    reason: word(code),
    ...duration,
  }
}

/** Returns the record of a span. */
export function spanRecord(span: Span, hash: (text: string) => string): ExportRecord {
  const { kind, subject, machine, state, detail, issue, incarnation, began_at, seen_at, ended_at } = span
  return {
    ...none,
    record: 'span',
    at: iso(began_at),
    until: ended_at === null ? null : iso(ended_at),
    kind,
    subject: kind === 'job' ? hashedJob(subject, hash) : subject,
    machine,
    issue,
    incarnation,
    state: word(state),
    detail: kind === 'dispatcher' ? null : word(detail),
    seen: iso(seen_at),
  }
}

/** Returns one record for each number of a measure. */
export function measureRecords({ subject, at, period, numbers }: Measure): ExportRecord[] {
  const about = { ...none, record: 'measure', at: iso(at), until: period === 0 ? null : iso(at + period), subject }
  return Object.entries(numbers).map(([name, value]) => ({ ...about, name, value }))
}

/** Returns a record as one line of JSON, without empty fields. */
export function jsonLine(record: ExportRecord): string {
  return `${JSON.stringify(Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null)))}\n`
}

/** Returns values as one line of CSV (RFC 4180, but with `\n`). */
export function csvLine(values: readonly (string | number | null)[]): string {
  return `${values.map((value) => (typeof value === 'string' && /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : (value ?? ''))).join(',')}\n`
}

/** The values of states, details and codes are words. Anything else may be a text that burn did not write. */
function word(value: unknown): string | null {
  return typeof value === 'string' && /^[a-z][a-z _-]{0,40}$/.test(value) ? value : null
}

/** A job's subject is the machine, the scheduler and the name; the name of a cron job is its command, which may have secrets. */
function hashedJob(subject: string, hash: (text: string) => string): string {
  return `job ${hash(subject)}`
}

const iso = (time: Time) => new Date(time).toISOString()
