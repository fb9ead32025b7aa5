/** Health rules about the loop: dispatchers, the forge, scheduled jobs and the ledger. */
import type { HealthFacts, HealthRule, Judged } from '../core/health.ts'
import { counted } from '../core/text.ts'
import { lastCycle, lastRead, lasting, machineNumbers, noData, ok, okIfComplete, presentSpans } from './health-parts.ts'

/** The rules. */
export const loopRules: readonly HealthRule[] = [
  { name: 'dispatcher', judge: dispatcher },
  { name: 'forge', judge: forge },
  { name: 'jobs', judge: jobs },
  { name: 'ledger', judge: ledger },
]

function dispatcher({ spans, now, settings }: HealthFacts): Judged {
  const threshold = `a cycle in the last ${lasting(settings.dispatcher)}`
  const last = lastCycle(spans)
  if (last === 0) return noData(threshold, 'the ledger has no record of a dispatcher')
  const age = now - last
  if (age <= settings.dispatcher) return ok(`the last cycle began ${lasting(age)} ago`, threshold)
  // A dispatcher that ends normally ends its span.
  const isKilled = spans.some(({ kind, ended_at }) => kind === 'dispatcher' && ended_at === null)
  const evidence = `the last cycle began ${lasting(age)} ago${isKilled ? ', and its dispatcher did not end normally' : ''}`
  return { status: 'fail', evidence, threshold, since: last, remedy: 'start "burn dispatch --cycles 0"' }
}

function forge({ repos, spans, now, settings }: HealthFacts): Judged {
  const threshold = 'every repo can be read'
  if (repos.length === 0) return noData(threshold, 'burn has read no repo yet')
  const unread = repos.flatMap(({ repo, unread: each }) => (each === null ? [] : [{ repo, ...each }]))
  const age = now - lastRead(repos, spans)
  if (age > settings.dispatcher) return noData(threshold, `burn last read the forge ${lasting(age)} ago`)
  if (unread.length === 0) return ok(`burn read ${counted(repos.length, 'repo')}`, threshold)
  const [first] = unread.toSorted((a, b) => a.since - b.since)
  const evidence = `burn cannot read ${unread.length} of ${counted(repos.length, 'repo')}: ${first!.repo}: ${first!.why}`
  return { status: unread.length === repos.length ? 'fail' : 'warn', evidence, threshold, since: first!.since, remedy: 'run burn doctor' }
}

function jobs(facts: HealthFacts): Judged {
  const threshold = 'every scheduled job ran when it was due'
  const all = presentSpans(facts, 'job')
  const known = all.filter(({ state }) => state !== 'unknown')
  const bad = known.filter(({ state }) => state === 'missed' || state === 'failing').toSorted((a, b) => a.began_at - b.began_at)
  const [first] = bad
  const listed = machineNumbers(facts, (numbers) => numbers['jobs'])
  if (first === undefined) {
    if (all.length > 0 && known.length === 0) return noData(threshold, 'burn knows the runs of no job')
    const isNone = listed.known.length > 0 && listed.known.every(({ value }) => value === 0)
    if (all.length === 0 && !isNone) return noData(threshold)
    const unsure = all.length > known.length ? `; the runs of ${counted(all.length - known.length, 'job')} are unknown` : ''
    const evidence = all.length === 0 ? 'no job is scheduled' : `${counted(known.length, 'job')} ran on time${unsure}`
    return okIfComplete(evidence, threshold, listed.unknown)
  }
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
