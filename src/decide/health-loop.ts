/** Health rules about the loop: dispatchers, the forge, scheduled jobs and the ledger. */
import type { HealthFacts, HealthRule, Judged } from '../core/health.ts'
import { counted } from '../core/text.ts'
import { lasting, noData, ok, presentSpans } from './health-parts.ts'

/** The rules. */
export const loopRules: readonly HealthRule[] = [
  { name: 'dispatcher', judge: dispatcher },
  { name: 'forge', judge: forge },
  { name: 'jobs', judge: jobs },
  { name: 'ledger', judge: ledger },
]

function dispatcher({ spans, now, settings }: HealthFacts): Judged {
  const threshold = `a cycle in the last ${lasting(settings.dispatcher)}`
  const all = spans.filter(({ kind }) => kind === 'dispatcher')
  // A silent dispatcher ran its last cycle when its silence began.
  const last = all.reduce((latest, { state, began_at, seen_at }) => Math.max(latest, state === 'running' ? seen_at : began_at), 0)
  if (last === 0) return noData(threshold, 'the ledger has no record of a dispatcher')
  const age = now - last
  if (age <= settings.dispatcher) return ok(`the last cycle began ${lasting(age)} ago`, threshold)
  // A dispatcher that ends normally ends its span.
  const isKilled = all.some(({ ended_at }) => ended_at === null)
  const evidence = `the last cycle began ${lasting(age)} ago${isKilled ? ', and its dispatcher did not end normally' : ''}`
  return { status: 'fail', evidence, threshold, since: last, remedy: 'start "burn dispatch --cycles 0"' }
}

function forge({ repos }: HealthFacts): Judged {
  const threshold = 'every repo can be read'
  if (repos.length === 0) return noData(threshold, 'burn has read no repo yet')
  const unread = repos.flatMap(({ repo, unread: each }) => (each === null ? [] : [{ repo, ...each }]))
  if (unread.length === 0) return ok(`burn read ${counted(repos.length, 'repo')}`, threshold)
  const [first] = unread.toSorted((a, b) => a.since - b.since)
  const evidence = `burn cannot read ${unread.length} of ${counted(repos.length, 'repo')}: ${first!.repo}: ${first!.why}`
  return { status: unread.length === repos.length ? 'fail' : 'warn', evidence, threshold, since: first!.since, remedy: 'run burn doctor' }
}

function jobs(facts: HealthFacts): Judged {
  const threshold = 'every scheduled job ran when it was due'
  const all = facts.spans.filter(({ kind, ended_at }) => kind === 'job' && ended_at === null)
  const known = all.filter(({ state }) => state !== 'unknown')
  const bad = known.filter(({ state }) => state === 'missed' || state === 'failing').toSorted((a, b) => a.began_at - b.began_at)
  const [first] = bad
  if (all.length === 0 && presentSpans(facts, 'machine').length > 0) return ok('no job is scheduled', threshold)
  if (first === undefined)
    return known.length === 0
      ? noData(threshold, 'burn knows the runs of no job')
      : ok(`${counted(known.length, 'job')} ran on time`, threshold)
  const { subject, state, evidence, began_at } = first
  const more = bad.length > 1 ? `; ${counted(bad.length - 1, 'more job')}` : ''
  return {
    status: 'warn',
    evidence: `${subject} (${state}): ${evidence}${more}`,
    threshold,
    since: began_at,
    remedy: 'check the entry of the job in cron, systemd, launchd or Hermes',
  }
}

function ledger({ ledger_bytes, settings }: HealthFacts): Judged {
  const sizeOf = (bytes: number) => (bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(2)} GB`)
  const threshold = `at most ${sizeOf(settings.ledger_size)}`
  if (ledger_bytes <= settings.ledger_size) return ok(sizeOf(ledger_bytes), threshold)
  const remedy = 'set retention in the spec, then run burn ledger prune'
  return { status: 'warn', evidence: sizeOf(ledger_bytes), threshold, since: null, remedy }
}
